// SPDX-License-Identifier: MIT

import Testing

@testable import Reporting

struct RunFilesTests {
    @Test func whatIsWrittenIsReadBack() throws {
        try Samples.withDirectory { directory in
            let writer = try RunWriter(directory: directory + "/a/b", resume: false)
            try writer.append(Samples.record(1))
            try writer.append(Samples.record(2, hash: Samples.hash("c")))
            let summary = try writer.finish(
                Samples.description(), outcome: .completed, seconds: 3, peakMemoryBytes: 1)
            let run = try RunReader.read(directory: directory + "/a/b")
            #expect(run.summary == summary)
            #expect(run.rounds == [Samples.record(1), Samples.record(2, hash: Samples.hash("c"))])
            #expect(run.summary.paramsHashes == [Samples.hash("a"), Samples.hash("c")])
        }
    }

    @Test func resumptionKeepsWholeLinesAndCutsATornOne() throws {
        try Samples.withDirectory { directory in
            try RunWriter(directory: directory, resume: false).append(Samples.record(1))
            try Samples.append("{\"round\":2,\"accu", to: directory + "/rounds.jsonl")
            #expect(try RunReader.readRounds(file: directory + "/rounds.jsonl").count == 1)
            let writer = try RunWriter(directory: directory, resume: true)
            #expect(writer.records == [Samples.record(1)])
            try writer.append(Samples.record(2))
            #expect(
                try RunReader.readRounds(file: directory + "/rounds.jsonl") == [Samples.record(1), Samples.record(2)])
        }
    }

    @Test func aNewRunStartsEmptyAndWithoutTheOldSummary() throws {
        try Samples.withDirectory { directory in
            let writer = try RunWriter(directory: directory, resume: false)
            try writer.append(Samples.record(1))
            try writer.finish(Samples.description(), outcome: .completed, seconds: 3, peakMemoryBytes: 1)
            #expect(try RunWriter(directory: directory, resume: false).records.isEmpty)
            #expect(try RunReader.readRounds(file: directory + "/rounds.jsonl").isEmpty)
            #expect(throws: ReportingError.notFound(path: directory + "/summary.json")) {
                try RunReader.read(directory: directory)
            }
        }
    }

    @Test func aRepeatedRoundIsWrittenOnceAndAChangedOneRefused() throws {
        try Samples.withDirectory { directory in
            let writer = try RunWriter(directory: directory, resume: false)
            try writer.append(Samples.record(1))
            try writer.append(Samples.record(1, loss: 0.7))
            #expect(writer.records == [Samples.record(1)])
            #expect(
                throws: ReportingError.conflictingRound(
                    file: directory + "/rounds.jsonl", round: 1, recorded: Samples.hash("a"),
                    appended: Samples.hash("d"))
            ) { try writer.append(Samples.record(1, hash: Samples.hash("d"))) }
        }
    }

    @Test func aGapIsRefused() throws {
        try Samples.withDirectory { directory in
            let writer = try RunWriter(directory: directory, resume: false)
            let file = directory + "/rounds.jsonl"
            #expect(throws: ReportingError.outOfOrder(file: file, line: 1, expected: 1, actual: 2)) {
                try writer.append(Samples.record(2))
            }
        }
    }

    @Test func aMissingDirectoryIsNamed() {
        #expect(throws: ReportingError.notFound(path: "/nonexistent/x/summary.json")) {
            try RunReader.read(directory: "/nonexistent/x")
        }
    }

    @Test func aMissingKeyIsNamedWithItsLine() throws {
        let whole = String(decoding: try RecordCoding.line(Samples.record(1)), as: UTF8.self)
        let text = whole + "\n" + whole.replacing("\"cohort\":10,", with: "") + "\n"
        #expect(throws: ReportingError.missingKey(file: "f", line: 2, key: "cohort")) {
            try RunReader.parseRounds([UInt8](text.utf8), file: "f")
        }
    }

    @Test func aValueOfTheWrongTypeIsNamedWithItsLine() throws {
        let whole = String(decoding: try RecordCoding.line(Samples.record(1)), as: UTF8.self)
        let text = whole.replacing("\"result\":2000", with: "\"result\":\"x\"") + "\n"
        #expect(
            throws: ReportingError.wrongValue(
                file: "f", line: 1, key: "bytes_down.result", reason: "expected a number")
        ) { try RunReader.parseRounds([UInt8](text.utf8), file: "f") }
    }

    @Test func anImpossibleAccuracyIsRefused() throws {
        let whole = String(decoding: try RecordCoding.line(Samples.record(1)), as: UTF8.self)
        let text = whole.replacing("0.875", with: "87.5") + "\n"
        #expect(
            throws: ReportingError.wrongValue(
                file: "f", line: 1, key: "accuracy", reason: "87.5 is outside 0.0…1.0")
        ) { try RunReader.parseRounds([UInt8](text.utf8), file: "f") }
    }

    @Test(arguments: ["nonsense\n", "\n", "[1]\n", "3\n"]) func aLineThatIsNoObjectIsRefused(text: String) {
        #expect(throws: ReportingError.malformed(file: "f", line: 1, reason: "this is not a JSON object")) {
            try RunReader.parseRounds([UInt8](text.utf8), file: "f")
        }
    }

    @Test func aSummaryThatContradictsItsRoundsIsRefused() throws {
        try Samples.withDirectory { directory in
            let writer = try RunWriter(directory: directory, resume: false)
            try writer.append(Samples.record(1))
            try writer.finish(Samples.description(), outcome: .completed, seconds: 3, peakMemoryBytes: 1)
            try writer.append(Samples.record(2))
            let file = directory + "/summary.json"
            #expect(throws: ReportingError.summaryDisagrees(file: file, key: "params_hashes")) {
                try RunReader.read(directory: directory)
            }
        }
    }

    @Test func aWrongKeyOfTheSummaryIsNamedWithItsLine() throws {
        try Samples.withDirectory { directory in
            let file = directory + "/summary.json"
            let good = String(decoding: try RecordCoding.document(Samples.summary([])), as: UTF8.self)
            let bad = good.replacing("\"smpc\"", with: "\"x\"").replacing("\"normal\"", with: "\"x\"")
            try Samples.append(bad, to: file)
            #expect {
                try RunReader.readSummary(file: file)
            } throws: { error in
                guard case ReportingError.wrongValue(file, let line, "arm", _) = error else { return false }
                return line == 4
            }
        }
    }
}
