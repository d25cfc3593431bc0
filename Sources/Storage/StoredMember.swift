// SPDX-License-Identifier: MIT

public import Identity

/// A member of the federation as the server keeps it; times are Unix seconds.
public struct StoredMember: Equatable, Sendable {
    /// Follows from the key.
    public let id: PartyID
    /// What people call it.
    public let name: String
    /// The SubjectPublicKeyInfo of its key, DER.
    public let spki: [UInt8]
    /// The certificate that it was given last, DER.
    public let certificate: [UInt8]
    /// When it was let in.
    public let enrolledAt: Int64
    /// When its key was shut out; nil for a member.
    public let revokedAt: Int64?

    /// Takes the parts.
    public init(
        id: PartyID, name: String, spki: [UInt8], certificate: [UInt8], enrolledAt: Int64, revokedAt: Int64? = nil
    ) {
        self.id = id
        self.name = name
        self.spki = spki
        self.certificate = certificate
        self.enrolledAt = enrolledAt
        self.revokedAt = revokedAt
    }
}
