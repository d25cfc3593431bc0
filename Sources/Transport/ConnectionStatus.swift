// SPDX-License-Identifier: MIT

import Synchronization

/// Tells any task what the event loop knows of a connection: the last answer to a ping, and the end.
final class ConnectionStatus: Sendable {
    private struct State {
        var lastPong: ContinuousClock.Instant?
        var roundTrip: Duration?
        var end: ConnectionError?
    }

    private let state = Mutex(State())

    var lastPong: ContinuousClock.Instant? { state.withLock { $0.lastPong } }
    var roundTrip: Duration? { state.withLock { $0.roundTrip } }
    var end: ConnectionError? { state.withLock { $0.end } }

    func answered(after roundTrip: Duration) {
        state.withLock {
            $0.lastPong = .now
            $0.roundTrip = roundTrip
        }
    }

    func ended(_ error: ConnectionError) {
        state.withLock { $0.end = error }
    }
}
