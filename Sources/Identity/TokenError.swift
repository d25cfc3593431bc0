// SPDX-License-Identifier: MIT

/// What can be wrong with the text of an invitation token.
public enum TokenError: Error, Equatable, Sendable {
    /// An address is not printable ASCII of 1 to 255 bytes.
    case addressInvalid
    /// The character at this offset, counted from the token's start, is not base64url.
    case base64Invalid(offset: Int)
    /// The invitation ended at this time, in Unix seconds.
    case expired(at: Int64)
    /// The federation's name is not one.
    case federationInvalid
    /// The invited member's name is not one.
    case nameInvalid
    /// The text does not begin with `summand1.`.
    case prefixMissing
    /// More bytes follow than the token has.
    case trailingBytes(count: Int)
    /// The text ends within the named field.
    case truncated(field: String)
}

extension TokenError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .addressInvalid: "the token holds an address that is none"
        case .base64Invalid(let offset): "the token is damaged at character \(offset + 1); copy all of it"
        case .expired: "the token has expired; ask for a new one"
        case .federationInvalid: "the token names no federation"
        case .nameInvalid: "the token names no member"
        case .prefixMissing: "this is no token: it does not begin with \(InvitationToken.prefix)"
        case .trailingBytes(let count): "the token has \(count) bytes too many"
        case .truncated(let field): "the token is cut off in its \(field); copy all of it"
        }
    }
}
