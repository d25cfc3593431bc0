// SPDX-License-Identifier: MIT

import Testing

@testable import Reporting

struct CSVTextTests {
    @Test(arguments: [
        (["a", "b"], "a,b\r\n"), (["a,b", "c"], "\"a,b\",c\r\n"), (["say \"x\""], "\"say \"\"x\"\"\"\r\n"),
        (["two\r\nlines"], "\"two\r\nlines\"\r\n"), (["", ""], ",\r\n"), ([""], "\"\"\r\n"), ([" a "], " a \r\n"),
        (["a\nb", "ä"], "\"a\nb\",ä\r\n"),
    ]) func fieldsAreQuotedWhereTheyMustBe(row: [String], expected: String) throws {
        #expect(CSVText.encode([row]) == expected)
        #expect(try CSVText.decode(expected, file: "f") == [row])
    }

    @Test func bothLineEndsAreRead() throws {
        #expect(try CSVText.decode("a,b\nc,d\r\ne,f", file: "f") == [["a", "b"], ["c", "d"], ["e", "f"]])
        #expect(try CSVText.decode("", file: "f") == [])
    }

    @Test(arguments: [
        ("a,\"b", 1, "a quote is never closed"), ("a\nb\"c", 2, "a quote stands in a field that is not quoted"),
        ("\"a\"b", 1, "a closing quote must be followed by a comma or the line's end"),
        ("a\rb", 1, "a carriage return must be followed by a line feed"),
    ]) func brokenQuotesAreNamedWithTheirLine(text: String, line: Int, reason: String) {
        #expect(throws: ReportingError.malformed(file: "f", line: line, reason: reason)) {
            try CSVText.decode(text, file: "f")
        }
    }

    @Test func labelCountsComeBack() throws {
        let counts = LabelCounts([[1, 0, 3], [0, 20, 1]])
        #expect(counts.csv.hasPrefix("part,label,samples\r\n0,0,1\r\n0,1,0\r\n"))
        #expect(try LabelCounts.parse(counts.csv, file: "f") == counts)
        #expect(try LabelCounts.read(file: "/nonexistent/labels.csv") == nil)
    }

    @Test(arguments: [
        ("client,label,samples\n", 1), ("part,label,samples\n0,0,x\n", 2), ("part,label,samples\n0,0,1\n0,2,1\n", 3),
        ("part,label,samples\n1,0,1\n", 2), ("part,label,samples\n0,0,-1\n", 2),
    ]) func wrongLabelCountsAreNamedWithTheirLine(text: String, line: Int) {
        #expect {
            try LabelCounts.parse(text, file: "f")
        } throws: { error in
            guard case ReportingError.malformed("f", line, _) = error else { return false }
            return true
        }
    }

    @Test func partsWithUnequalLabelsAreRefused() {
        #expect(throws: ReportingError.self) {
            try LabelCounts.parse("part,label,samples\n0,0,1\n0,1,1\n1,0,1\n", file: "f")
        }
    }
}
