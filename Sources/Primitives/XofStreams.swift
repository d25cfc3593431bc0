// SPDX-License-Identifier: MIT

/// A number of XOF streams that are read side by side and started anew in place, again and again.
///
/// Making a stream costs more than starting one: contexts are made once, and reading allocates nothing. Starting makes
/// libcrypto allocate five small blocks for HMAC, which it wipes.
@safe public struct XofStreams: ~Copyable {
    /// The number of streams.
    public let count: Int

    private let streams: UnsafeMutablePointer<XofHmacSha256Aes128>
    private var hash = KeyedHash()

    /// Makes streams, each to be started before it is read.
    public init(count: Int) {
        self.count = count
        unsafe streams = UnsafeMutablePointer.allocate(capacity: max(count, 1))
        for index in 0..<count {
            unsafe (streams + index).initialize(to: XofHmacSha256Aes128())
        }
    }

    deinit {
        unsafe streams.deinitialize(count: count)
        unsafe streams.deallocate()
    }

    /// Starts one stream anew, as `XofHmacSha256Aes128(seed:dst:binder:)` would.
    public mutating func start(_ index: Int, seed: SecretBytes, dst: [UInt8], binder: [UInt8]) {
        precondition(index >= 0 && index < count, "stream \(index) of \(count)")
        var stream = unsafe (streams + index).move()
        unsafe hash.withTag(key: seed, dst: dst, binder: binder) { unsafe stream.start(tag: $0) }
        unsafe (streams + index).initialize(to: stream)
    }

    /// Overwrites the first `count` of `words` with one stream's next 64-bit little-endian words, none rejected.
    public mutating func read(_ index: Int, into words: inout SecretWords, count: Int) {
        withStream(index) { words.fill(count, from: &$0) }
    }

    /// Overwrites all of `words` with one stream's next 64-bit little-endian words, none rejected.
    public mutating func read(_ index: Int, into words: inout [UInt64]) {
        withStream(index) { $0.fill(words: &words) }
    }

    /// Moves a stream, a few words, out and back: Swift 6.3 cannot compile access in place for the thread sanitizer.
    private func withStream(_ index: Int, _ body: (inout XofHmacSha256Aes128) -> Void) {
        precondition(index >= 0 && index < count, "stream \(index) of \(count)")
        var stream = unsafe (streams + index).move()
        body(&stream)
        unsafe (streams + index).initialize(to: stream)
    }
}
