// SPDX-License-Identifier: MIT

internal import COpenSSL
import Primitives
import Synchronization

/// Owns one `SSL_CTX`: what all sessions of an identity in one role have in common.
///
/// Nothing in it says whom a connection is to reach. OpenSSL's callbacks find that in the session they are called for.
///
/// Sharing between threads is sound: the context is not changed after `init`, and OpenSSL counts references and locks the
/// store of anchors itself.
@safe final class SharedContext: @unchecked Sendable {
    let pointer: OpaquePointer
    /// The root certificates of the identity, in DER form, which are only sent to whoever holds no anchor yet.
    ///
    /// A root that a peer does not know convinces nobody, and one that it knows need not be sent (RFC 8446, section 4.4.2):
    /// reading it takes a peer as long as verifying a signature.
    let roots: [[UInt8]]

    /// - Parameter anchors: what chains must end in; with none each session brings its own.
    /// - Throws: `TLSError.configuration` when OpenSSL does not take a certificate or the key.
    init(isServer: Bool, identity: TLSIdentity?, anchors: [Certificate]) throws(TLSError) {
        ERR_clear_error()
        guard let pointer = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw .configuration(step: "SSL_CTX_new", .takeAll())
        }
        var chain = identity?.certificateChainDER ?? []
        let rootIndices = chain.indices.dropFirst().filter { index in
            // Not by its names: when one authority takes another's place, a certificate of the same names leads from one to the other.
            unsafe X509Bytes.withObject(chain[index]) { unsafe X509_self_signed($0, 1) == 1 }
        }
        roots = rootIndices.map { chain[$0] }
        for index in rootIndices.reversed() { chain.remove(at: index) }
        // From here on `deinit` frees it, also when a step below fails.
        unsafe self.pointer = pointer
        try unsafe Self.configure(pointer)
        try unsafe Self.install(anchors: anchors, in: pointer)
        if let identity { try unsafe Self.install(chain, identity.key, in: pointer) }
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        unsafe SSL_CTX_set_cert_verify_callback(pointer, verifyPeer, nil)
        if isServer { unsafe SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, nil) }
    }

    deinit { unsafe SSL_CTX_free(pointer) }
}

/// Keeps the client context of one identity, made by whoever needs it first.
final class SharedContextCell: Sendable {
    private let kept = AtomicLazyReference<SharedContext>()

    /// Returns what is kept, or keeps what `make` returns; of two at the same time, one is kept.
    func get(orMake make: () throws(TLSError) -> SharedContext) throws(TLSError) -> SharedContext {
        if let context = kept.load() { return context }
        return kept.storeIfNil(try make())
    }
}

extension SharedContext {
    /// Key agreement, best first; OpenSSL before 3.5 knows no hybrid, a FIPS provider no X25519.
    private static let groups = ["X25519MLKEM768:X25519:P-256", "X25519:P-256", "P-256"]
    private static let cipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// The authorities between a leaf and its anchor, at most.
    private static let chainDepthMax: CInt = 4

    private static func configure(_ context: OpaquePointer) throws(TLSError) {
        guard unsafe summand_tls_require_1_3(context) == 1 else {
            throw .configuration(step: "protocol version", .takeAll())
        }
        guard groups.contains(where: { unsafe summand_tls_set_groups(context, $0) == 1 }) else {
            throw .configuration(step: "groups", .takeAll())
        }
        ERR_clear_error()
        guard unsafe SSL_CTX_set_ciphersuites(context, cipherSuites) == 1 else {
            throw .configuration(step: "cipher suites", .takeAll())
        }
        // In TLS 1.3 this names the curve as well, so that no other key can prove itself.
        guard unsafe summand_tls_set_signature_algorithms(context, "ECDSA+SHA256") == 1 else {
            throw .configuration(step: "signature algorithms", .takeAll())
        }
        unsafe summand_tls_set_mode(
            context, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        unsafe summand_tls_disable_session_cache(context)
        // A ticket that nobody reads turns a close into a reset, and a reset destroys data on its way.
        guard unsafe SSL_CTX_set_num_tickets(context, 0) == 1 else {
            throw .configuration(step: "session tickets", .takeAll())
        }
        unsafe SSL_CTX_set_verify_depth(context, chainDepthMax)
        // An anchor is what the federation says it is, whether or not it signed itself.
        guard unsafe X509_STORE_set_flags(SSL_CTX_get_cert_store(context), UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1 else {
            throw .configuration(step: "verification flags", .takeAll())
        }
    }

    private static func install(anchors: [Certificate], in context: OpaquePointer) throws(TLSError) {
        let store = unsafe SSL_CTX_get_cert_store(context)
        for anchor in anchors {
            guard unsafe X509Bytes.withObject(anchor.der, { unsafe X509_STORE_add_cert(store, $0) == 1 }) else {
                throw .configuration(step: "trust anchor", .takeAll())
            }
        }
    }

    private static func install(
        _ chain: [[UInt8]], _ key: SigningKey, in context: OpaquePointer
    ) throws(TLSError) {
        for (index, der) in chain.enumerated() {
            let added = unsafe X509Bytes.withObject(der) { object in
                if index == 0 {
                    return unsafe SSL_CTX_use_certificate(context, object) == 1
                } else {
                    return unsafe summand_tls_add_chain_certificate(context, object) == 1
                }
            }
            guard added else { throw .configuration(step: "certificate \(index)", .takeAll()) }
        }
        guard let secret = try? key.der() else { throw .configuration(step: "private key", .takeAll()) }
        let installed = secret.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                var start = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress
                guard let key = unsafe d2i_AutoPrivateKey(nil, &start, bytes.count) else { return false }
                defer { unsafe EVP_PKEY_free(key) }
                return unsafe SSL_CTX_use_PrivateKey(context, key) == 1
            }
        }
        guard installed, unsafe SSL_CTX_check_private_key(context) == 1 else {
            throw .configuration(step: "private key", .takeAll())
        }
    }
}

/// Answers OpenSSL's question about a peer's chain (`SSL_CTX_set_cert_verify_callback`).
private func verifyPeer(store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> CInt {
    guard let store = unsafe store,
        let raw = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let verifier = unsafe TLSSession.verifier(of: OpaquePointer(raw))
    else { return 0 }
    return unsafe verifier.accepts(store) ? 1 : 0
}

/// Chooses among the protocols a client offers, and with it whether the client must show a certificate.
private func selectProtocol(
    ssl: OpaquePointer?, out: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, outCount: UnsafeMutablePointer<UInt8>?,
    list: UnsafePointer<UInt8>?, listCount: CUnsignedInt, _: UnsafeMutableRawPointer?
) -> CInt {
    guard let ssl = unsafe ssl, let out = unsafe out, let outCount = unsafe outCount, let list = unsafe list,
        let verifier = unsafe TLSSession.verifier(of: ssl)
    else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let offered = unsafe [UInt8](UnsafeBufferPointer(start: list, count: Int(listCount)))
    guard let offset = verifier.select(offered: offered), let selected = verifier.selected else {
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    // The answer points into the client's own list, which OpenSSL keeps until it has copied the answer.
    unsafe out.pointee = list + offset
    unsafe outCount.pointee = UInt8(selected.name.utf8.count)
    if !selected.demandsClientCertificate {
        unsafe SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
        for root in verifier.roots {
            let isAdded = unsafe X509Bytes.withObject(root) {
                unsafe summand_tls_add_session_chain_certificate(ssl, $0) == 1
            }
            guard isAdded else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        }
    }
    return SSL_TLSEXT_ERR_OK
}
