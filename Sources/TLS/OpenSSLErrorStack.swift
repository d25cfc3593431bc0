// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Keeps what OpenSSL had queued about a failure, oldest first.
public struct OpenSSLErrorStack: Hashable, Sendable, CustomStringConvertible {
    /// One queued error.
    public struct Entry: Hashable, Sendable {
        /// OpenSSL's packed code.
        public let code: UInt
        /// The number of the library within OpenSSL; `ERR_LIB_SSL` is 20.
        public let library: Int32
        /// The reason within that library.
        public let reason: Int32
        /// OpenSSL's own text for the code.
        public let text: String
    }

    public let entries: [Entry]

    /// Takes everything off the calling thread's queue. The queue is bounded by OpenSSL (16 entries).
    static func takeAll() -> OpenSSLErrorStack {
        var entries: [Entry] = []
        while case let code = ERR_get_error(), code != 0 {
            entries.append(
                Entry(
                    code: code, library: summand_tls_error_library(code), reason: summand_tls_error_reason(code),
                    text: text(of: code)))
        }
        return OpenSSLErrorStack(entries: entries)
    }

    public var description: String { entries.isEmpty ? "no detail" : entries.map(\.text).joined(separator: "; ") }

    /// The alert of the peer that caused this failure, if one did.
    var receivedAlert: TLSAlert? {
        entries.lazy.compactMap { entry in
            // SSL_R_… of a received alert is its number plus SSL_AD_REASON_OFFSET.
            let number = entry.reason - SSL_AD_REASON_OFFSET
            guard entry.library == ERR_LIB_SSL, (0...255).contains(number) else { return nil }
            return TLSAlert(rawValue: UInt8(number))
        }.first
    }

    /// Whether libssl itself queued `reason`.
    func contains(reason: Int32) -> Bool {
        entries.contains { $0.library == ERR_LIB_SSL && $0.reason == reason }
    }

    private static func text(of code: UInt) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe ERR_error_string_n(code, buffer.baseAddress, buffer.count)
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
