// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Calls libcrypto's `i2d_…` and `d2i_…` functions with whole arrays.
enum DER {
    /// Runs an encoder once for the size and once for the bytes; nil when it fails.
    static func encode(_ encoder: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8]? {
        ERR_clear_error()
        let count = encoder(nil)
        guard count > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return unsafe encoder(&cursor)
        }
        return written == count ? bytes : nil
    }

    /// Runs a decoder over `bytes`; nil when it fails. `free` disposes of a result that leaves bytes over.
    static func decode(
        _ bytes: UnsafeRawBufferPointer,
        _ decoder: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?,
        free: (OpaquePointer) -> Void
    ) -> OpaquePointer? {
        ERR_clear_error()
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var cursor = unsafe start
        guard let object = unsafe decoder(&cursor, bytes.count) else { return nil }
        guard unsafe cursor == start?.advanced(by: bytes.count) else {
            unsafe free(object)
            return nil
        }
        return unsafe object
    }
}
