// SPDX-License-Identifier: MIT

internal import COpenSSL

/// The protocol's extendable output: an AES-128-CTR key stream under a key derived by HMAC (section 2, "mask PRG").
///
/// `tag = HMAC-SHA256(seed, len8(dst) ‖ dst ‖ binder)`; key = tag[0..<16], IV = tag[16..<32). Successive calls continue
/// one stream. Sending it to another thread is sound because it is the only owner of its context.
@safe public struct XofHmacSha256Aes128: ~Copyable, @unchecked Sendable {
    /// Pieces of this many bytes are zeroed and encrypted in place: they stay in the first-level cache between the two.
    private static let pieceBytes = 16 * 1024

    private let context: OpaquePointer
    private let ivHigh: [UInt8]
    /// Bytes left before the counter in the low half of the IV wraps; `UInt64.max` when that is 2^64 − 1 or more.
    private var bytesUntilWrap: UInt64

    /// Starts the stream of `seed` for the domain `dst` (at most 255 bytes) and `binder`.
    public init(seed: SecretBytes, dst: [UInt8], binder: [UInt8] = []) {
        precondition(dst.count <= 255, "a domain separation tag has at most 255 bytes")
        let tag = HMACSHA256.authenticate([UInt8(dst.count)] + dst + binder, key: seed)
        self.init(key: Array(tag.bytes[..<16]), iv: Array(tag.bytes[16...]))
    }

    /// Starts the stream of `seed` for a domain written out in full, such as `summand/v1 mask`.
    public init(seed: SecretBytes, dst: String, binder: [UInt8] = []) {
        self.init(seed: seed, dst: Array(dst.utf8), binder: binder)
    }

    /// Starts the key stream of a given key and first counter block, 16 bytes each.
    init(key: [UInt8], iv: [UInt8]) {
        precondition(key.count == 16 && iv.count == 16, "AES-128-CTR takes 16 bytes each of key and counter")
        guard let context = unsafe EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a key stream") }
        unsafe self.context = context
        ivHigh = Array(iv[..<8])
        let counter = iv[8...].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        let blocks = 0 &- counter
        bytesUntilWrap = counter == 0 || blocks > UInt64.max / 16 ? .max : blocks * 16
        requireSuccess(
            unsafe EVP_EncryptInit_ex2(context, Algorithms.shared.aes128CTR, key, iv, nil) == 1, "keying AES-128-CTR")
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(context)
    }

    /// Writes the next bytes of the stream over the whole of `buffer`.
    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < buffer.count {
            let count = min(buffer.count - offset, Self.pieceBytes, Int(clamping: bytesUntilWrap))
            unsafe encryptZeros(over: UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + count]))
            offset += count
            if bytesUntilWrap != .max {
                bytesUntilWrap -= UInt64(count)
                if bytesUntilWrap == 0 { wrap() }
            }
        }
    }

    /// Returns the next `count` bytes of the stream.
    public mutating func next(count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        unsafe bytes.withUnsafeMutableBytes { unsafe fill($0) }
        return bytes
    }

    private func encryptZeros(over piece: UnsafeMutableRawBufferPointer) {
        unsafe piece.initializeMemory(as: UInt8.self, repeating: 0)
        let start = unsafe piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var written: Int32 = 0
        let succeeded = unsafe EVP_EncryptUpdate(context, start, &written, start, Int32(piece.count))
        requireSuccess(succeeded == 1 && Int(written) == piece.count, "AES-128-CTR")
    }

    /// Starts the counter's low half again at zero: libcrypto would carry into the high half, which the protocol keeps.
    private mutating func wrap() {
        let iv = ivHigh + [UInt8](repeating: 0, count: 8)
        requireSuccess(unsafe EVP_EncryptInit_ex2(context, nil, nil, iv, nil) == 1, "wrapping the counter")
        bytesUntilWrap = .max
    }
}
