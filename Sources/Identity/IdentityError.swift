// SPDX-License-Identifier: MIT

public import Primitives

/// What can be wrong with identities, and with the files that hold them.
public enum IdentityError: Error, Equatable, Sendable {
    /// Certificates of authorities that do not certify each other.
    case authoritiesUnrelated
    /// The authority has taken another one's place, and that one is not retired yet.
    case authorityChanging
    /// The authority's key is encrypted, and no passphrase was given.
    case authorityKeyLocked(path: String)
    /// The passphrase does not open the authority's key.
    case authorityPassphraseWrong(path: String)
    /// The certificate belongs to another federation.
    case certificateFederationMismatch(expected: FederationName, actual: FederationName)
    /// The certificate is an authority's, where a party's is expected.
    case certificateIsAuthority
    /// The certificate holds another key than the one beside it.
    case certificateKeyMismatch(expected: Digest, actual: Digest?)
    /// The certificate's key is not an ECDSA P-256 key.
    case certificateKeyUnsupported
    /// The certificate may not sign others: it is no authority's, its key usage lacks keyCertSign, or its key is too weak.
    case certificateMayNotIssue
    /// The certificate is not valid at the time of this machine, all in Unix seconds.
    case certificateNotValid(notBefore: Int64, notAfter: Int64, now: Int64)
    /// TLS would not accept the certificate.
    case certificateRejected(ChainFailure)
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
    /// The certificate request is for another key or asks for another name than it should.
    case requestMismatch
    /// The authority's key is elsewhere, and there is no certificate request for it to sign.
    case requestMissing
    /// No request waits for a signature that this certificate would answer.
    case requestUnknown(PartyID)
    /// As many requests wait for a signature as may.
    case requestsTooMany(limit: Int)
}

extension IdentityError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .authoritiesUnrelated:
            "the certificates are not those of two authorities that certify each other"
        case .authorityChanging:
            "another authority's place was taken before, and that one is not retired yet"
        case .authorityKeyLocked(let path):
            "\(path): is encrypted, and no passphrase was given"
        case .authorityPassphraseWrong(let path):
            "\(path): the passphrase does not open it"
        case .certificateFederationMismatch(let expected, let actual):
            "the certificate is of federation \(actual), not of \(expected)"
        case .certificateIsAuthority:
            "the certificate is an authority's (CA:TRUE), not one of a site or a server"
        case .certificateKeyMismatch:
            "the certificate is for another key"
        case .certificateKeyUnsupported:
            "the certificate's key is not an ECDSA P-256 key"
        case .certificateMayNotIssue:
            "the certificate may not sign others: it must say CA:TRUE and keyCertSign, and have a key of at least 112 bits of "
                + "security (ECDSA P-256, RSA with 2048 bits)"
        case .certificateNotValid(let notBefore, let notAfter, let now):
            now < notBefore
                ? "the certificate is valid only from \(UTCTime(notBefore)); the clock of this machine says \(UTCTime(now))"
                : "the certificate expired on \(UTCTime(notAfter)); the clock of this machine says \(UTCTime(now))"
        case .certificateRejected(let failure):
            "TLS does not accept the certificate under this authority: \(failure)"
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
        case .requestMismatch:
            "the certificate request is for another key or asks for another name"
        case .requestMissing:
            "there is no certificate request that the authority could sign"
        case .requestUnknown(let party):
            "no request waits that this certificate would answer: its key is that of \(party)"
        case .requestsTooMany(let limit):
            "\(limit) requests wait for a signature already"
        }
    }
}
