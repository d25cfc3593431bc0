// SPDX-License-Identifier: MIT

internal import COpenSSL
import Primitives

/// Moves certificates between OpenSSL's objects and their DER form.
enum X509Bytes {
    /// The DER form of `certificate`; nil when there is none or OpenSSL cannot encode it.
    static func der(_ certificate: OpaquePointer?) -> [UInt8]? {
        guard let certificate = unsafe certificate else { return nil }
        let count = unsafe i2d_X509(certificate, nil)
        guard count > 0 else { return nil }
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, written in
            var end = buffer.baseAddress
            written = unsafe Int(max(0, i2d_X509(certificate, &end)))
        }
    }

    /// The certificates of a stack in its order, without those that cannot be read.
    static func certificates(_ stack: OpaquePointer?) -> [Certificate] {
        (0..<(unsafe summand_tls_stack_count(stack))).compactMap { index in
            unsafe summand_tls_stack_element(stack, index).flatMap { unsafe try? Certificate(x509: $0) }
        }
    }

    /// Parses `der` and lends the object to `body`; false when it does not parse or `body` says so.
    static func withObject(_ der: [UInt8], _ body: (OpaquePointer) -> Bool) -> Bool {
        let object: OpaquePointer? = unsafe der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_X509(nil, &start, bytes.count)
        }
        guard let object = unsafe object else { return false }
        defer { unsafe X509_free(object) }
        return unsafe body(object)
    }
}
