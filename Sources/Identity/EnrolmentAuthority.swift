// SPDX-License-Identifier: MIT

public import Primitives

/// The server's side of enrolment: answers a request, with the records of tokens left to the caller.
public struct EnrolmentAuthority: Sendable {
    private let issuer: CertificateIssuer

    /// Answers for the given issuer.
    public init(issuer: CertificateIssuer) {
        self.issuer = issuer
    }

    /// A member that was let in.
    public struct Member: Equatable, Sendable {
        /// The ID of its key.
        public let id: PartyID
        /// The name in its token.
        public let name: String
        /// Its key.
        public let publicKey: PublicKey
        /// The certificate that it was given.
        public let certificate: Certificate
    }

    /// What to send, and what it means.
    public struct Answer: Equatable, Sendable {
        /// The bytes to send back, after which the connection is closed.
        public let responseBytes: [UInt8]
        /// The new member, or why there is none, or none yet.
        public let outcome: Result<Member, EnrolmentRefusal>
    }

    /// Answers one request.
    ///
    /// - Parameters:
    ///   - requestBytes: What the client sent.
    ///   - exporter: `Enrolment.exporterCount` bytes of the connection's TLS exporter.
    ///   - now: Unix seconds.
    ///   - isRevoked: Whether a key, by the hash of its SubjectPublicKeyInfo, is shut out.
    ///   - hasUsed: Whether this key has used the token before: then it may come again after the token's expiry, as it does
    ///     while a signature takes its time.
    ///   - lookup: The invitation with a token's ID, used or not.
    ///   - consume: Records durably and atomically that a key has used a token; false if another key already has. The
    ///     same key may come again: its first answer may have been lost on the way.
    /// - Throws: What the closures throw, or an `IdentityError` when the certificate cannot be made: then there is
    ///   nothing to send, and the client may try again with the same key.
    public func answer(
        requestBytes: [UInt8], exporter: [UInt8], now: Int64, isRevoked: (Digest) throws -> Bool = { _ in false },
        hasUsed: (TokenID, PublicKey) throws -> Bool = { _, _ in false }, lookup: (TokenID) throws -> Invitation?,
        consume: (TokenID, PublicKey) throws -> Bool
    ) throws -> Answer {
        do {
            let request = try EnrolmentRequest(bytes: requestBytes)
            let invitation = try lookup(request.tokenID)
            let key = try check(request, exporter: exporter, invitation: invitation)
            if let invitation, now > invitation.expiry, try !hasUsed(request.tokenID, key) {
                throw EnrolmentRefusal.expired
            }
            guard try !isRevoked(key.spkiHash) else { throw EnrolmentRefusal.keyRevoked }
            let asked = try request.checkedCertificateRequest(
                key: key, federation: issuer.federation, isNeeded: issuer.signsElsewhere)
            // Before the token is used up: nobody could do anything with it.
            guard !issuer.isLocked else { throw EnrolmentRefusal.authorityLocked }
            guard try consume(request.tokenID, key) else { throw EnrolmentRefusal.alreadyUsed }
            let certificate = try certificate(for: key, name: request.name, asked, now: now)
            let response = EnrolmentResponse.granted(certificate: certificate, authority: issuer.authority)
            let member = Member(
                id: PartyID(publicKey: key), name: request.name, publicKey: key, certificate: certificate)
            return Answer(responseBytes: try response.encoded(), outcome: .success(member))
        } catch let refusal as EnrolmentRefusal {
            return Answer(
                responseBytes: try EnrolmentResponse.refused(refusal).encoded(), outcome: .failure(refusal))
        }
    }

    private func certificate(
        for key: PublicKey, name: String, _ request: CertificateRequest?, now: Int64
    ) throws -> Certificate {
        switch try issuer.party(key, name: name, request: request, now: now) {
        case .issued(let certificate): return certificate
        case .awaitingSignature: throw EnrolmentRefusal.awaitingSignature
        case .locked: throw EnrolmentRefusal.authorityLocked
        }
    }

    /// The token first, so that a stranger learns nothing but that it is one; then the key.
    private func check(
        _ request: EnrolmentRequest, exporter: [UInt8], invitation: Invitation?
    ) throws(EnrolmentRefusal) -> PublicKey {
        guard let invitation else { throw .unknownToken }
        guard request.isAuthenticated(secret: invitation.secret, exporter: exporter) else { throw .notAuthenticated }
        guard request.name == invitation.name else { throw .nameMismatch }
        return try request.provenKey()
    }
}
