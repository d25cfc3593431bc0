// SPDX-License-Identifier: MIT

public import Primitives

/// The server's side of enrolment: answers a request, with the records of tokens left to the caller.
public struct EnrolmentAuthority: Sendable {
    private let authority: CertificateAuthority

    /// Answers for the given authority.
    public init(authority: CertificateAuthority) {
        self.authority = authority
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
        /// The new member, or why there is none.
        public let outcome: Result<Member, EnrolmentRefusal>
    }

    /// Answers one request.
    ///
    /// - Parameters:
    ///   - requestBytes: What the client sent.
    ///   - exporter: `Enrolment.exporterCount` bytes of the connection's TLS exporter.
    ///   - now: Unix seconds.
    ///   - isRevoked: Whether a key, by the hash of its SubjectPublicKeyInfo, is shut out.
    ///   - lookup: The invitation with a token's ID, used or not.
    ///   - consume: Records durably and atomically that a key has used a token; false if another key already has. The
    ///     same key may come again: its first answer may have been lost on the way.
    /// - Throws: What the closures throw, or an `IdentityError` when the certificate cannot be made: then there is
    ///   nothing to send, and the client may try again with the same key.
    public func answer(
        requestBytes: [UInt8], exporter: [UInt8], now: Int64, isRevoked: (Digest) throws -> Bool = { _ in false },
        lookup: (TokenID) throws -> Invitation?, consume: (TokenID, PublicKey) throws -> Bool
    ) throws -> Answer {
        do {
            let request = try EnrolmentRequest(bytes: requestBytes)
            let key = try check(request, exporter: exporter, now: now, invitation: lookup(request.tokenID))
            guard try !isRevoked(key.spkiHash) else { throw EnrolmentRefusal.keyRevoked }
            guard try consume(request.tokenID, key) else { throw EnrolmentRefusal.alreadyUsed }
            let certificate = try authority.issueParty(publicKey: key, name: request.name, now: now)
            let response = EnrolmentResponse.granted(certificate: certificate, authority: authority.certificate)
            let member = Member(
                id: PartyID(publicKey: key), name: request.name, publicKey: key, certificate: certificate)
            return Answer(responseBytes: try response.encoded(), outcome: .success(member))
        } catch let refusal as EnrolmentRefusal {
            return Answer(
                responseBytes: try EnrolmentResponse.refused(refusal).encoded(), outcome: .failure(refusal))
        }
    }

    /// The token first, so that a stranger learns nothing but that it is one; then the key.
    private func check(
        _ request: EnrolmentRequest, exporter: [UInt8], now: Int64, invitation: Invitation?
    ) throws(EnrolmentRefusal) -> PublicKey {
        guard let invitation else { throw .unknownToken }
        guard request.isAuthenticated(secret: invitation.secret, exporter: exporter) else { throw .notAuthenticated }
        guard now <= invitation.expiry else { throw .expired }
        guard request.name == invitation.name else { throw .nameMismatch }
        return try request.provenKey()
    }
}
