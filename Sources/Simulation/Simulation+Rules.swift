// SPDX-License-Identifier: MIT

import Aggregation

extension Simulation {
    /// Rules whose removal nothing notices, with what holds in their place.
    package static let redundant: [Rule: String] = [:]
}
