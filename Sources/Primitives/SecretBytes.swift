// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Holds a secret and overwrites its memory when the last reference goes.
///
/// Sharing between threads is sound because the memory is written only while it is initialized and deinitialized.
@safe public final class SecretBytes: @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    /// Takes over `bytes`, wiping the array if this was its last owner.
    public init(_ bytes: consuming [UInt8]) {
        unsafe storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        count = bytes.count
        unsafe storage.copyBytes(from: bytes)
        Self.wipe(&bytes)
    }

    /// Keeps a hash that serves as a key or a seed.
    public convenience init(_ digest: Digest) {
        self.init(digest.bytes)
    }

    /// Draws `count` bytes from libcrypto's generator for private values.
    public convenience init(randomCount count: Int) {
        unsafe self.init(count: count) { storage in
            let start = unsafe storage.baseAddress?.assumingMemoryBound(to: UInt8.self)
            requireSuccess(
                unsafe RAND_priv_bytes_ex(nil, start, storage.count, 256) == 1, "drawing random bytes")
        }
    }

    /// Makes `count` bytes in place: no other memory ever holds them.
    init(count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
        self.count = count
        unsafe write(UnsafeMutableRawBufferPointer(rebasing: storage[..<count]))
    }

    deinit {
        unsafe OPENSSL_cleanse(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    /// The number of bytes.
    public let count: Int

    /// Lends the bytes to `body`.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: storage.baseAddress, count: count)))
    }

    /// Copies the secret into an array that nothing wipes unless `SecretBytes.wipe` does; for writing it where it has to go.
    public func exposedBytes() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }
    }

    /// Overwrites an array that held a secret, in the memory that held it if nobody else has a copy of the array.
    public static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: storage.baseAddress, count: count))
    }
}

extension SecretBytes: Equatable {
    /// Compares in a time that depends on the counts alone.
    public static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left.storage.baseAddress, right.storage.baseAddress, left.count) == 0
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "SecretBytes(\(count) bytes)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
