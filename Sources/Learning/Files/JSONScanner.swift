// SPDX-License-Identifier: MIT

/// Reads the few forms of JSON (RFC 8259) that a safetensors header has, one after the other: objects by their keys,
/// strings, arrays of integers that are not negative.
struct JSONScanner {
    private let bytes: [UInt8]
    private let endOffset: Int
    private var offset: Int

    init(bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        endOffset = range.upperBound
    }

    /// The error for something else at the current place.
    func error(_ expected: String) -> SafetensorsError {
        .header(offset: offset, expected: expected)
    }

    mutating func beginObject() throws(SafetensorsError) {
        try expect("{")
    }

    /// The next key of an object, its colon read, or nil after the end of the object.
    mutating func nextKey(isFirst: Bool) throws(SafetensorsError) -> String? {
        if accept("}") {
            return nil
        }
        if !isFirst {
            try expect(",")
        }
        let key = try string()
        try expect(":")
        return key
    }

    mutating func integers(atMost limit: Int) throws(SafetensorsError) -> [Int] {
        var numbers: [Int] = []
        try expect("[")
        while !accept("]") {
            if !numbers.isEmpty {
                try expect(",")
            }
            guard numbers.count < limit else { throw error("at most \(limit) numbers") }
            numbers.append(try integer())
        }
        return numbers
    }

    /// Checks that nothing but white space is left.
    mutating func end() throws(SafetensorsError) {
        skipSpace()
        guard offset == endOffset else { throw error("the end of the header") }
    }

    private mutating func integer() throws(SafetensorsError) -> Int {
        skipSpace()
        let start = offset
        var value = 0
        while offset < endOffset, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[offset] - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw error("a smaller number") }
            value = sum
            offset += 1
        }
        // A second digit after a leading zero is no JSON.
        guard offset > start, offset == start + 1 || bytes[start] != UInt8(ascii: "0") else {
            throw error("a number")
        }
        return value
    }

    mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        var content: [UInt8] = []
        while offset < endOffset {
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else { throw error("UTF-8") }
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                offset += 1
                content += Array(String(try escape()).utf8)
            case 0..<0x20:
                throw error("no control character")
            default:
                content.append(byte)
                offset += 1
            }
        }
        throw error("a closing quotation mark")
    }

    private mutating func escape() throws(SafetensorsError) -> Unicode.Scalar {
        guard offset < endOffset else { throw error("an escaped character") }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw error("an escaped character")
        }
    }

    /// Reads the four digits after `\u`, and the second half of a surrogate pair.
    private mutating func unicodeEscape() throws(SafetensorsError) -> Unicode.Scalar {
        var value = try fourDigits()
        if (0xd800..<0xdc00).contains(value) {
            guard accept("\\", skippingSpace: false), accept("u", skippingSpace: false) else {
                throw error("the second half of a surrogate pair")
            }
            let second = try fourDigits()
            guard (0xdc00..<0xe000).contains(second) else { throw error("the second half of a surrogate pair") }
            value = 0x10000 + ((value - 0xd800) << 10) + (second - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw error("a Unicode character") }
        return scalar
    }

    private mutating func fourDigits() throws(SafetensorsError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard offset < endOffset, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
                throw error("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(SafetensorsError) {
        guard accept(scalar) else { throw error("'\(scalar)'") }
    }

    private mutating func accept(_ scalar: Unicode.Scalar, skippingSpace: Bool = true) -> Bool {
        if skippingSpace {
            skipSpace()
        }
        guard offset < endOffset, bytes[offset] == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < endOffset, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) {
            offset += 1
        }
    }
}
