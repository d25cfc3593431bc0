// SPDX-License-Identifier: MIT

/// Says why a TLS context, handshake or record failed.
public enum TLSError: Error, Hashable, Sendable {
    /// The peer ended the connection with this alert.
    case alertReceived(TLSAlert)
    /// This side did not accept the peer's certificate; the peer was sent the alert that says so.
    case certificateRejected(CertificateFailure)
    /// OpenSSL did not accept a setting, a certificate or a key of ours; `step` names which.
    case configuration(step: String, OpenSSLErrorStack)
    /// Keying material was asked for before the handshake ended, or OpenSSL could not derive it.
    case exporterUnavailable(OpenSSLErrorStack)
    /// Client and server have no application protocol in common.
    case noApplicationProtocol
    /// The session has ended: nothing can be written or read any more.
    case sessionEnded
    /// What came is not TLS 1.3, or breaks it.
    case violation(OpenSSLErrorStack)
}

extension TLSError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .alertReceived(let alert): "the peer refused: \(alert)"
        case .certificateRejected(let failure): "\(failure)"
        case .configuration(let step, let stack): "TLS set-up failed at \(step): \(stack)"
        case .exporterUnavailable(let stack): "no exported keying material: \(stack)"
        case .noApplicationProtocol: "no application protocol in common"
        case .sessionEnded: "the TLS session has ended"
        case .violation(let stack): "TLS violation: \(stack)"
        }
    }
}
