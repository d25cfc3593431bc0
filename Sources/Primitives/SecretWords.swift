// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Working memory for words of a key stream, overwritten when its owner goes.
@safe public struct SecretWords: ~Copyable {
    /// The number of words.
    public let count: Int

    @usableFromInline let words: UnsafeMutableBufferPointer<UInt64>

    /// Makes `count` zeros.
    public init(count: Int) {
        self.count = count
        // Whole cache lines of its own, for the sake of vector loads and of other threads.
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, 1) * MemoryLayout<UInt64>.stride, alignment: 64)
        unsafe words = bytes.bindMemory(to: UInt64.self)
        unsafe words.initialize(repeating: 0)
    }

    deinit {
        unsafe OPENSSL_cleanse(words.baseAddress, words.count * MemoryLayout<UInt64>.stride)
        unsafe words.deallocate()
    }

    /// Lends the first `count` words to `body`.
    @inlinable
    public borrowing func withWords<Result, Failure: Error>(
        _ count: Int, _ body: (Span<UInt64>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(count >= 0 && count <= self.count, "\(count) of \(self.count) words")
        return try body(unsafe Span(_unsafeElements: UnsafeMutableBufferPointer(rebasing: words[..<count])))
    }

    /// Lends the first `count` words to `body` for writing.
    @inlinable
    public mutating func withMutableWords<Result, Failure: Error>(
        _ count: Int, _ body: (inout MutableSpan<UInt64>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(count >= 0 && count <= self.count, "\(count) of \(self.count) words")
        var span = unsafe MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(rebasing: words[..<count]))
        return try body(&span)
    }

    /// Overwrites the first `count` words with the stream's next 64-bit little-endian words, none rejected.
    public mutating func fill(_ count: Int, from stream: inout XofHmacSha256Aes128) {
        precondition(count >= 0 && count <= self.count, "\(count) of \(self.count) words")
        unsafe stream.fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: words[..<count])))
        #if _endian(big)
            for index in 0..<count { unsafe words[index] = UInt64(littleEndian: words[index]) }
        #endif
    }
}
