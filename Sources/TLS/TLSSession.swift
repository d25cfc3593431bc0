// SPDX-License-Identifier: MIT

internal import COpenSSL
import Primitives

/// Speaks TLS 1.3 with one peer, as bytes in and bytes out: it knows no socket.
///
/// The caller passes on what the network brought (`receive`), asks for progress (`advanceHandshake`, `read`), and after
/// *every* call, failed ones too, sends what is pending (`drain`): it may hold the alert that tells the peer why.
/// A session is not `Sendable`; one thread or event loop owns it.
@safe public final class TLSSession {
    /// What a read found.
    public enum ReadOutcome: Hashable, Sendable {
        /// The peer closed in good order (close_notify); nothing more will come.
        case closed
        /// There is no complete record left; bring more bytes.
        case needsMoreBytes
        /// The space was filled; there may be more.
        case spaceExhausted
    }

    private let ssl: OpaquePointer
    private let port = CiphertextPort()
    private let judge: PeerVerifier
    private let isServer: Bool
    private let offered: ApplicationProtocol?
    private var failed = false
    private var sentClose = false

    /// Whether the handshake has completed on this side.
    public private(set) var isEstablished = false

    /// Takes over `ssl`.
    init(
        owning ssl: OpaquePointer, verifier: PeerVerifier, isServer: Bool, offered: ApplicationProtocol?
    ) throws(TLSError) {
        guard let bio = unsafe port.makeBIO() else {
            unsafe SSL_free(ssl)
            throw .configuration(step: "BIO", .takeAll())
        }
        // One for both directions; `ssl` owns it.
        unsafe SSL_set_bio(ssl, bio, bio)
        unsafe self.ssl = ssl
        judge = verifier
        self.isServer = isServer
        self.offered = offered
        // The session owns verifier and port and frees `ssl` first, so no pointer to them dangles.
        unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(verifier).toOpaque())
        unsafe isServer ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl)
        if let list = offered?.wireBytes {
            // This function alone returns 0 for success.
            guard unsafe SSL_set_alpn_protos(ssl, list, CUnsignedInt(list.count)) == 0 else {
                throw .configuration(step: "ALPN", .takeAll())
            }
        }
    }

    deinit { unsafe SSL_free(ssl) }

    static func verifier(of ssl: OpaquePointer) -> PeerVerifier? {
        guard let raw = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
        return unsafe Unmanaged<PeerVerifier>.fromOpaque(raw).takeUnretainedValue()
    }

    /// The protocol both sides agreed on; nil when the client offered none.
    public var applicationProtocol: ApplicationProtocol? { isServer ? judge.selected : (isEstablished ? offered : nil) }

    /// The peer's accepted chain, leaf first; empty before the handshake and where no certificate was demanded.
    public var peerChain: [Certificate] { judge.chain }

    /// The cipher suite in use, for logs.
    public var cipherSuite: String {
        unsafe SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { unsafe String(cString: $0) } ?? "none"
    }

    // MARK: Ciphertext

    /// Takes bytes that the network brought, and lets the calls in `body` read them where they are.
    ///
    /// What they leave is copied, for later calls.
    public func receive(_ ciphertext: RawSpan, _ body: () -> Void = {}) { port.lend(ciphertext, body) }

    /// The number of bytes that wait to be sent to the peer.
    public var pendingCount: Int { port.unsentCount }

    /// Moves pending bytes into `output`, as many as it has room for, and behind them what the calls in `body` make.
    ///
    /// What finds no room is pending afterwards.
    public func drain(into output: inout OutputRawSpan, _ body: () -> Void = {}) { port.lend(&output, body) }

    /// The most bytes that `count` bytes of plaintext become (RFC 8446, section 5.2): a record for each 2^14, of which each
    /// adds its header, the type inside and the tag.
    public static func ciphertextCountMax(of count: Int) -> Int {
        count + (count + plaintextCountMax - 1) / plaintextCountMax * (5 + 1 + 16)
    }

    /// The most plaintext of one record.
    public static let plaintextCountMax = 1 << 14

    // MARK: Handshake

    /// Carries the handshake as far as the bytes received allow; a client's first call makes its first message.
    ///
    /// - Returns: whether it has completed.
    public func advanceHandshake() throws(TLSError) -> Bool {
        guard !isEstablished else { return true }
        guard !failed else { throw .sessionEnded }
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        guard result == 1 else {
            guard unsafe SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ else { throw fail(currentFailure()) }
            return false
        }
        guard isServer || selectedName() == offered?.name else { throw fail(.noApplicationProtocol) }
        isEstablished = true
        return true
    }

    // MARK: Plaintext

    /// An upper bound on the plaintext that can be read without more bytes from the network.
    public var readableCountMax: Int { unsafe port.unreadCount + Int(SSL_pending(ssl)) }

    /// Appends decrypted bytes to `output` until it is full or no complete record is left.
    public func read(into output: inout OutputRawSpan) throws(TLSError) -> ReadOutcome {
        guard isEstablished, !failed else { throw .sessionEnded }
        while output.freeCapacity > 0 {
            ERR_clear_error()
            var result: CInt = 0
            unsafe output.withUnsafeMutableBytes { buffer, count in
                let space = min(buffer.count - count, Int(CInt.max))
                guard let base = buffer.baseAddress else { return }
                result = unsafe SSL_read(ssl, base + count, CInt(space))
                count += Int(max(0, result))
            }
            guard result <= 0 else { continue }
            switch unsafe SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ: return .needsMoreBytes
            case SSL_ERROR_ZERO_RETURN: return .closed
            default: throw fail(currentFailure())
            }
        }
        return .spaceExhausted
    }

    /// Encrypts `plaintext`; the records are pending afterwards.
    public func write(_ plaintext: RawSpan) throws(TLSError) {
        guard isEstablished, !failed, !sentClose else { throw .sessionEnded }
        var rest = plaintext
        while rest.byteCount > 0 {
            ERR_clear_error()
            let written = unsafe rest.withUnsafeBytes { bytes in
                unsafe SSL_write(ssl, bytes.baseAddress, CInt(min(bytes.count, Int(CInt.max))))
            }
            guard written > 0 else { throw fail(currentFailure()) }
            rest = rest.extracting(droppingFirst: Int(written))
        }
    }

    /// Says good-bye (close_notify); reading remains possible.
    public func close() {
        guard isEstablished, !failed, !sentClose else { return }
        sentClose = true
        ERR_clear_error()
        _ = unsafe SSL_shutdown(ssl)
    }

    // MARK: Keying material

    /// Derives bytes that only the two ends of this connection can know (RFC 8446, section 7.5).
    ///
    /// - Parameters:
    ///   - label: a name registered or private to the use, ASCII.
    ///   - context: what the bytes are bound to; empty is a context too.
    ///   - count: 1…255 · 32 bytes.
    public func exportKeyingMaterial(label: String, context: [UInt8], count: Int) throws(TLSError) -> [UInt8] {
        guard isEstablished, (1...(255 * Digest.count)).contains(count) else { throw .exporterUnavailable(.takeAll()) }
        ERR_clear_error()
        var output = [UInt8](repeating: 0, count: count)
        let labelBytes = label.utf8.map { CChar(bitPattern: $0) }
        let result = unsafe SSL_export_keying_material(
            ssl, &output, count, labelBytes, labelBytes.count, context, context.count, 1)
        guard result == 1 else { throw .exporterUnavailable(.takeAll()) }
        return output
    }

    // MARK: Failures

    private func fail(_ error: TLSError) -> TLSError {
        failed = true
        return error
    }

    /// Turns OpenSSL's queue into an error. To be called directly after `SSL_get_error`.
    private func currentFailure() -> TLSError {
        let stack = OpenSSLErrorStack.takeAll()
        if let failure = judge.failure { return .certificateRejected(failure) }
        if stack.contains(reason: SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) { return .certificateRejected(.missing) }
        if let alert = stack.receivedAlert { return .alertReceived(alert) }
        if stack.contains(reason: SSL_R_NO_APPLICATION_PROTOCOL) { return .noApplicationProtocol }
        return .violation(stack)
    }

    private func selectedName() -> String? {
        var name: UnsafePointer<UInt8>?
        var count: CUnsignedInt = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name = unsafe name else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }
}
