// SPDX-License-Identifier: MIT

/// Why the server gives no certificate.
public enum EnrolmentRefusal: Error, Hashable, Sendable, CaseIterable {
    /// Another key has used the token.
    case alreadyUsed
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

extension EnrolmentRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .alreadyUsed: "the token has been used; ask for a new one"
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
