// SPDX-License-Identifier: MIT

/// Writes and reads comma-separated values as RFC 4180 describes them.
public enum CSVText {
    /// Writes rows: fields with commas, quotes or line ends are quoted; every row ends with CR LF.
    ///
    /// A row that is one empty field is written as `""`, since an empty line would be no row.
    public static func encode(_ rows: [[String]]) -> String {
        rows.map { row in
            (row == [""] ? ["\"\""] : row.map(field)).joined(separator: ",") + "\r\n"
        }.joined()
    }

    private static func field(_ text: String) -> String {
        let special = text.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
        return special ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }

    /// Reads rows; lines may end with CR LF or LF, the last one also without an end.
    ///
    /// - Parameter file: the name for error messages.
    /// - Throws: `ReportingError.malformed` with the line on which a quote stands where none may, or is never closed.
    public static func decode(_ text: String, file: String) throws(ReportingError) -> [[String]] {
        var parser = Parser(file: file)
        for scalar in text.unicodeScalars { try parser.take(scalar) }
        return try parser.finish()
    }

    /// Reads one scalar at a time.
    private struct Parser {
        enum State { case fieldStart, plain, quoted, quoteInQuoted, carriageReturn }

        let file: String
        var state = State.fieldStart
        var line = 1
        var field = ""
        var row: [String] = []
        var rows: [[String]] = []

        init(file: String) { self.file = file }

        mutating func take(_ scalar: Unicode.Scalar) throws(ReportingError) {
            defer { if scalar == "\n" { line += 1 } }
            switch (state, scalar) {
            case (.quoted, "\""): state = .quoteInQuoted
            case (.quoted, _): field.unicodeScalars.append(scalar)
            case (.carriageReturn, "\n"), (.fieldStart, "\n"), (.plain, "\n"), (.quoteInQuoted, "\n"): endRow()
            case (.carriageReturn, _): throw error("a carriage return must be followed by a line feed")
            case (_, "\r"): state = .carriageReturn
            case (_, ","): endField()
            case (.fieldStart, "\""): state = .quoted
            case (.quoteInQuoted, "\""):
                field += "\""
                state = .quoted
            case (.quoteInQuoted, _): throw error("a closing quote must be followed by a comma or the line's end")
            case (.plain, "\""): throw error("a quote stands in a field that is not quoted")
            case (.fieldStart, _), (.plain, _):
                field.unicodeScalars.append(scalar)
                state = .plain
            }
        }

        mutating func finish() throws(ReportingError) -> [[String]] {
            if state == .quoted { throw error("a quote is never closed") }
            if state == .carriageReturn { throw error("a carriage return must be followed by a line feed") }
            if state != .fieldStart || !row.isEmpty { endRow() }
            return rows
        }

        private mutating func endField() {
            row.append(field)
            field = ""
            state = .fieldStart
        }

        private mutating func endRow() {
            endField()
            rows.append(row)
            row = []
        }

        private func error(_ reason: String) -> ReportingError {
            .malformed(file: file, line: line, reason: reason)
        }
    }
}
