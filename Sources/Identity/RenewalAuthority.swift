// SPDX-License-Identifier: MIT

public import Primitives

/// The coordinator's side of renewal: decides what a member is given, with the records left to the caller.
///
/// It signs only when the certificate on record is due or another authority's. Whoever asks more often is given the one on
/// record again, so that no member makes the authority sign more than once in a lifetime of a certificate, and an answer that
/// was lost costs nothing.
public struct RenewalAuthority: Sendable {
    private let issuer: CertificateIssuer

    /// Answers with what an issuer gives.
    public init(issuer: CertificateIssuer) {
        self.issuer = issuer
    }

    /// A member as it is on record.
    public struct Member: Equatable, Sendable {
        /// Its key, which the connection must have proved.
        public let publicKey: PublicKey
        /// Its name on record.
        public let name: String
        /// The certificate that it was given last; nil if that cannot be read.
        public let certificate: Certificate?

        /// Describes a member that is not shut out.
        public init(publicKey: PublicKey, name: String, certificate: Certificate?) {
            self.publicKey = publicKey
            self.name = name
            self.certificate = certificate
        }
    }

    /// What to send, and what to record before.
    public struct Answer: Equatable, Sendable {
        /// What to send back, after which the connection is closed.
        public let response: RenewalResponse
        /// A certificate that was made now; nil if none was.
        public let issued: Certificate?
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - requestBytes: what the member sent.
    ///   - key: the key that the connection has proved.
    ///   - member: who has this key on record and is not shut out; nil if nobody has.
    ///   - now: Unix seconds.
    /// - Throws: `IdentityError` when a certificate cannot be made: then there is nothing to send.
    public func answer(
        requestBytes: [UInt8], key: PublicKey, member: Member?, now: Int64
    ) throws(IdentityError) -> Answer {
        guard let request = try? RenewalRequest(encoded: requestBytes),
            request.request == nil || request.request?.publicKey == key
        else { return Answer(response: .refused(.malformed), issued: nil) }
        guard let member, member.publicKey == key else { return Answer(response: .refused(.notAMember), issued: nil) }
        let present = member.certificate.flatMap { $0.isSigned(by: issuer.authority) ? $0 : nil }
        if let present, now < present.renewalTime { return grant(present, isNew: false) }
        switch try issue(request.request, for: member, endingAfter: present?.notAfter, now: now) {
        case .awaitingSignature: return Answer(response: .refused(.awaitingSignature), issued: nil)
        case .locked: return Answer(response: .refused(.locked), issued: nil)
        case .issued(let certificate):
            // An authority that ends soon could make ever more certificates that end with it.
            if let present, certificate.notAfter <= present.notAfter {
                return Answer(response: .refused(.authorityEnds), issued: nil)
            }
            return grant(certificate, isNew: true)
        case nil: return Answer(response: .refused(.malformed), issued: nil)
        }
    }

    private func grant(_ certificate: Certificate, isNew: Bool) -> Answer {
        Answer(
            response: .granted(certificate, authorities: issuer.authorities.list), issued: isNew ? certificate : nil)
    }

    /// Has a certificate made; nil for a request that does not fit.
    ///
    /// The name is the one on record; where somebody else signs, it may also be the one that the present certificate was given.
    private func issue(
        _ request: CertificateRequest?, for member: Member, endingAfter end: Int64?, now: Int64
    ) throws(IdentityError) -> Issuance? {
        let given = member.certificate?.subjectCommonName
        let name = issuer.signsElsewhere && request?.subjectCommonName == given ? given ?? member.name : member.name
        do throws(IdentityError) {
            return try issuer.party(
                member.publicKey, name: name, request: issuer.signsElsewhere ? request : nil, endingAfter: end,
                now: now)
        } catch .requestMismatch, .requestMissing {
            return nil
        }
    }
}
