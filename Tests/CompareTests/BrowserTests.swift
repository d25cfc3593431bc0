// SPDX-License-Identifier: MIT

import Foundation
import Reporting
import Testing

@testable import Compare

/// The report as a browser shows it. `scripts/test.sh --full` installs Chromium.
@Suite(
    .enabled(if: Browser.isInstalled, "chromium is missing; install it with: apt-get install chromium"), .serialized,
    .timeLimit(.minutes(5)))
struct BrowserTests {
    private func page(_ runs: TestRuns) throws -> String {
        let counts = (0..<10).map { part in (0..<10).map { (part * 7 + $0 * 13) % 11 * 130 } }
        try LabelCounts(counts).csv.write(toFile: runs.directory + "/labels.csv", atomically: true, encoding: .utf8)
        try Compare.parse([runs.plain, runs.secure]).run()
        return try String(contentsOfFile: runs.directory + "/report.html", encoding: .utf8)
    }

    @Test(arguments: [(380, false), (380, true), (768, true), (1920, false), (3840, true)])
    func everyWidthCanBeRead(width: Int, dark: Bool) async throws {
        try await TestRuns.with { runs in
            let layout = try await Browser.layout(of: try page(runs), width: width, dark: dark)
            #expect(layout.scrollWidth <= layout.clientWidth, "nothing is to be scrolled sideways")
            #expect(layout.overlaps.isEmpty)
            #expect(layout.outside.isEmpty)
            #expect(layout.smallestText >= 11)
            #expect(layout.visibleForms.count == 9 && layout.visibleForms.values.allSatisfy { $0 == 1 })
            #expect(layout.requests.isEmpty && layout.scripts == 0)
            #expect(layout.background == (dark ? "rgb(14, 17, 21)" : "rgb(243, 245, 248)"))
        }
    }

    @Test(arguments: [380, 1920]) func manyRunsFitSideBySide(width: Int) async throws {
        try await TestRuns.with { runs in
            var directories: [String] = []
            for (clients, rounds) in [(3, 2), (5, 120), (100, 15)] {
                for arm in Arm.allCases {
                    directories.append("\(runs.directory)/\(clients)-\(arm.rawValue)")
                    try runs.write(arm, to: directories.last ?? "", rounds: rounds, clients: clients)
                }
            }
            try Compare.parse(directories).run()
            let html = try String(contentsOfFile: runs.directory + "/report.html", encoding: .utf8)
            let layout = try await Browser.layout(of: html, width: width, dark: false)
            #expect(layout.scrollWidth <= layout.clientWidth, "nothing is to be scrolled sideways")
            #expect(layout.overlaps.isEmpty)
            #expect(layout.outside.isEmpty)
            #expect(layout.overview["clients"] == ["3", "3", "5", "5", "100", "100"])
        }
    }

    @Test(arguments: [(380, true), (380, false), (2560, false), (2560, true)])
    func runsOfAllEncodingsShowErrorAndBound(width: Int, dark: Bool) async throws {
        try await TestRuns.with { runs in
            var directories = [runs.directory + "/float32"]
            try runs.write(.normal, to: directories[0], rounds: 15, bits: 32)
            for bits in [7, 8, 9, 12, 16, 21, 32] {
                directories.append("\(runs.directory)/\(bits)")
                try runs.write(.smpc, to: directories.last ?? "", rounds: 15, bits: bits)
            }
            try Compare.parse(directories).run()
            let html = try String(contentsOfFile: runs.directory + "/report.html", encoding: .utf8)
            let layout = try await Browser.layout(of: html, width: width, dark: dark)
            #expect(layout.scrollWidth <= layout.clientWidth, "nothing is to be scrolled sideways")
            #expect(layout.overlaps.isEmpty)
            #expect(layout.outside.isEmpty)
            #expect(layout.smallestText >= 11)
            #expect(layout.visibleForms["error"] == 1)
            let read = try RunReader.read(directory: directories[1]).rounds
            for (row, record) in zip(try #require(layout.tables["error"]), read) {
                let shown = row.dropFirst().compactMap(Double.init)
                #expect(shown.count == 14)
                for (value, expected) in zip(shown, [record.errorMeasured ?? 0, record.errorBound ?? 0]) {
                    #expect(abs(value - expected) <= 0.05 * expected, "two digits of the record")
                }
            }
            #expect(
                layout.overview["largest error of a coordinate"] == ["-"] + Array(repeating: "1.5e-4", count: 6) + [
                    "3.0e-4"
                ])
        }
    }

    @Test func thePageShowsTheNumbersOfTheRecords() async throws {
        try await TestRuns.with { runs in
            let layout = try await Browser.layout(of: try page(runs), width: 1280, dark: false)
            let read = try [runs.plain, runs.secure].map { try RunReader.read(directory: $0) }
            func shown(_ row: String) throws -> [Double] { try #require(layout.overview[row]).compactMap(Double.init) }
            #expect(try shown("accuracy") == read.map(\.summary.accuracy))
            #expect(try shown("loss") == read.map(\.summary.loss))
            #expect(try shown("bytes up per client and round") == read.map(\.summary.bytesUpPerClientRound))
            #expect(try shown("bytes down per client and round") == read.map(\.summary.bytesDownPerClientRound))
            #expect(try shown("aggregation per round") == read.map(\.summary.aggregationSecondsPerRound))
            #expect(layout.overview["clients"] == ["10", "10"])
            let accuracy = try #require(layout.tables["accuracy"])
            #expect(accuracy.count == 15)
            for (row, record) in zip(accuracy, read[0].rounds) {
                let text = NumberText.percent(record.accuracy)
                #expect(row == ["\(record.round)", text, text])
            }
            #expect(try #require(layout.tables["aggregation"])[0].dropFirst().prefix(2) == ["10 ms", "0 ms"])
            let time = try #require(layout.tables["time"])
            #expect(
                time[0].dropFirst() == [
                    "700 ms", "10 ms", "0 ms", "0 ms", "15 ms", "20 ms", "400 ms", "100 ms", "50 ms", "120 ms", "60 ms",
                    "47 ms",
                ])
            #expect(layout.tables["members"]?[3] == ["4", "9", "1", "9", "1"])
            #expect(
                layout.tables["labels"]?[0].last == NumberText.grouped((0..<10).map { $0 * 13 % 11 * 130 }.reduce(0, +))
            )
        }
    }
}
