// SPDX-License-Identifier: MIT

/// Why the server gives no certificate.
public enum EnrolmentRefusal: Error, Hashable, Sendable, CaseIterable {
    /// Another key has used the token.
    case alreadyUsed
    /// The authority's key is encrypted, and the server was not given its passphrase; the token is not used up.
    case authorityLocked
    /// The request is kept and waits for the signature of an authority whose key is elsewhere.
    case awaitingSignature
    /// The certificate request is missing where the authority's key is elsewhere, or does not fit.
    case badCertificateRequest
    /// The key is not of P-256, or the signature is not made with it.
    case badKey
    /// The token is past its expiry.
    case expired
    /// The key is revoked.
    case keyRevoked
    /// The request does not parse.
    case malformed
    /// The token is for another name.
    case nameMismatch
    /// The authenticator is not that of the token's secret on this connection.
    case notAuthenticated
    /// No token has this ID.
    case unknownToken
}

extension EnrolmentRefusal {
    /// Whether the very same request, with the same token and key, can be granted later.
    public var isForNow: Bool { self == .authorityLocked || self == .awaitingSignature }
}

extension EnrolmentRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .alreadyUsed: "the token has been used; ask for a new one"
        case .authorityLocked:
            "the server cannot sign now: its authority is locked; the token is not used up"
        case .awaitingSignature:
            "the request waits for the signature of the federation's authority; the key is kept"
        case .badCertificateRequest: "the server does not accept the certificate request"
        case .badKey: "the server does not accept the key"
        case .expired: "the token has expired; ask for a new one"
        case .keyRevoked: "the key is revoked; remove it, and ask for a new token"
        case .malformed: "the server does not understand the request"
        case .nameMismatch: "the token is for another name"
        case .notAuthenticated: "the request does not prove the token"
        case .unknownToken:
            "the server does not know the token: it is of another server, taken back, or replaced; ask for a new one"
        }
    }
}

extension EnrolmentRefusal {
    var wire: WireEnrollmentRefusal.Reason {
        switch self {
        case .alreadyUsed: .alreadyUsed
        case .authorityLocked: .authorityLocked
        case .awaitingSignature: .awaitingSignature
        case .badCertificateRequest: .badCertificateRequest
        case .badKey: .badKey
        case .expired: .expired
        case .keyRevoked: .keyRevoked
        case .malformed: .malformed
        case .nameMismatch: .nameMismatch
        case .notAuthenticated: .notAuthenticated
        case .unknownToken: .unknownToken
        }
    }

    init?(wire: WireEnrollmentRefusal.Reason) {
        guard let refusal = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = refusal
    }
}
