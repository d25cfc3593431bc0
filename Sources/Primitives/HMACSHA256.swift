// SPDX-License-Identifier: MIT

internal import COpenSSL

/// HMAC with SHA-256 (RFC 2104, FIPS 198-1).
public enum HMACSHA256 {
    /// Authenticates `message` under a secret key of any length.
    public static func authenticate(_ message: [UInt8], key: SecretBytes) -> Digest {
        unsafe key.withUnsafeBytes { unsafe authenticate(message, key: $0) }
    }

    /// Authenticates `message` under a key that is no secret, such as a public salt.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> Digest {
        unsafe key.withUnsafeBytes { unsafe authenticate(message, key: $0) }
    }

    /// Derives a key: the MAC of `message` under a secret key, itself a secret that is wiped.
    public static func deriveKey(_ message: [UInt8], key: SecretBytes) -> SecretBytes {
        unsafe SecretBytes(count: Digest.count) { output in
            unsafe key.withUnsafeBytes { unsafe authenticate(message, key: $0, into: output) }
        }
    }

    /// Whether `tag` authenticates `message`, compared in constant time.
    public static func isValid(tag: [UInt8], for message: [UInt8], key: SecretBytes) -> Bool {
        ConstantTime.areEqual(tag, authenticate(message, key: key).bytes)
    }

    private static func authenticate(_ message: [UInt8], key: UnsafeRawBufferPointer) -> Digest {
        var output = [UInt8](repeating: 0, count: Digest.count)
        unsafe output.withUnsafeMutableBytes { unsafe authenticate(message, key: key, into: $0) }
        return Digest(unchecked: output)
    }

    /// Writes the 32 bytes of the MAC over `output`.
    private static func authenticate(
        _ message: [UInt8], key: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        assert(output.count == Digest.count)
        // To libcrypto a null pointer means "the key of the call before": an empty key points at a byte it never reads.
        let nothing: [UInt8] = [0]
        let result = unsafe nothing.withUnsafeBytes { nothing in
            unsafe HMAC(
                Algorithms.shared.sha256, key.baseAddress ?? nothing.baseAddress, Int32(key.count), message,
                message.count, output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
        }
        requireSuccess(unsafe result != nil, "HMAC-SHA256")
    }
}
