// SPDX-License-Identifier: MIT

/// Splits comma-separated values into records (RFC 4180; lines may also end with a bare line feed, and a byte order
/// mark and empty lines are skipped).
struct CSVParser {
    let file: String
    private let bytes: [UInt8]
    private var offset = 0
    private var line = 1

    /// One line of fields; `line` is where it begins, from 1.
    struct Record {
        let line: Int
        let fields: [String]
    }

    init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
        offset = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    }

    /// The next record, or nil at the end.
    ///
    /// - Throws: `DataError.csvQuote` or `.csvText`.
    mutating func next() throws(DataError) -> Record? {
        while offset < bytes.count, isLineEnd(bytes[offset]) {
            if bytes[offset] == UInt8(ascii: "\n") { line += 1 }
            offset += 1
        }
        guard offset < bytes.count else { return nil }
        let start = line
        var fields: [String] = []
        while true {
            fields.append(try field(startLine: start))
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: ",") else { break }
            offset += 1
        }
        return Record(line: start, fields: fields)
    }

    private func isLineEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    /// Reads a field and stops at the comma or line end after it, or at the end of the file.
    private mutating func field(startLine: Int) throws(DataError) -> String {
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
            return try quotedField()
        }
        let begin = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: ","), !isLineEnd(bytes[offset]) {
            offset += 1
        }
        return try text(bytes[begin..<offset]).trimmed
    }

    private mutating func quotedField() throws(DataError) -> String {
        let quote = UInt8(ascii: "\"")
        let startLine = line
        var content: [UInt8] = []
        offset += 1
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte != quote {
                if byte == UInt8(ascii: "\n") { line += 1 }
                content.append(byte)
            } else if offset < bytes.count, bytes[offset] == quote {
                content.append(quote)
                offset += 1
            } else {
                guard offset == bytes.count || bytes[offset] == UInt8(ascii: ",") || isLineEnd(bytes[offset]) else {
                    throw .csvQuote(file: file, line: line)
                }
                return try text(content[...])
            }
        }
        throw .csvQuote(file: file, line: startLine)
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(DataError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .csvText(file: file, line: line) }
        return text
    }
}

extension String {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmed: String {
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first, let last, blank(first) || blank(last) else { return self }
        let start = drop(while: blank)
        let end = start.lastIndex { !blank($0) }
        return end.map { String(start[...$0]) } ?? ""
    }
}
