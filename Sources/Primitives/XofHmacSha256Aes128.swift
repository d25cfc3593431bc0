// SPDX-License-Identifier: MIT

internal import COpenSSL

/// The protocol's extendable output: an AES-128-CTR key stream under a key derived by HMAC (section 2, "mask PRG").
///
/// `tag = HMAC-SHA256(seed, len8(dst) ‖ dst ‖ binder)`; key = tag[0..<16], IV = tag[16..<32). Successive calls continue
/// one stream.
@safe public struct XofHmacSha256Aes128: ~Copyable {
    /// Encrypting zeros from elsewhere saves a pass over the output; so many of them stay in the first-level cache.
    private static let zeros = [UInt8](repeating: 0, count: 8 * 1024)

    private let context: OpaquePointer
    /// The high half of the IV, as its bytes lie in memory.
    private var ivHigh: UInt64 = 0
    /// Bytes left before the counter in the low half of the IV wraps; `UInt64.max` when that is 2^64 − 1 or more.
    private var bytesUntilWrap: UInt64 = .max

    /// Starts the stream of `seed` for the domain `dst` (at most 255 bytes) and `binder`.
    public init(seed: SecretBytes, dst: [UInt8], binder: [UInt8] = []) {
        self.init()
        var hash = KeyedHash()
        unsafe hash.withTag(key: seed, dst: dst, binder: binder) { unsafe start(tag: $0) }
    }

    /// Starts the stream of `seed` for a domain written out in full, such as `summand/v1 mask`.
    public init(seed: SecretBytes, dst: String, binder: [UInt8] = []) {
        self.init(seed: seed, dst: Array(dst.utf8), binder: binder)
    }

    /// Starts the key stream of a given key and first counter block, 16 bytes each.
    init(key: [UInt8], iv: [UInt8]) {
        precondition(key.count == 16 && iv.count == 16, "AES-128-CTR takes 16 bytes each of key and counter")
        self.init()
        unsafe (key + iv).withUnsafeBytes { unsafe start(tag: $0) }
    }

    /// Makes a stream that `start(tag:)` has to start before it is read.
    init() {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a key stream") }
        unsafe self.context = context
        requireSuccess(
            unsafe EVP_EncryptInit_ex2(context, Algorithms.shared.aes128CTR, nil, nil, nil) == 1, "AES-128-CTR")
    }

    deinit {
        // This wipes the key schedule, the counter and what is left of a block.
        unsafe EVP_CIPHER_CTX_free(context)
    }

    /// Starts the key stream anew with the key and the first counter block that a tag of 32 bytes consists of.
    mutating func start(tag: UnsafeRawBufferPointer) {
        precondition(tag.count == 32, "AES-128-CTR takes 16 bytes each of key and counter")
        unsafe ivHigh = tag.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        let counter = UInt64(bigEndian: unsafe tag.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        let blocks = 0 &- counter
        bytesUntilWrap = counter == 0 || blocks > UInt64.max / 16 ? .max : blocks * 16
        let bytes = unsafe tag.bindMemory(to: UInt8.self).baseAddress
        let started = unsafe EVP_EncryptInit_ex2(context, nil, bytes, bytes.map { unsafe $0 + 16 }, nil) == 1
        requireSuccess(started, "keying AES-128-CTR")
    }

    /// Writes the next bytes of the stream over the whole of `buffer`.
    public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < buffer.count {
            let count = min(buffer.count - offset, Self.zeros.count, Int(clamping: bytesUntilWrap))
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

    private mutating func encryptZeros(over piece: UnsafeMutableRawBufferPointer) {
        let start = unsafe piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var written: Int32 = 0
        let succeeded = unsafe EVP_EncryptUpdate(context, start, &written, Self.zeros, Int32(piece.count))
        requireSuccess(succeeded == 1 && Int(written) == piece.count, "AES-128-CTR")
    }

    /// Starts the counter's low half again at zero: libcrypto would carry into the high half, which the protocol keeps.
    private mutating func wrap() {
        let iv = (ivHigh, 0 as UInt64)
        let succeeded = unsafe withUnsafeBytes(of: iv) { iv in
            unsafe EVP_EncryptInit_ex2(context, nil, nil, iv.bindMemory(to: UInt8.self).baseAddress, nil)
        }
        requireSuccess(succeeded == 1, "wrapping the counter")
        bytesUntilWrap = .max
    }
}
