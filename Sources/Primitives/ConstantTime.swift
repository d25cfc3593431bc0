// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Comparison of values that an attacker may try to guess byte by byte.
public enum ConstantTime {
    /// Whether both arrays hold the same bytes, in a time that depends on the counts alone.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }
}
