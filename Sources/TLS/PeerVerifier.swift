// SPDX-License-Identifier: MIT

internal import COpenSSL
import Primitives

/// Decides about a peer's certificate when OpenSSL asks, and remembers what it decided.
///
/// OpenSSL checks the chain and the clock; the policy then checks what only a federation knows.
@safe final class PeerVerifier {
    private let trust: TLSTrust
    private let policy: TLSContext.CertificatePolicy
    /// What a server agrees to speak, in its order of preference; empty in a client.
    let supported: [ApplicationProtocol]
    /// What a server sends beside its chain to a client without a certificate, which may hold no anchor yet; DER.
    let roots: [[UInt8]]

    /// The protocol the server chose.
    private(set) var selected: ApplicationProtocol?
    /// Why the peer's certificate was rejected.
    private(set) var failure: CertificateFailure?
    /// The accepted chain, leaf first, authority last.
    private(set) var chain: [Certificate] = []

    init(
        trust: TLSTrust, supported: [ApplicationProtocol], roots: [[UInt8]],
        policy: @escaping TLSContext.CertificatePolicy
    ) {
        self.trust = trust
        self.supported = supported
        self.roots = roots
        self.policy = policy
    }

    /// Accepts or rejects the chain that `store` holds; on rejection `store` carries the error that becomes the alert.
    func accepts(_ store: OpaquePointer) -> Bool {
        if let failure = unsafe examine(store) {
            self.failure = failure
            unsafe X509_STORE_CTX_set_error(store, failure.verifyCode)
            return false
        }
        return true
    }

    /// Chooses a protocol; returns where its name begins in the client's list, nil if there is none in common.
    func select(offered list: [UInt8]) -> Int? {
        guard let selection = ApplicationProtocol.select(from: supported, offered: list) else { return nil }
        selected = selection.choice
        return selection.offset
    }

    private func examine(_ store: OpaquePointer) -> CertificateFailure? {
        // Read from what OpenSSL has parsed: to parse a key takes it as long as to verify a signature.
        guard let x509 = unsafe X509_STORE_CTX_get0_cert(store), let leaf = unsafe try? Certificate(x509: x509)
        else { return .malformed }
        if let failure = unsafe verifyChain(store, leaf: leaf) { return failure }
        guard leaf.publicKey != nil else { return .unsupportedKey }
        if let failure = policy(leaf) { return failure }
        chain = unsafe [leaf] + X509Bytes.certificates(X509_STORE_CTX_get0_chain(store)).dropFirst()
        return nil
    }

    private func verifyChain(_ store: OpaquePointer, leaf: Certificate) -> CertificateFailure? {
        guard case .authority(let fingerprint) = trust else {
            return unsafe X509_verify_cert(store) == 1 ? nil : Self.failure(of: store, leaf: leaf)
        }
        let presented = unsafe X509_STORE_CTX_get0_untrusted(store)
        let authority = unsafe (0..<(summand_tls_stack_count(presented))).lazy
            .compactMap { unsafe summand_tls_stack_element(presented, $0) }
            .first { unsafe X509Bytes.der($0).map(SHA256.hash) == fingerprint }
        guard let authority = unsafe authority, let anchors = unsafe summand_tls_stack_of(authority) else {
            return .wrongAuthority(expected: fingerprint)
        }
        defer { unsafe summand_tls_stack_free(anchors) }
        unsafe X509_STORE_CTX_set0_trusted_stack(store, anchors)
        return unsafe X509_verify_cert(store) == 1 ? nil : Self.failure(of: store, leaf: leaf)
    }

    /// The certificate of the chain that OpenSSL has stumbled over: the leaf, or an authority above it.
    private static func judged(_ store: OpaquePointer, _ leaf: Certificate) -> Certificate {
        guard let x509 = unsafe X509_STORE_CTX_get_current_cert(store) else { return leaf }
        return unsafe (try? Certificate(x509: x509)) ?? leaf
    }

    private static func failure(of store: OpaquePointer, leaf: Certificate) -> CertificateFailure {
        let code = unsafe X509_STORE_CTX_get_error(store)
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED: return .expired(notAfter: unsafe judged(store, leaf).notAfter)
        case X509_V_ERR_CERT_NOT_YET_VALID: return .notYetValid(notBefore: unsafe judged(store, leaf).notBefore)
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return .unknownAuthority
        default:
            return .invalidChain(code: code, reason: unsafe String(cString: X509_verify_cert_error_string(Int(code))))
        }
    }
}

extension CertificateFailure {
    /// The X.509 error that makes OpenSSL send the alert closest to this failure.
    fileprivate var verifyCode: CInt {
        switch self {
        case .expired: X509_V_ERR_CERT_HAS_EXPIRED
        case .invalidChain(let code, _): code
        case .malformed, .missing, .unsupportedKey, .wrongKey, .wrongRole: X509_V_ERR_CERT_REJECTED
        // The alert certificate_expired says "has expired or is not currently valid" (RFC 8446, section 6.2): OpenSSL would
        // send bad_certificate, of which nobody would think that a clock is wrong.
        case .notYetValid: X509_V_ERR_CERT_HAS_EXPIRED
        case .revoked: X509_V_ERR_CERT_REVOKED
        case .unknownAuthority, .wrongAuthority: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        }
    }
}
