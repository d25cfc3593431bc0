// SPDX-License-Identifier: MIT

public import Primitives

/// What can be wrong with identities, and with the files that hold them.
public enum IdentityError: Error, Equatable, Sendable {
    /// The certificate belongs to another federation.
    case certificateFederationMismatch(expected: FederationName, actual: FederationName)
    /// The certificate holds another key than the one beside it.
    case certificateKeyMismatch(expected: Digest, actual: Digest?)
    /// The certificate's key is not an ECDSA P-256 key.
    case certificateKeyUnsupported
    /// The certificate names a party that its key does not belong to.
    case certificateRoleMismatch(named: PartyID, key: PartyID)
    /// The certificate has no URI that names a role, or several URIs.
    case certificateRoleMissing(uris: [String])
    /// The certificate is not signed by the federation's authority.
    case certificateUnsigned
    /// The file does not hold what it should.
    case fileMalformed(path: String, reason: String)
    /// There is no such file.
    case fileMissing(path: String)
    /// The file cannot be read.
    case fileUnreadable(path: String, reason: String)
    /// The file or its directory cannot be written.
    case fileUnwritable(path: String, reason: String)
    /// A member's name is empty, too long, or holds characters that do not print.
    case nameInvalid
    /// A primitive refused.
    case primitive(PrimitiveError)
}

extension IdentityError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .certificateFederationMismatch(let expected, let actual):
            "the certificate is of federation \(actual), not of \(expected)"
        case .certificateKeyMismatch:
            "the certificate is for another key"
        case .certificateKeyUnsupported:
            "the certificate's key is not an ECDSA P-256 key"
        case .certificateRoleMismatch(let named, let key):
            "the certificate names party \(named), but its key is that of \(key)"
        case .certificateRoleMissing:
            "the certificate names no role in a federation"
        case .certificateUnsigned:
            "the certificate is not signed by the federation's authority"
        case .fileMalformed(let path, let reason):
            "\(path): \(reason)"
        case .fileMissing(let path):
            "\(path): no such file"
        case .fileUnreadable(let path, let reason):
            "\(path): cannot be read: \(reason)"
        case .fileUnwritable(let path, let reason):
            "\(path): cannot be written: \(reason)"
        case .nameInvalid:
            "a member's name is 1 to \(MemberName.bytesMax) bytes of printable text"
        case .primitive(let error):
            error.description
        }
    }
}
