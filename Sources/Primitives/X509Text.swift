// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Reads the texts of certificates and of requests for them.
enum X509Text {
    /// The last common name of an `X509_NAME` as UTF-8, empty if there is none, nil if it is no text.
    static func commonName(_ name: OpaquePointer?) -> String? {
        var last: Int32 = -1
        while true {
            let next = unsafe X509_NAME_get_index_by_NID(name, NID_commonName, last)
            if next < 0 { break }
            last = next
        }
        guard last >= 0 else { return "" }
        var text: UnsafeMutablePointer<UInt8>?
        let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last))
        let count = unsafe ASN1_STRING_to_UTF8(&text, value)
        defer { unsafe CRYPTO_free(text, #file, Int32(#line)) }
        guard count >= 0 else { return nil }
        return unsafe string(UnsafeBufferPointer(start: text, count: Int(count)))
    }

    /// The names of one type (`GEN_URI` or `GEN_DNS`) among `GENERAL_NAMES`, in order; nil if one is no text.
    static func names(in names: OpaquePointer, type: Int32) -> [String]? {
        var strings: [String] = []
        for index in 0..<(unsafe summand_general_names_count(names)) {
            var count: Int32 = 0
            guard let text = unsafe summand_general_names_text(names, index, type, &count) else { continue }
            guard let string = unsafe string(UnsafeBufferPointer(start: text, count: Int(count))) else { return nil }
            strings.append(string)
        }
        return strings
    }

    /// Text without a zero byte, behind which a name could hide from whoever reads it as a C string.
    private static func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        unsafe bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }
}
