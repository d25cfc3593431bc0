// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Names a TLS alert by its number (RFC 8446, section 6).
public struct TLSAlert: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let handshakeFailure = TLSAlert(rawValue: 40)
    public static let badCertificate = TLSAlert(rawValue: 42)
    public static let certificateRevoked = TLSAlert(rawValue: 44)
    public static let certificateExpired = TLSAlert(rawValue: 45)
    public static let unknownAuthority = TLSAlert(rawValue: 48)
    public static let decryptError = TLSAlert(rawValue: 51)
    public static let protocolVersion = TLSAlert(rawValue: 70)
    public static let certificateRequired = TLSAlert(rawValue: 116)
    public static let noApplicationProtocol = TLSAlert(rawValue: 120)

    /// Whether it judges who the sender is or what it speaks; the others say that bytes were wrong, as damaged ones are.
    public var concernsTheSender: Bool {
        switch rawValue {
        // handshake_failure; bad_certificate to certificate_unknown; unknown_ca, access_denied; protocol_version,
        // insufficient_security; certificate_required; no_application_protocol.
        case 40, 42...46, 48, 49, 70, 71, 116, 120: true
        default: false
        }
    }

    /// The alert's usual name, "certificate revoked" for 44.
    public var description: String {
        switch self {
        // OpenSSL 3.0 knows these two only as "unknown".
        case .certificateRequired: "certificate required"
        case .noApplicationProtocol: "no application protocol"
        default: unsafe String(cString: SSL_alert_desc_string_long(CInt(rawValue)))
        }
    }
}
