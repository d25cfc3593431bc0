// SPDX-License-Identifier: MIT

import Synchronization

/// Bounds the connections of a listener and those among them that have not completed their handshake.
final class Places: Sendable {
    private struct State {
        var connections = 0
        var handshakes = 0
    }

    private let configuration: TransportConfiguration
    private let state = Mutex(State())

    init(configuration: TransportConfiguration) { self.configuration = configuration }

    /// Takes a place, or says why there is none.
    func take() -> HandshakeRefusal? {
        state.withLock { state in
            guard state.connections < configuration.connectionsMax else { return .tooManyConnections }
            guard state.handshakes < configuration.handshakesMax else { return .tooManyHandshakes }
            state.connections += 1
            state.handshakes += 1
            return nil
        }
    }

    /// One connection's place; what it gives back, it gives back once.
    final class Place: Sendable {
        private let places: Places
        private let isShakingHands = Mutex(true)

        init(_ places: Places) { self.places = places }

        func completeHandshake() {
            let wasShaking = isShakingHands.withLock { value in
                defer { value = false }
                return value
            }
            if wasShaking { places.state.withLock { $0.handshakes -= 1 } }
        }

        func leave() {
            completeHandshake()
            places.state.withLock { $0.connections -= 1 }
        }
    }
}
