// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Calls libcrypto's PEM functions over memory streams.
enum PEM {
    /// Runs a reader over `bytes`.
    static func read(_ bytes: UnsafeRawBufferPointer, _ reader: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        ERR_clear_error()
        guard bytes.count <= Int(Int32.max), let stream = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count))
        else { return nil }
        defer { unsafe BIO_free(stream) }
        return unsafe reader(stream)
    }

    /// Runs a writer and returns what it wrote; nil when it fails. The stream's memory is wiped.
    static func write(_ writer: (OpaquePointer) -> Int32) -> [UInt8]? {
        ERR_clear_error()
        guard let stream = unsafe BIO_new(BIO_s_secmem()) else { return nil }
        defer { unsafe BIO_free(stream) }
        guard unsafe writer(stream) == 1 else { return nil }
        var contents: UnsafeMutablePointer<CChar>?
        let count = unsafe summand_bio_memory(stream, &contents)
        return unsafe Array(UnsafeRawBufferPointer(start: contents, count: Int(count)))
    }

    /// Writes public bytes as text (RFC 7468).
    static func text(_ der: [UInt8], label: String) -> String {
        let encoded = Base64.encode(der)
        var lines = ["-----BEGIN \(label)-----"]
        for start in stride(from: 0, to: encoded.count, by: 64) {
            lines.append(String(decoding: encoded[start..<min(start + 64, encoded.count)], as: UTF8.self))
        }
        return lines.joined(separator: "\n") + "\n-----END \(label)-----\n"
    }
}
