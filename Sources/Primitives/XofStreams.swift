// SPDX-License-Identifier: MIT

/// A number of XOF streams that are read side by side and started anew in place, again and again.
///
/// Making a stream costs more than starting one: contexts are made once, and reading allocates nothing. Starting makes
/// libcrypto allocate five small blocks for HMAC, which it wipes. Sending the streams to another thread is sound because
/// this is their only owner.
@safe public struct XofStreams: ~Copyable, @unchecked Sendable {
    /// The number of streams.
    public let count: Int

    private let streams: UnsafeMutableBufferPointer<XofHmacSha256Aes128>
    private let hash = KeyedHash()

    /// Makes streams, each to be started before it is read.
    public init(count: Int) {
        self.count = count
        unsafe streams = UnsafeMutableBufferPointer.allocate(capacity: count)
        for index in 0..<count {
            unsafe streams.initializeElement(at: index, to: XofHmacSha256Aes128())
        }
    }

    deinit {
        unsafe streams.deinitialize().deallocate()
    }

    /// Starts one stream anew, as `XofHmacSha256Aes128(seed:dst:binder:)` would.
    public mutating func start(_ index: Int, seed: SecretBytes, dst: [UInt8], binder: [UInt8]) {
        precondition(index >= 0 && index < count, "stream \(index) of \(count)")
        unsafe hash.withTag(key: seed, dst: dst, binder: binder) { unsafe streams[index].start(tag: $0) }
    }

    /// Overwrites the first `count` of `words` with one stream's next 64-bit little-endian words, none rejected.
    public mutating func read(_ index: Int, into words: inout SecretWords, count: Int) {
        precondition(index >= 0 && index < self.count, "stream \(index) of \(self.count)")
        unsafe words.fill(count, from: &streams[index])
    }

    /// Overwrites all of `words` with one stream's next 64-bit little-endian words, none rejected.
    public mutating func read(_ index: Int, into words: inout [UInt64]) {
        precondition(index >= 0 && index < count, "stream \(index) of \(count)")
        unsafe streams[index].fill(words: &words)
    }
}
