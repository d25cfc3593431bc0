// SPDX-License-Identifier: MIT

public import Primitives

/// Names a token without giving it away: the first 16 bytes of the SHA-256 of its secret.
public struct TokenID: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes of every ID.
    public static let count = 16

    /// The 16 bytes.
    public let bytes: [UInt8]

    /// Takes exactly 16 bytes; nil for any other number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }

    /// Derives the ID of a token's secret.
    public init(secret: SecretBytes) {
        var hasher = SHA256Hasher()
        secret.withBytes { hasher.update($0) }
        bytes = Array(hasher.finalize().bytes.prefix(Self.count))
    }

    /// The ID as 32 lower-case hexadecimal digits.
    public var hex: String { Hexadecimal.encode(bytes) }

    public var description: String { hex }
}

/// What the server keeps of a token that it gave out.
public struct Invitation: Sendable, Equatable {
    /// The token's secret.
    public let secret: SecretBytes
    /// The name that the member is invited under.
    public let name: String
    /// The time after which it is no longer good, in Unix seconds.
    public let expiry: Int64

    /// Puts together what was kept.
    public init(secret: SecretBytes, name: String, expiry: Int64) {
        self.secret = secret
        self.name = name
        self.expiry = expiry
    }

    /// The token's public name.
    public var id: TokenID { TokenID(secret: secret) }
}
