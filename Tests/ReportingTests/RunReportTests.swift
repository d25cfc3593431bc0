// SPDX-License-Identifier: MIT

import FoundationEssentials
import FoundationXML
import Testing

@testable import Reporting

struct RunReportTests {
    private func run(
        _ arm: Arm, rounds: [RoundRecord], clients: Int = 10, encoding: String = "exact", directory: String? = nil,
        outcome: RunOutcome = .completed, protection: String? = nil
    ) -> RunRecords {
        var description = Samples.description(arm: arm, encoding: encoding)
        description.clients = clients
        description.protection = protection
        return RunRecords(
            directory: directory ?? "metrics/\(arm.rawValue)",
            summary: RunSummary(
                description: description, records: rounds, outcome: outcome, seconds: 1, peakMemoryBytes: 1),
            rounds: rounds)
    }

    private func html(_ report: RunReport) -> String { ReportPage(report, pictures: report.pictures).html }

    @Test func twoRunsArePlainAndSecure() {
        let report = RunReport([Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])])
        #expect(report.names == ["plain", "secure"])
        #expect(report.pairs.map(\.reference) == [0] && report.pairs.map(\.run) == [1])
        #expect(report.text == ComparisonTable(report.pairs[0].comparison).text)
    }

    @Test func eachRunIsComparedWithThePlainOneOfItsConditions() throws {
        let rounds = [Samples.record(1)]
        let report = RunReport([
            run(.normal, rounds: rounds, clients: 3), run(.smpc, rounds: rounds, clients: 3),
            run(.normal, rounds: rounds, clients: 5), run(.smpc, rounds: rounds, clients: 5),
            run(.smpc, rounds: rounds, clients: 5, encoding: "9"), run(.smpc, rounds: rounds, clients: 7),
        ])
        #expect(report.pairs.map { [$0.reference, $0.run] } == [[0, 1], [2, 3], [2, 4]])
        #expect(report.names[3] == "secure, 5 clients, exact" && report.names[4] == "secure, 5 clients, 9 bits")
        #expect(
            report.text.contains("secure, 3 clients, exact against plain, 3 clients, exact: params_hashes: identical"))
        #expect(
            try report.json().contains(
                "{\"first\":2,\"identical_per_round\":[true],\"second\":4,\"verdict\":\"not_exact\"}"))
        #expect(html(report).contains("Secure, 5 clients, exact against plain, 5 clients, exact"))
    }

    @Test func runsThatNothingTellsApartAreNamedByDirectory() {
        let rounds = [Samples.record(1)]
        let report = RunReport([run(.smpc, rounds: rounds, directory: "x"), run(.smpc, rounds: rounds, directory: "y")])
        #expect(report.names == ["secure, exact (x)", "secure, exact (y)"])
    }

    @Test func aRunNamedLikeAScriptIsInert() throws {
        let evil = "<script>alert(1)</script>\"'&"
        var records = [Samples.record(1)]
        records[0].bytesUp[evil] = 5
        var (first, second) = (
            run(.smpc, rounds: records, directory: evil), run(.smpc, rounds: records, directory: "y")
        )
        for key in [\RunDescription.dataset, \.model, \.partition] {
            var description = first.summary.description
            description[keyPath: key] = evil
            var summary = first.summary
            summary.description = description
            first = RunRecords(directory: evil, summary: summary, rounds: records)
        }
        var summary = second.summary
        summary.outcome = .failed
        summary.reason = evil
        second = RunRecords(directory: "y", summary: summary, rounds: records)
        let report = RunReport([first, second], labels: [LabelCounts([[1]]), nil])
        #expect(!html(report).contains("<script"))
        #expect(html(report).contains("&lt;script&gt;"))
        for picture in report.pictures {
            #expect(!picture.file().contains("<script"))
            #expect(XMLParser(data: .init(picture.file().utf8)).parse(), "\(picture.name)")
        }
    }

    @Test func thePageAsksNobodyForAnything() {
        let report = RunReport(
            [Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])], labels: [LabelCounts([[1]]), nil])
        let page = html(report)
        #expect(page.contains("default-src 'none'"))
        #expect(!page.contains("Markup(") && !page.contains("&lt;"), "markup that became text")
        #expect(
            !page.contains("<script") && !page.contains("@import") && !page.contains("url(") && !page.contains("src=\"")
        )
        let addresses = page.matches(of: /https?:\/\/[^" ]*/).map { String($0.0) }
        #expect(Set(addresses) == ["http://www.w3.org/2000/svg"], "a namespace, which nobody opens")
    }

    @Test func everyPictureHasAName() {
        let report = RunReport(
            [Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])], labels: [LabelCounts([[1]]), nil])
        let names = report.pictures.map(\.name)
        #expect(
            names == ["accuracy", "loss", "difference", "bytes-up", "bytes-down", "time", "members", "labels"])
        #expect(Set(names).isSubset(of: RunReport.pictureNames))
        for name in names {
            #expect(html(report).contains("aria-labelledby=\"\(name)-w-t \(name)-w-d\""))
            #expect(html(report).contains("<title id=\"\(name)-n-t\">"))
        }
    }

    @Test func whereNobodyDroppedOutNoPictureIsNeeded() {
        var record = Samples.record(1)
        record.dropouts = 0
        let report = RunReport([run(.normal, rounds: [record]), run(.smpc, rounds: [record])])
        #expect(!report.pictures.map(\.name).contains("members"))
        #expect(html(report).contains("Secure: nobody dropped out; every member was in every sum."))
    }

    @Test func dropoutsAreMarkedWhereTheyHappened() {
        let report = RunReport([Samples.run(.normal, hashes: ["a", "a"]), Samples.run(.smpc, hashes: ["a"])])
        #expect(html(report).contains("Plain: 1 in round 1, 1 in round 2."))
        #expect(report.pictures[0].file().contains("<title>plain: 1 of 11 missing</title>"))
    }

    @Test func runsOfUnequalLengthAreShownAsFarAsTheyGo() {
        let report = RunReport([Samples.run(.normal, hashes: ["a", "c"]), Samples.run(.smpc, hashes: ["a"])])
        #expect(html(report).contains("The runs did not apply the same number of rounds"))
        let table = report.pictures[0].chart.table
        #expect(table.rows == [["1", "87.50 %", "87.50 %"], ["2", "87.50 %", "–"]])
    }

    @Test func aRunWithoutRoundsHasAReport() {
        let report = RunReport([Samples.run(.normal, hashes: []), Samples.run(.smpc, hashes: [])])
        #expect(html(report).contains("No round was applied."))
        #expect(html(report).contains("Plain: no round was applied."))
        #expect(report.roundsCSV.split(separator: "\r\n").count == 1)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func aDivergedLossIsShownAsWhatItIs(loss: Double) {
        let rounds = [Samples.record(1), Samples.record(2, loss: loss)]
        let report = RunReport([run(.normal, rounds: rounds), run(.smpc, rounds: rounds)])
        #expect(report.pictures[1].description.contains("not a finite number"))
        #expect(report.pictures[1].chart.table.rows[1] == ["2", "\(loss)", "\(loss)"])
        #expect(report.roundsCSV.contains(loss.isNaN ? ",NaN," : loss > 0 ? ",Infinity," : ",-Infinity,"))
    }

    @Test func differentModelsAreSaidLoudly() {
        let report = RunReport([Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["c"])])
        #expect(html(report).contains("<p class=\"verdict bad\">The models DIFFER although both runs are exact</p>"))
        #expect(html(report).contains("<td>NO</td>"))
    }

    @Test func onlyExactRunsHaveABoundOfZero() {
        let exact = RunReport([Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])])
        #expect(exact.pictures[2].file().contains("bound with exact encoding: 0"))
        let packed = RunReport([
            Samples.run(.normal, hashes: ["a"], encoding: "float32"), Samples.run(.smpc, hashes: ["c"]),
        ])
        #expect(!packed.pictures[2].file().contains("bound with"))
        #expect(packed.pictures[2].description.contains("No bound is drawn"))
    }

    @Test func unfairComparisonsAndFailuresAreWarnings() {
        let rounds = [Samples.record(1)]
        let report = RunReport([
            run(.normal, rounds: rounds, clients: 3), run(.smpc, rounds: rounds, clients: 5, outcome: .aborted),
        ])
        #expect(
            ReportWords(report: report).warnings == [
                "Secure, 5 clients and plain, 3 clients differ in clients: this is not a fair comparison.",
                "Secure, 5 clients: the run ended as aborted.",
            ])
    }

    @Test func wordsFollowFromTheRuns() {
        let rounds = [Samples.record(1)]
        let secure = run(.smpc, rounds: rounds, protection: "Six of nine.")
        let words = ReportWords(report: RunReport([run(.normal, rounds: rounds), secure]))
        #expect(words.protected.contains("Six of nine."))
        #expect(words.cost[0].contains("1.00 times as many bytes in a round (1.50 kB instead of 1.50 kB)"))
        #expect(words.cost[0].hasSuffix("Accuracy: nothing, the models are identical."))
        let plain = ReportWords(report: RunReport([run(.normal, rounds: rounds), run(.normal, rounds: rounds)]))
        #expect(plain.protected == ["Nothing: in plain averaging the server sees every client's update."])
        #expect(plain.cost.count == 1 && plain.cost[0].hasPrefix("These runs do not say"))
    }

    /// Bytes of the aggregate shares beside 1000 of the updates.
    @Test(arguments: [(1000.0, true), (300.0, false)])
    func aRunInWhichEverybodyHelpsSaysSo(partials: Double, isSaid: Bool) {
        var secure = Samples.record(1)
        secure.bytesUp["partials"] = partials
        let words = ReportWords(
            report: RunReport([run(.normal, rounds: [Samples.record(1)]), run(.smpc, rounds: [secure])]))
        #expect(words.cost.contains { $0.contains("what a client sent were aggregate shares") })
        #expect(words.cost.contains { $0.contains("Here every client was a helper") } == isSaid)
    }

    @Test func phasesOfBothArmsShareTheirNames() {
        var (plain, secure) = (Samples.record(1), Samples.record(1))
        plain.bytesUp = ["setup": 1, "update": 2, "result": 3]
        secure.bytesUp = ["set-up": 4, "upload": 5, "partials": 6, "votes": 7, "result": 8, "unheard-of": 9]
        let bytes = Phases.bytes([run(.normal, rounds: [plain]), run(.smpc, rounds: [secure])], \.bytesUp)
        #expect(bytes.parts.map(\.name) == ["set-up", "updates", "votes", "aggregate shares", "result", "unheard-of"])
        #expect(bytes.values == [[[1, 2, 0, 0, 3, 0]], [[4, 5, 7, 6, 8, 9]]])
    }

    @Test func timesAreShownByPhaseWhereAllRunsHaveThem() throws {
        var timed = Samples.record(1)
        timed.phaseSeconds = ["training": 2, "upload": 0.5, "sum": 0.25, "result": 0.125]
        let untimed = Samples.record(1)
        func time(_ runs: [RunRecords]) throws -> Picture {
            try #require(RunReport(runs).pictures.first { $0.name == "time" })
        }
        let fine = try time([run(.normal, rounds: [timed]), run(.smpc, rounds: [timed])])
        #expect(fine.chart.table.header[1...4] == ["plain: training", "plain: updates", "plain: sum", "plain: result"])
        #expect(fine.chart.table.rows[0][1...4] == ["2.0 s", "500 ms", "250 ms", "125 ms"])
        let aggregation = RunReport([run(.normal, rounds: [timed]), run(.smpc, rounds: [timed])]).pictures
            .first { $0.name == "aggregation" }
        #expect(aggregation?.chart.table.rows[0][1...3] == ["500 ms", "250 ms", "125 ms"])
        let coarse = try time([run(.normal, rounds: [timed]), run(.smpc, rounds: [untimed])])
        #expect(coarse.chart.table.header[1...2] == ["plain: aggregation", "plain: training and the rest"])
        #expect(coarse.description.contains("Not all of these runs have finer phases."))
        let csv = RunReport([run(.normal, rounds: [timed]), run(.smpc, rounds: [untimed])]).roundsCSV
        #expect(csv.contains(",phase_seconds result,phase_seconds sum,phase_seconds training,phase_seconds upload\r\n"))
        #expect(csv.contains(",0.125,0.25,2.0,0.5\r\n") && csv.contains(",,,,\r\n"))
    }

    @Test func aReportIsWrittenAndAnOlderOnesPicturesAreRemoved() throws {
        try Samples.withDirectory { directory in
            let report = RunReport(
                [Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])],
                labels: [LabelCounts([[1]]), nil])
            var rendered: [String] = []
            let page = try ReportFiles(report).write(to: directory) { svg, png in
                #expect(!String(decoding: try DurableFile.read(svg) ?? [], as: UTF8.self).contains("@media"))
                try Samples.append("png", to: png)
                rendered.append(png)
            }
            #expect(page == directory + "/report.html" && rendered.count == 8)
            let html = String(decoding: try DurableFile.read(page) ?? [], as: UTF8.self)
            #expect(html.contains("<a href=\"report/labels.png\">report/labels.png</a> · <a "))
            #expect(try DurableFile.read(directory + "/report/rounds.csv") == [UInt8](report.roundsCSV.utf8))
            let without = RunReport([Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])])
            _ = try ReportFiles(without).write(to: directory)
            let left = try FileManager.default.contentsOfDirectory(atPath: directory + "/report").sorted()
            #expect(
                left == [
                    "accuracy.svg", "bytes-down.svg", "bytes-up.svg", "difference.svg", "loss.svg", "members.svg",
                    "rounds.csv", "runs.csv", "time.svg",
                ])
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() {
        let report = RunReport([Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"])])
        #expect(throws: ReportingError.self) { try ReportFiles(report).write(to: "/proc/nonexistent") }
    }

    @Test func tablesHaveOneLineForEachRoundAndRun() throws {
        let report = RunReport([Samples.run(.normal, hashes: ["a", "c"]), Samples.run(.smpc, hashes: ["a"])])
        let rounds = try CSVText.decode(report.roundsCSV, file: "f")
        #expect(rounds.count == 4 && rounds.allSatisfy { $0.count == rounds[0].count })
        #expect(rounds[1].prefix(5) == ["plain", "normal", "1", "0.875", "0.5"])
        let runs = try CSVText.decode(report.runsCSV, file: "f")
        #expect(runs.count == 3 && runs.allSatisfy { $0.count == runs[0].count })
    }

    @Test func linksAreEncoded() {
        #expect(ReportPage.link("report/a b\"ä.svg") == "report/a%20b%22%C3%A4.svg")
    }
}
