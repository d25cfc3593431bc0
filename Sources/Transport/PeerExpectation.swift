// SPDX-License-Identifier: MIT

import Identity
import Primitives
import TLS

/// Says whom `dial` is to reach; anybody else is refused during the handshake.
public enum PeerExpectation: Hashable, Sendable {
    /// The coordinator of a federation, with this key if one is on record.
    case coordinator(federation: FederationName, spkiHash: Digest? = nil)
    /// The coordinator of a federation of which only the authority's fingerprint is known; for enrolment.
    case enrolment(federation: FederationName, authorityFingerprint: Digest)
    /// A party, with its key if that is on record; its ID says half of the key's hash already.
    case party(PartyID, federation: FederationName, spkiHash: Digest? = nil)
}

extension PeerExpectation {
    /// What the peer's chain must end in, given what this side trusts.
    func trust(anchors: [Certificate]) -> TLSTrust {
        if case .enrolment(_, let fingerprint) = self { return .authority(fingerprint: fingerprint) }
        return .anchors(anchors)
    }

    /// Judges a certificate whose chain and dates are accepted.
    func failure(of certificate: Certificate, isRevoked: (Certificate) -> Bool) -> CertificateFailure? {
        let peer: PeerIdentity
        do throws(CertificateFailure) {
            peer = try PeerIdentity(certificate)
        } catch {
            return error
        }
        if isRevoked(certificate) { return .revoked }
        let (federation, role, pin) = requirements
        let wrongRole = CertificateFailure.wrongRole(
            expected: role.uri(in: federation), actual: certificate.uris)
        guard peer.federation == federation, (peer.role == .coordinator) == (role == .coordinator) else {
            return wrongRole
        }
        // Another party has another key: that says more than another number.
        if let pin, pin != peer.spkiHash { return .wrongKey(expected: pin, actual: peer.spkiHash) }
        return peer.role == role ? nil : wrongRole
    }

    private var requirements: (FederationName, PartyRole, pin: Digest?) {
        switch self {
        case .coordinator(let federation, let pin): (federation, .coordinator, pin)
        case .enrolment(let federation, _): (federation, .coordinator, nil)
        case .party(let id, let federation, let pin): (federation, .party(id), pin)
        }
    }
}
