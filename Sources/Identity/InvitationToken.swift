// SPDX-License-Identifier: MIT

public import Primitives

/// Invites one member, once: what it must know to find its federation, recognize it, and be recognized.
///
/// The text is `summand1.` and the base64url of: u8 length and federation; 32 bytes fingerprint of the authority's
/// certificate; 32 bytes secret; u8 length and name; u64 expiry in Unix seconds; u8 count of addresses, each with a u8
/// length. Whoever has the text can join in the member's place: it is a secret itself.
public struct InvitationToken: Sendable, Equatable {
    /// What every token begins with.
    public static let prefix = "summand1."
    /// The most addresses of a token.
    public static let addressesMax = 16
    /// The number of bytes of the secret.
    public static let secretCount = 32

    /// The federation that invites.
    public let federation: FederationName
    /// The SHA-256 of the authority's certificate: how the server is recognized.
    public let authorityFingerprint: Digest
    /// What proves the invitation.
    public let secret: SecretBytes
    /// The name that the member is invited under.
    public let name: String
    /// The time after which it is no longer good, in Unix seconds.
    public let expiry: Int64
    /// Where the server listens, `host:port`; hints, tried in order.
    public let addresses: [String]

    /// Makes an invitation with a new secret. Throws `nameInvalid` or `addressInvalid`.
    public init(
        federation: FederationName, authorityFingerprint: Digest, name: String, expiry: Int64, addresses: [String] = []
    ) throws(TokenError) {
        guard addresses.count <= Self.addressesMax else { throw .addressInvalid }
        try self.init(
            federation: federation, authorityFingerprint: authorityFingerprint,
            secret: SecretBytes(randomCount: Self.secretCount), name: name, expiry: expiry, addresses: addresses)
    }

    init(
        federation: FederationName, authorityFingerprint: Digest, secret: SecretBytes, name: String, expiry: Int64,
        addresses: [String]
    ) throws(TokenError) {
        guard MemberName.isValid(name) else { throw .nameInvalid }
        guard addresses.allSatisfy(Self.isAddress) else { throw .addressInvalid }
        self.federation = federation
        self.authorityFingerprint = authorityFingerprint
        self.secret = secret
        self.name = name
        self.expiry = expiry
        self.addresses = addresses
    }

    /// The public name of the secret.
    public var id: TokenID { TokenID(secret: secret) }

    /// What the server keeps of the token until it is used.
    public var invitation: Invitation { Invitation(secret: secret, name: name, expiry: expiry) }

    /// Throws `expired` when `now`, in Unix seconds, is past the expiry.
    public func requireUnexpired(now: Int64) throws(TokenError) {
        guard now <= expiry else { throw .expired(at: expiry) }
    }

    private static func isAddress(_ address: String) -> Bool {
        (1...255).contains(address.utf8.count) && address.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

extension InvitationToken: CustomStringConvertible, CustomReflectable {
    /// Says whom the token invites where; never the secret.
    public var description: String { "InvitationToken(\(name) to \(federation))" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
