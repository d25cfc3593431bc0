// SPDX-License-Identifier: MIT

public import Primitives

/// What can go wrong with a server's answer to enrolment.
public enum EnrolmentError: Error, Equatable, Sendable {
    /// The authority in the answer is not the one of the token.
    case authorityMismatch(expected: Digest, actual: Digest)
    /// The certificate in the answer is not one for this key in this federation.
    case certificateRejected(IdentityError)
    /// The certificate in the answer is not valid at this time: one of the two clocks is wrong.
    case certificateNotValid(notBefore: Int64, notAfter: Int64)
    /// The server gave a reason instead.
    case refused(EnrolmentRefusal)
    /// The answer does not parse.
    case responseMalformed
}

extension EnrolmentError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .authorityMismatch:
            "the server's authority is not the one in the token: it is another server, or the authority was replaced after "
                + "the token was made; ask for a new one"
        case .certificateRejected(let error): "the server sent a certificate that does not fit: \(error)"
        case .certificateNotValid: "the certificate that the server sent is not valid now; compare the clocks"
        case .refused(let refusal): refusal.description
        case .responseMalformed: "the server's answer makes no sense"
        }
    }
}

/// The client's side of enrolment.
public struct EnrolmentClient: Sendable {
    private let token: InvitationToken
    private let key: SigningKey

    /// Enrols `key` with `token`; keep the key on disk before anything is sent.
    public init(token: InvitationToken, key: SigningKey) {
        self.token = token
        self.key = key
    }

    /// Writes the request for a connection with the given exporter of `Enrolment.exporterCount` bytes.
    public func requestBytes(exporter: [UInt8]) throws -> [UInt8] {
        // The client does not know where the authority's key is, so that it always brings what has to be signed.
        let request = try CertificateRequest.make(
            .party(PartyID(publicKey: key.publicKey)), name: token.name, federation: token.federation, key: key)
        return try EnrolmentRequest.encode(
            token: token, key: key, certificateRequest: request, exporter: exporter)
    }

    /// Reads the answer and checks all of it; `now` is in Unix seconds.
    public func identity(responseBytes: [UInt8], now: Int64) throws(EnrolmentError) -> PartyIdentity {
        guard let response = EnrolmentResponse(bytes: responseBytes) else { throw .responseMalformed }
        switch response {
        case .refused(let refusal):
            throw .refused(refusal)
        case .granted(let certificate, let authority):
            return try check(certificate, authority, now: now)
        }
    }

    private func check(
        _ certificate: Certificate, _ authority: Certificate, now: Int64
    ) throws(EnrolmentError) -> PartyIdentity {
        guard authority.fingerprint == token.authorityFingerprint else {
            throw .authorityMismatch(expected: token.authorityFingerprint, actual: authority.fingerprint)
        }
        let identity: PartyIdentity
        do {
            identity = try PartyIdentity(key: key, certificate: certificate, authority: authority)
        } catch {
            throw .certificateRejected(error)
        }
        guard identity.federation == token.federation else {
            throw .certificateRejected(
                .certificateFederationMismatch(expected: token.federation, actual: identity.federation))
        }
        guard identity.role == .party(identity.id) else {
            throw .certificateRejected(.certificateRoleMissing(uris: certificate.uris))
        }
        guard certificate.isValid(at: now), authority.isValid(at: now) else {
            throw .certificateNotValid(notBefore: certificate.notBefore, notAfter: certificate.notAfter)
        }
        return identity
    }
}
