// SPDX-License-Identifier: MIT

import FuzzSupport

@main
enum FuzzDiscovery {
    static func main() { Fuzzing.run(["discovery": fuzzDiscovery, "dns": fuzzDNS]) }
}
