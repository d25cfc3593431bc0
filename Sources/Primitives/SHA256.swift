// SPDX-License-Identifier: MIT

internal import COpenSSL

/// SHA-256 (FIPS 180-4), protocol section 2's `H`.
public enum SHA256 {
    /// Hashes `bytes` in one step.
    public static func hash(_ bytes: [UInt8]) -> Digest {
        unsafe bytes.withUnsafeBytes { unsafe hash($0) }
    }

    /// Hashes a part of an array in one step.
    public static func hash(_ bytes: ArraySlice<UInt8>) -> Digest {
        unsafe bytes.withUnsafeBytes { unsafe hash($0) }
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var output = [UInt8](repeating: 0, count: Digest.count)
        let succeeded = unsafe EVP_Digest(
            bytes.baseAddress, bytes.count, &output, nil, Algorithms.shared.sha256, nil)
        requireSuccess(succeeded == 1, "SHA-256")
        return Digest(unchecked: output)
    }
}
