// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Says why libcrypto's chain verification refuses a certificate.
public struct ChainFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The number of the reason, `X509_V_ERR_…`.
    public let code: Int32
    /// The text that libcrypto has for it.
    public let description: String
}

extension Certificate {
    /// The bits of security that keys and signatures of a chain must have: OpenSSL's security level 2, Debian's default.
    ///
    /// ECDSA and Ed25519 have them on every curve of TLS, RSA from 2,048 bits on, and signatures by SHA-256 or more.
    public static let chainSecurityBits = 112

    /// Whether the key may sign certificates and is strong enough for it: the certificate is an authority's (CA:true), its key
    /// usage names keyCertSign (RFC 5280, section 4.2.1.3), and its key has `chainSecurityBits`.
    public var mayIssue: Bool {
        guard isAuthority, let parsed = try? ParsedCertificate(der: der) else { return false }
        return parsed.namesCertificateSigning() && parsed.keySecurityBits() >= Self.chainSecurityBits
    }

    /// Verifies the certificate as the TLS of both sides will: signed by `authority` itself, which need not be self-signed, good
    /// for servers and for clients, within the authority's constraints, with `chainSecurityBits`, at `time` in Unix seconds.
    ///
    /// - Returns: why it is refused; nil if it is accepted.
    public func chainFailure(under authority: Certificate, at time: Int64) -> ChainFailure? {
        guard let own = try? ParsedCertificate(der: der), let anchor = try? ParsedCertificate(der: authority.der) else {
            return ChainFailure(code: X509_V_ERR_UNSPECIFIED, description: "malformed certificate")
        }
        return own.chainFailure(under: anchor, purpose: X509_PURPOSE_SSL_SERVER, time: time)
            ?? own.chainFailure(under: anchor, purpose: X509_PURPOSE_SSL_CLIENT, time: time)
    }
}

extension ParsedCertificate {
    fileprivate func chainFailure(under anchor: borrowing ParsedCertificate, purpose: Int32, time: Int64)
        -> ChainFailure?
    {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let store = unsafe X509_STORE_new()
        let context = unsafe X509_STORE_CTX_new()
        defer {
            unsafe X509_STORE_CTX_free(context)
            unsafe X509_STORE_free(store)
        }
        let prepared = unsafe anchor.withPointer { anchor in
            unsafe withPointer { own in
                guard unsafe store != nil && context != nil, unsafe X509_STORE_add_cert(store, anchor) == 1,
                    unsafe X509_STORE_CTX_init(context, store, own, nil) == 1,
                    unsafe X509_STORE_CTX_set_purpose(context, purpose) == 1
                else { return false }
                let parameters = unsafe X509_STORE_CTX_get0_param(context)
                unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
                unsafe X509_VERIFY_PARAM_set_time(parameters, Int(time))
                return unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1
            }
        }
        requireSuccess(prepared, "preparing a verification")
        if unsafe X509_verify_cert(context) == 1 { return nil }
        let code = unsafe X509_STORE_CTX_get_error(context)
        return ChainFailure(code: code, description: unsafe String(cString: X509_verify_cert_error_string(Int(code))))
    }
}
