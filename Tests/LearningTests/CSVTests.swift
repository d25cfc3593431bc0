// SPDX-License-Identifier: MIT

import Testing

@testable import Learning

@Suite struct CSVTests {
    static func parse(_ text: String, _ options: CSVOptions = CSVOptions(label: "y")) throws(DataError) -> Dataset {
        try CSVTable.parse(Array(text.utf8), file: "t.csv", options: options)
    }

    @Test func readsNumbersAndIntegerLabels() throws {
        let data = try Self.parse("a,y,b\n1,0,-2.5\n1e3,2,0.25\n")
        #expect(data.features == [1, -2.5, 1000, 0.25])
        #expect(data.labels == [0, 2])
        #expect(data.featureCount == 2 && data.classCount == 3)
    }

    @Test func namesAreNumberedInTheOrderOfTheirBytes() throws {
        let data = try Self.parse("y,a\nsetosa,1\nÄ,2\nVirginica,3\nsetosa,4\n")
        #expect(data.labels == [1, 2, 0, 1])
        #expect(data.classCount == 3)
    }

    @Test func declaredNamesHaveTheirPlaces() throws {
        let options = CSVOptions(label: "y", classes: ["no", "yes", "maybe"])
        let data = try Self.parse("y,a\nyes,1\nno,2\n", options)
        #expect(data.labels == [1, 0])
        #expect(data.classCount == 3)
        #expect(throws: DataError.csvLabel(file: "t.csv", line: 3, text: "y")) {
            try Self.parse("y,a\nyes,1\ny,2\n", options)
        }
    }

    @Test func quotesSpacesLineEndsAndByteOrderMarkAreUnderstood() throws {
        let data = try Self.parse("\u{feff}\"a \"\"x\"\", 1\",y\r\n 1 ,\"0\"\r\n\r\n\n2,1")
        #expect(data.features == [1, 2])
        #expect(data.labels == [0, 1])
    }

    @Test(arguments: [
        ("", DataError.empty(file: "t.csv")),
        ("a,y\n", .empty(file: "t.csv")),
        ("y\n0\n", .empty(file: "t.csv")),
        ("a,b\n1,2\n", .csvLabelColumn(file: "t.csv", name: "y", columns: ["a", "b"])),
        ("a,a,y\n1,2,0\n", .csvHeader(file: "t.csv", column: "a")),
        ("a,,y\n1,2,0\n", .csvHeader(file: "t.csv", column: "")),
        ("a,y\n1,0\n1,0,3\n", .csvFieldCount(file: "t.csv", line: 3, expected: 2, actual: 3)),
        ("a,y\n1,0\n\n1\n", .csvFieldCount(file: "t.csv", line: 4, expected: 2, actual: 1)),
        ("a,y\n1,0\nx1,0\n", .csvField(file: "t.csv", line: 3, column: "a", text: "x1")),
        ("a,y\n,0\n", .csvField(file: "t.csv", line: 2, column: "a", text: "")),
        ("a,y\nnan,0\n", .csvField(file: "t.csv", line: 2, column: "a", text: "nan")),
        ("a,y\n1e99,0\n", .csvField(file: "t.csv", line: 2, column: "a", text: "1e99")),
        ("a,y\n1,0\n1,x\n", .csvLabel(file: "t.csv", line: 3, text: "x")),
        ("a,y\n1,-1\n", .csvLabel(file: "t.csv", line: 2, text: "-1")),
        ("a,y\n1,65536\n", .csvLabel(file: "t.csv", line: 2, text: "65536")),
        ("a,y\n1,b\n1,\n", .csvLabel(file: "t.csv", line: 3, text: "")),
        ("a,y\n1,\"0", .csvQuote(file: "t.csv", line: 2)),
        ("a,y\n1,\"0\"1\n", .csvQuote(file: "t.csv", line: 2)),
    ])
    func faultyTableIsRefusedWithItsPlace(text: String, error: DataError) {
        #expect(throws: error) { try Self.parse(text) }
    }

    @Test func linesInsideQuotesAreCounted() {
        #expect(throws: DataError.csvLabel(file: "t.csv", line: 4, text: "c")) {
            try CSVTable.parse(
                Array("a,y\n1,\"0\n1\"\n2,c\n".utf8), file: "t.csv",
                options: CSVOptions(label: "y", classes: ["0\n1"]))
        }
    }

    @Test func otherTextThanUTF8IsRefused() {
        #expect(throws: DataError.csvText(file: "t.csv", line: 2)) {
            try CSVTable.parse(
                Array("a,y\n1,".utf8) + [0xe4], file: "t.csv", options: CSVOptions(label: "y"))
        }
    }

    @Test func declaredConstantsAreApplied() throws {
        let one = CSVOptions(label: "y", standardization: try Standardization(parsing: "1/2"))
        #expect(try Self.parse("a,b,y\n3,5,0\n", one).features == [1, 2])
        let each = CSVOptions(label: "y", standardization: try Standardization(parsing: "1/2,-1/0.5"))
        #expect(try Self.parse("a,b,y\n3,5,0\n1,0,1\n", each).features == [1, 12, 0, 2])
        #expect(throws: DataError.self) { try Self.parse("a,b,c,y\n3,5,1,0\n", each) }
        #expect(try Standardization(parsing: "none") == Standardization.none)
    }

    @Test(arguments: ["", "1", "1/0", "1/-1", "1/2/3", "a/1", "1/2,", "nan/1", "1/inf"])
    func faultyConstantsAreRefused(text: String) {
        #expect(throws: DataError.self) { try Standardization(parsing: text) }
    }

    @Test func missingTableIsNamed() throws {
        #expect(throws: DataError.notFound(file: "/nowhere/t.csv")) {
            try CSVTable.read(path: "/nowhere/t.csv", options: CSVOptions(label: "y"))
        }
    }

    @Test func fifthOfATableIsForTesting() throws {
        let directory = try TemporaryDirectory()
        let lines = (0..<50).map { "\($0),\($0 % 2)\n" }.joined()
        let path = try directory.write(Array(("x,y\n" + lines).utf8), to: "t.csv")
        let source = try DatasetSource(parsing: "csv:\(path)", csv: CSVOptions(label: "y"))
        let data = try DatasetLoader(source, runSeed: 1).load()
        #expect(data.training.count == 40 && data.test.count == 10)
        #expect((data.training.features + data.test.features).sorted() == (0..<50).map(Float.init))
        #expect(data.test.features != (40..<50).map(Float.init), "drawn by the seed")
        #expect(try DatasetLoader(source, runSeed: 1).load() == data)
        #expect(try DatasetLoader(source, runSeed: 2).load().test != data.test)
    }
}
