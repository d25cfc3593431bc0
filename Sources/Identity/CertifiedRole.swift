// SPDX-License-Identifier: MIT

public import Primitives

/// Who a certificate says its owner is, once name and key have been found to agree.
///
/// It says nothing about who signed the certificate: that is for TLS to check.
public struct CertifiedRole: Hashable, Sendable {
    /// The federation.
    public let federation: FederationName
    /// The place in it.
    public let role: PartyRole
    /// The owner's key.
    public let publicKey: PublicKey

    /// Reads the one URI of the certificate's alternative name.
    ///
    /// Throws `certificateKeyUnsupported` unless the key is of P-256, `certificateRoleMissing` unless there is exactly
    /// one URI and it names a role, `certificateRoleMismatch` when a party's ID is not the one of the key.
    public init(certificate: Certificate) throws(IdentityError) {
        guard let publicKey = certificate.publicKey else { throw .certificateKeyUnsupported }
        guard certificate.uris.count == 1, let (federation, role) = PartyRole.parse(uri: certificate.uris[0]) else {
            throw .certificateRoleMissing(uris: certificate.uris)
        }
        if case .party(let named) = role {
            let owner = PartyID(publicKey: publicKey)
            guard named == owner else { throw .certificateRoleMismatch(named: named, key: owner) }
        }
        self.federation = federation
        self.role = role
        self.publicKey = publicKey
    }
}
