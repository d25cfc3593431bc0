// SPDX-License-Identifier: MIT

import NIOCore
import Primitives
import NIOConcurrencyHelpers

/// Bounds the connections of a listener: all of them, those in their handshake, those that enrol, those of one peer.
///
/// The last three make room by closing the oldest of their own kind. So whoever opens connections and says nothing only
/// displaces others that have said nothing for longer; an honest handshake takes milliseconds and is over by then.
final class Places: Sendable {
    /// What a connection is at the moment.
    private enum Kind: Hashable {
        case handshake
        case enrolment
        case peer(Digest)
    }

    private struct Entry {
        let number: UInt64
        let close: @Sendable () -> Void
    }

    private struct State {
        var connections = 0
        var next: UInt64 = 0
        /// The connections of each kind, oldest first.
        var entries: [Kind: [Entry]] = [:]
    }

    private let configuration: TransportConfiguration
    private let state = NIOLockedValueBox(State())

    init(configuration: TransportConfiguration) { self.configuration = configuration }

    /// Takes a place for a handshake; nil when there are too many connections.
    ///
    /// - Parameter close: ends the connection if its place is needed.
    func take(close: @escaping @Sendable () -> Void) -> Place? {
        let (place, displaced) = state.withLockedValue { state -> (Place?, Entry?) in
            guard state.connections < configuration.connectionsMax else { return (nil, nil) }
            state.connections += 1
            state.next += 1
            let place = Place(self, number: state.next)
            return (place, add(Entry(number: state.next, close: close), .handshake, &state))
        }
        displaced?.close()
        return place
    }

    /// Adds a connection to its kind, and takes out the oldest there if there are too many.
    private func add(_ entry: Entry, _ kind: Kind, _ state: inout State) -> Entry? {
        state.entries[kind, default: []].append(entry)
        guard let all = state.entries[kind], all.count > maximum(kind) else { return nil }
        return state.entries[kind]?.removeFirst()
    }

    private func maximum(_ kind: Kind) -> Int {
        switch kind {
        case .handshake: max(1, configuration.handshakesMax)
        case .enrolment: max(1, configuration.enrolmentsMax)
        case .peer: max(1, configuration.connectionsPerPeerMax)
        }
    }

    /// Moves a connection from one kind to another, or out; false if it had been displaced before.
    private func move(_ number: UInt64, from old: Kind, to new: Kind?) -> Bool {
        let (found, displaced) = state.withLockedValue { state -> (Bool, Entry?) in
            guard let index = state.entries[old]?.firstIndex(where: { $0.number == number }),
                let entry = state.entries[old]?.remove(at: index)
            else { return (false, nil) }
            if state.entries[old]?.isEmpty == true { state.entries[old] = nil }
            return (true, new.flatMap { add(entry, $0, &state) })
        }
        displaced?.close()
        return found
    }

    /// One connection's place; what it gives back, it gives back once.
    final class Place: Sendable {
        private let places: Places
        private let number: UInt64
        private let kind = NIOLockedValueBox(Kind?.some(.handshake))

        init(_ places: Places, number: UInt64) {
            self.places = places
            self.number = number
        }

        /// The handshake is over: the connection is a peer's, or without a certificate one that enrols. False if it has been
        /// displaced.
        func complete(as peer: PeerIdentity?) -> Bool { become(peer.map { .peer($0.spkiHash) } ?? .enrolment) }

        /// The handshake failed. False if it was because the connection has been displaced.
        func fail() -> Bool { become(nil) }

        /// The connection is gone.
        func leave() {
            _ = become(nil)
            places.state.withLockedValue { $0.connections -= 1 }
        }

        private func become(_ new: Kind?) -> Bool {
            kind.withLockedValue { kind in
                guard let old = kind else { return false }
                kind = new
                return places.move(number, from: old, to: new)
            }
        }
    }
}
