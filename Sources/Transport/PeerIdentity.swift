// SPDX-License-Identifier: MIT

import Identity
import Primitives
import TLS

/// Says who is at the other end of a connection, as its accepted certificate proves.
public struct PeerIdentity: Hashable, Sendable {
    /// The accepted certificate.
    public let certificate: Certificate
    /// The federation that the certificate names.
    public let federation: FederationName
    /// What the peer is there.
    public let role: PartyRole
    /// The key that the peer has proved to hold.
    public let publicKey: PublicKey

    /// The SHA-256 of the peer's SubjectPublicKeyInfo, what pins compare.
    public var spkiHash: Digest { publicKey.spkiHash }

    /// Reads who a certificate speaks for; throws `CertificateFailure` when it names nobody or contradicts its key.
    init(_ certificate: Certificate) throws(CertificateFailure) {
        do throws(IdentityError) {
            let certified = try CertifiedRole(certificate: certificate)
            federation = certified.federation
            role = certified.role
            publicKey = certified.publicKey
            self.certificate = certificate
        } catch {
            if case .certificateKeyUnsupported = error { throw .unsupportedKey }
            throw .wrongRole(expected: "a member of a federation", actual: certificate.uris)
        }
    }

    public static func == (left: PeerIdentity, right: PeerIdentity) -> Bool { left.certificate == right.certificate }

    public func hash(into hasher: inout Hasher) { hasher.combine(certificate.fingerprint) }
}
