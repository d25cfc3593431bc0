// SPDX-License-Identifier: MIT

import Synchronization

/// Notes when a stream brought something last.
final class StreamProgress: Sendable {
    private let last = Mutex(ContinuousClock.now)

    /// Something came.
    func note() { last.withLock { $0 = .now } }

    /// The time since something came, or since the stream was let go.
    var silence: Duration { last.withLock { .now - $0 } }
}
