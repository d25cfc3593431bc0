// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers

/// Tells any task what the event loop knows of a connection: the last answer to a ping, and the end.
final class ConnectionStatus: Sendable {
    private struct State {
        var lastPong: ContinuousClock.Instant?
        var roundTrip: Duration?
        var end: ConnectionError?
    }

    private let state = NIOLockedValueBox(State())

    var lastPong: ContinuousClock.Instant? { state.withLockedValue { $0.lastPong } }
    var roundTrip: Duration? { state.withLockedValue { $0.roundTrip } }
    var end: ConnectionError? { state.withLockedValue { $0.end } }

    func answered(after roundTrip: Duration) {
        state.withLockedValue {
            $0.lastPong = .now
            $0.roundTrip = roundTrip
        }
    }

    func ended(_ error: ConnectionError) {
        state.withLockedValue { $0.end = error }
    }
}
