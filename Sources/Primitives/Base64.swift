// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Base64 (RFC 4648, section 4).
enum Base64 {
    /// Encodes `bytes` with padding, as ASCII.
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = unsafe EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return Array(text.prefix(Int(count)))
    }
}
