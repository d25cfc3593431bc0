// SPDX-License-Identifier: MIT

import Foundation
import Identity

/// Names one relay on one connection: 16 bytes, drawn by whoever opens it (protocol section 3, "Relay").
public struct RelayID: Hashable, Sendable {
    public let bytes: [UInt8]

    /// Takes the bytes of a relay's name; nil unless there are 16.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Draws a name.
    public static func random() -> RelayID {
        var generator = SystemRandomNumberGenerator()
        return RelayID((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// Opens a relay and is its first direction: from a party to the coordinator, and from there to the party at the other end.
public struct RelayOpen: Equatable, Sendable {
    public let relay: RelayID
    /// The party at the other end: to the coordinator whom to reach, from it who asks.
    public let party: PartyID

    /// Makes a header.
    public init(relay: RelayID, party: PartyID) {
        self.relay = relay
        self.party = party
    }
}

/// Opens the other direction of a relay that a `RelayOpen` on the same connection has named.
public struct RelayAnswer: Equatable, Sendable {
    public let relay: RelayID

    /// Makes a header.
    public init(relay: RelayID) { self.relay = relay }
}

/// Why a relay is refused or ended (protocol section 13): the code of a refuse or reset frame on one of its streams.
public enum RelayRefusal: UInt32, Error, Sendable, CaseIterable {
    /// No relay of this name waits for an answer, or the header is not for this receiver.
    case notExpected = 2
    /// The party at the other end is not connected, no member, or takes no relays.
    case notThere = 16
    /// As many relays stand as may, of one of the two parties or in all.
    case tooMany = 17
    /// The party has opened as many in the last minute as it may.
    case tooOften = 18
    /// The relay has carried as many bytes as it may.
    case exhausted = 19
    /// The other end did not answer in time.
    case noAnswer = 20
    /// A newer relay of the same two parties has taken its place.
    case superseded = 21
    /// One of the two connections that it rests on is gone.
    case otherEndGone = 22
}

extension RelayRefusal: CustomStringConvertible {
    /// The name of the reason in `docs/PROTOCOL.md`, for counters.
    public var name: String {
        switch self {
        case .notExpected: "notExpected"
        case .notThere: "notThere"
        case .tooMany: "tooMany"
        case .tooOften: "tooOften"
        case .exhausted: "exhausted"
        case .noAnswer: "noAnswer"
        case .superseded: "superseded"
        case .otherEndGone: "otherEndGone"
        }
    }

    public var description: String {
        switch self {
        case .notExpected: "nothing waits for it"
        case .notThere: "the other site is not connected to the coordinator, or takes no relays"
        case .tooMany: "as many relays stand as may"
        case .tooOften: "too many relays were asked for within a minute"
        case .exhausted: "it has carried as many bytes as a relay may"
        case .noAnswer: "the other site did not answer"
        case .superseded: "a newer relay of the two sites has taken its place"
        case .otherEndGone: "the other site's connection to the coordinator is gone"
        }
    }
}

extension RelayOpen {
    init(wire: WireRelayOpen) throws(InvalidMessage) {
        let fields = Fields(message: "RelayOpen")
        relay = try fields.relay(wire.relay, "relay")
        party = try fields.party(wire.party, "party")
    }

    var wire: WireRelayOpen {
        .with {
            $0.relay = Data(relay.bytes)
            $0.party = party.data
        }
    }
}

extension RelayAnswer {
    init(wire: WireRelayAnswer) throws(InvalidMessage) {
        relay = try Fields(message: "RelayAnswer").relay(wire.relay, "relay")
    }

    var wire: WireRelayAnswer { .with { $0.relay = Data(relay.bytes) } }
}

extension Fields {
    fileprivate func relay(_ data: Data, _ field: String) throws(InvalidMessage) -> RelayID {
        guard let relay = RelayID(bytes: [UInt8](data)) else { throw length(field, 16, data.count) }
        return relay
    }
}
