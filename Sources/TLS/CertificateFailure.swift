// SPDX-License-Identifier: MIT

import Primitives

/// Says why a peer's certificate was not accepted.
public enum CertificateFailure: Error, Hashable, Sendable {
    /// Its validity ended at `notAfter`, in Unix seconds.
    case expired(notAfter: Int64)
    /// OpenSSL refused the chain for a reason without a case of its own; `code` is its `X509_V_ERR_…`.
    case invalidChain(code: Int32, reason: String)
    /// It could not be parsed.
    case malformed
    /// The peer showed none where one is demanded.
    case missing
    /// Its validity begins only at `notBefore`, in Unix seconds.
    case notYetValid(notBefore: Int64)
    /// The federation has revoked it.
    case revoked
    /// No chain leads from it to the federation's certificate authority.
    case unknownAuthority
    /// Its key is not on P-256.
    case unsupportedKey
    /// The chain holds no authority with the expected fingerprint (SHA-256 of its DER form).
    case wrongAuthority(expected: Digest)
    /// It holds another key than the one on record; both are SHA-256 of the SubjectPublicKeyInfo.
    case wrongKey(expected: Digest, actual: Digest)
    /// It names another role, or none, in its URIs.
    case wrongRole(expected: String, actual: [String])
}

extension CertificateFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .expired(let notAfter):
            "the certificate expired on \(UTCTime(notAfter)); the clock of this machine says \(UTCTime.now)"
        case .invalidChain(_, let reason): "the certificate chain is invalid: \(reason)"
        case .malformed: "the certificate cannot be parsed"
        case .missing: "no certificate was shown"
        case .notYetValid(let notBefore):
            "the certificate is valid only from \(UTCTime(notBefore)); the clock of this machine says \(UTCTime.now)"
        case .revoked: "the certificate is revoked"
        case .unknownAuthority: "the certificate is not of this federation's authority"
        case .unsupportedKey: "the certificate's key is not on P-256"
        case .wrongAuthority(let expected):
            "no authority with fingerprint \(expected.hex) in the chain: it is another server, or its authority was replaced "
                + "after the token was made"
        case .wrongKey(let expected, let actual): "the key is \(actual.hex), on record is \(expected.hex)"
        case .wrongRole(let expected, let actual): "the certificate is for \(actual), expected \(expected)"
        }
    }
}
