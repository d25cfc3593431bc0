// SPDX-License-Identifier: MIT

import Synchronization

/// Remembers when the peer last answered a ping; written on the event loop, read anywhere.
final class Liveness: Sendable {
    private struct State {
        var lastPong: ContinuousClock.Instant?
        var roundTrip: Duration?
    }

    private let state = Mutex(State())

    var lastPong: ContinuousClock.Instant? { state.withLock { $0.lastPong } }
    var roundTrip: Duration? { state.withLock { $0.roundTrip } }

    func answered(after roundTrip: Duration) {
        state.withLock {
            $0.lastPong = .now
            $0.roundTrip = roundTrip
        }
    }
}
