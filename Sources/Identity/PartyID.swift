// SPDX-License-Identifier: MIT

public import Primitives

/// Names a party: the first 16 bytes of the SHA-256 of its public key, derived and never sent (protocol section 3).
public struct PartyID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number of bytes of every ID.
    public static let count = 16

    /// The 16 bytes.
    public let bytes: [UInt8]

    /// Takes exactly 16 bytes; nil for any other number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }

    /// Derives the ID of a key's owner.
    public init(publicKey: PublicKey) {
        bytes = Array(publicKey.spkiHash.bytes.prefix(Self.count))
    }

    /// Reads 32 lower-case hexadecimal digits; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(hex), let id = PartyID(bytes: bytes), id.hex == hex else { return nil }
        self = id
    }

    /// The ID as 32 lower-case hexadecimal digits.
    public var hex: String { Hexadecimal.encode(bytes) }

    public var description: String { hex }

    /// Orders IDs as byte strings: the order of members in an epoch.
    public static func < (left: PartyID, right: PartyID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension PartyID: Codable {
    /// Reads hexadecimal text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = PartyID(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a party's ID is 32 lower-case hexadecimal digits")
        }
        self = id
    }

    /// Writes hexadecimal text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
