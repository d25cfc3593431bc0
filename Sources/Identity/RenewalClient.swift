// SPDX-License-Identifier: MIT

public import Primitives

/// What can be wrong with a coordinator's answer to a request for renewal.
public enum RenewalError: Error, Equatable, Sendable {
    /// The authority in the answer is none that this party accepts.
    case authorityUnknown(fingerprint: Digest)
    /// The certificate is not valid at this time: one of the two clocks is wrong.
    case certificateNotValid(notBefore: Int64, notAfter: Int64)
    /// The certificate does not fit to the key, or is not of the authority.
    case certificateRejected(IdentityError)
    /// The certificate names another place in a federation than this party has.
    case roleChanged
    /// The certificate ends no later than the present one.
    case noLonger(notAfter: Int64)
    /// The coordinator gave a reason instead.
    case refused(RenewalRefusal)
    /// The answer does not parse.
    case responseMalformed
}

extension RenewalError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .authorityUnknown(let fingerprint):
            "the coordinator sent an authority that this site does not know (\(fingerprint.hex))"
        case .certificateNotValid(let notBefore, let notAfter):
            "the certificate that the coordinator sent is valid from \(UTCTime(notBefore)) to \(UTCTime(notAfter)); "
                + "compare the clocks of both machines"
        case .certificateRejected(let error): "the coordinator sent a certificate that does not fit: \(error)"
        case .roleChanged: "the coordinator sent a certificate for somebody else"
        case .noLonger(let notAfter):
            "the coordinator sent a certificate that ends no later, on \(UTCTime(notAfter))"
        case .refused(let refusal): refusal.description
        case .responseMalformed: "the coordinator's answer makes no sense"
        }
    }
}

/// The member's side of renewal: it believes nothing of an answer that it cannot check itself.
public struct RenewalClient: Sendable {
    private let present: PartyIdentity

    /// Renews the certificate of an identity; the key stays.
    public init(_ present: PartyIdentity) {
        self.present = present
    }

    /// Writes the request, with what an authority needs that signs elsewhere.
    public func requestBytes() throws -> [UInt8] {
        let request = try CertificateRequest.make(
            subject: present.certificate.subjectCommonName, uris: present.certificate.uris, key: present.key)
        return try RenewalRequest(request: request).encoded()
    }

    /// Reads the answer and checks all of it: own key, own place, an accepted authority, a later end.
    ///
    /// - Returns: the identity with what is new, or nil when the answer brought nothing that is.
    public func identity(responseBytes: [UInt8], now: Int64) throws(RenewalError) -> PartyIdentity? {
        guard let response = RenewalResponse(encoded: responseBytes) else { throw .responseMalformed }
        switch response {
        case .refused(let refusal): throw .refused(refusal)
        case .granted(let certificate, let authorities): return try check(certificate, authorities, now: now)
        }
    }

    private func check(
        _ certificate: Certificate, _ authorities: [Certificate], now: Int64
    ) throws(RenewalError) -> PartyIdentity? {
        let authorities = try accept(authorities)
        guard certificate != present.certificate || authorities != present.authorities else { return nil }
        let renewed: PartyIdentity
        do {
            renewed = try PartyIdentity(key: present.key, certificate: certificate, authorities: authorities)
        } catch {
            throw .certificateRejected(error)
        }
        guard renewed.role == present.role, renewed.federation == present.federation else { throw .roleChanged }
        guard certificate.isValid(at: now) else {
            throw .certificateNotValid(notBefore: certificate.notBefore, notAfter: certificate.notAfter)
        }
        // A new authority's certificate may end with the old one's; one of the same authority has to end later.
        guard
            certificate == present.certificate || certificate.notAfter > present.certificate.notAfter
                || !present.certificate.isSigned(by: authorities.current)
        else { throw .noLonger(notAfter: certificate.notAfter) }
        return renewed
    }

    /// Accepts the authorities of an answer if they are those held, or lead on from one that is held.
    private func accept(_ list: [Certificate]) throws(RenewalError) -> Authorities {
        let others: Authorities
        do {
            others = try Authorities(list: list)
        } catch {
            throw .authorityUnknown(fingerprint: list[0].fingerprint)
        }
        guard present.authorities.mayBecome(others),
            CertificateAuthority.federation(of: others.current).map({ $0 == present.federation })
                ?? (others.current == present.authority)
        else { throw .authorityUnknown(fingerprint: others.current.fingerprint) }
        return others
    }
}
