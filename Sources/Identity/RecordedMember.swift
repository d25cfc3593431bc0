// SPDX-License-Identifier: MIT

import Foundation
public import Primitives

/// One line of a member record.
public struct RecordedMember: Equatable, Sendable {
    /// What the site has said about the member.
    public enum State: String, Codable, Sendable {
        /// It may take part.
        case confirmed
        /// It waits for `members confirm`.
        case pending
    }

    /// Its ID, that of its key.
    public let id: PartyID
    /// The name under which it was first seen.
    public let name: String
    /// Its DER SubjectPublicKeyInfo.
    public let spki: [UInt8]
    /// What the site has said about it.
    public internal(set) var state: State
    /// When it was confirmed, in Unix seconds.
    public internal(set) var confirmedAt: Int64?

    /// Records a key under a name.
    public init(publicKey: PublicKey, name: String, state: State, confirmedAt: Int64? = nil) {
        id = PartyID(publicKey: publicKey)
        self.name = name
        spki = publicKey.spki
        self.state = state
        self.confirmedAt = confirmedAt
    }

    /// The SHA-256 of the key, which roster fingerprints and pins are made of.
    public var spkiHash: Digest { SHA256.hash(spki) }
}

extension RecordedMember: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, name, spki, state, confirmed
    }

    /// Reads `id` and `spki` as hexadecimal text, which must agree, and `confirmed` as an ISO 8601 date.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let id = try container.decode(PartyID.self, forKey: .id)
        let text = try container.decode(String.self, forKey: .spki)
        guard let spki = Hexadecimal.decode(text), let key = try? PublicKey(spki: spki) else {
            throw DecodingError.dataCorruptedError(
                forKey: .spki, in: container, debugDescription: "not a P-256 SubjectPublicKeyInfo in hexadecimal")
        }
        let name = try container.decode(String.self, forKey: .name)
        guard MemberName.isValid(name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .name, in: container, debugDescription: "not the name of a member")
        }
        var confirmedAt: Int64?
        if let text = try container.decodeIfPresent(String.self, forKey: .confirmed) {
            guard let date = try? Date(text, strategy: .iso8601) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .confirmed, in: container, debugDescription: "not an ISO 8601 date")
            }
            confirmedAt = Int64(date.timeIntervalSince1970)
        }
        let state = try container.decode(State.self, forKey: .state)
        self.init(publicKey: key, name: name, state: state, confirmedAt: confirmedAt)
        guard self.id == id else {
            throw DecodingError.dataCorruptedError(
                forKey: .id, in: container, debugDescription: "not the ID of the key")
        }
    }

    /// Writes what `init(from:)` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(Hexadecimal.encode(spki), forKey: .spki)
        try container.encode(state, forKey: .state)
        if let confirmedAt {
            let date = Date(timeIntervalSince1970: TimeInterval(confirmedAt))
            try container.encode(date.formatted(.iso8601), forKey: .confirmed)
        }
    }
}
