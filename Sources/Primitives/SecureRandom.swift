// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Unpredictable values from libcrypto's generator; for secrets see `SecretBytes(randomCount:)`.
public enum SecureRandom {
    /// Draws `count` bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        requireSuccess(unsafe RAND_bytes_ex(nil, &bytes, count, 256) == 1, "drawing random bytes")
        return bytes
    }

    /// Draws a uniform 64-bit integer.
    public static func uint64() -> UInt64 {
        // On the stack, as it may become part of a secret.
        var word: UInt64 = 0
        let succeeded = unsafe withUnsafeMutableBytes(of: &word) { word in
            unsafe RAND_bytes_ex(nil, word.baseAddress?.assumingMemoryBound(to: UInt8.self), word.count, 256) == 1
        }
        requireSuccess(succeeded, "drawing random bytes")
        return word
    }
}

/// libcrypto's generator where the standard library asks for one.
public struct SystemRandom: RandomNumberGenerator, Sendable {
    /// Refers to the process's one generator; it has no state of its own.
    public init() {}

    /// Draws a uniform 64-bit integer.
    public mutating func next() -> UInt64 { SecureRandom.uint64() }
}
