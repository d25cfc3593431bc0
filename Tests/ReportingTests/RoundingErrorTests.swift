// SPDX-License-Identifier: MIT

import Testing

@testable import Reporting

struct RoundingErrorTests {
    private func run(_ rounds: [(encoding: String, bound: Double?, measured: Double?, clamped: Int?)]) -> RunRecords {
        let records = rounds.enumerated().map { index, round in
            var record = Samples.record(index + 1)
            (record.encoding, record.errorBound) = (round.encoding, round.bound)
            (record.errorMeasured, record.clampedDigits) = (round.measured, round.clamped)
            return record
        }
        let description = Samples.description(arm: .smpc, encoding: "9")
        return RunRecords(
            directory: "metrics/smpc", summary: Samples.summary(records, description), rounds: records)
    }

    private var plain: RunRecords { Samples.run(.normal, hashes: ["a"], encoding: "float32") }

    @Test func exactAndFloatRunsHaveNone() {
        #expect(RoundingError(Samples.run(.smpc, hashes: ["a"])) == nil)
        #expect(RoundingError(run([("exact", 0, 0, 0)])) == nil)
        #expect(RoundingError(plain) == nil)
    }

    @Test func theFirstRoundDoesNotCountForTheEncodingOfTheRun() throws {
        let error = try #require(
            RoundingError(run([("32", 0.5, 1e-7, 0), ("9", 0.02, 0.001, 0), ("9", 0.01, 0.002, 0)])))
        #expect(error.boundMax == 0.02 && error.measuredMax == 0.002 && error.shareMax == 0.2)
        #expect(error.isMeasured && error.exceeded == [])
        #expect(
            error.words("The mean") == "The mean was off by 0.0020 at most in a coordinate, where the bound is 0.020: "
                + "never by more than 20 % of the round's own bound.")
    }

    @Test func aRunOfFirstRoundsAloneIsJudgedByThem() throws {
        let error = try #require(RoundingError(run([("32", 0.5, nil, nil)])))
        #expect(error.boundMax == 0.5)
        #expect(
            error.words("The mean")
                == "The mean can be off by 0.50 in a coordinate, no more. The error itself was not measured.")
    }

    @Test(arguments: [(Int?.none, [2]), (0, [2]), (1, [])])
    func anErrorAboveItsBoundIsExcusedByClampedDigitsOnly(clamped: Int?, exceeded: [Int]) throws {
        let error = try #require(RoundingError(run([("9", 0.02, 0.01, 0), ("9", 0.01, 0.011, clamped)])))
        #expect(error.exceeded == exceeded)
        #expect(
            error.words("The mean").contains(
                exceeded.isEmpty ? "1 digits were clamped" : "MORE than its bound in 1 of 2 rounds (2)"))
    }

    @Test func anErrorThatIsNoNumberExceedsEveryBound() throws {
        #expect(try #require(RoundingError(run([("9", 1, .nan, 0)]))).exceeded == [1])
    }

    @Test func theReportSaysWhatRoundingCost() {
        let kept = ReportWords(report: RunReport([plain, run([("9", 0.02, 0.001, 0)])]))
        #expect(kept.headline == "Updates were rounded: the measured error stayed below its bound in all 1 rounds")
        #expect(kept.mood == "good")
        #expect(kept.cost[1].hasPrefix("Rounding: the decoded mean was off by 0.0010 at most"))
        let unmeasured = ReportWords(report: RunReport([plain, run([("9", 0.02, nil, nil)])]))
        #expect(
            unmeasured.headline == "Updates were rounded: a coordinate of the mean can be off by 0.020, no more")
        #expect(unmeasured.mood == "plain")
        let broken = ReportWords(report: RunReport([plain, run([("9", 0.02, 0.03, 0)])]))
        #expect(broken.headline == "A measured error EXCEEDS its bound" && broken.mood == "bad")
        let clamped = ReportWords(report: RunReport([plain, run([("9", 0.02, 0.03, 7)])]))
        #expect(clamped.headline.hasSuffix("some of their digits clamped") && clamped.mood == "plain")
    }

    @Test func boundAndErrorAreDrawnOnALogarithmicAxis() throws {
        let report = RunReport([plain, run([("32", 0.5, 0, 0), ("9", 0.02, 0.001, 0), ("9", 0.01, nil, nil)])])
        let picture = try #require(report.pictures.first { $0.name == "error" })
        #expect(
            picture.chart.table.rows == [
                ["1", "0", "0.50"], ["2", "0.0010", "0.020"], ["3", "–", "0.010"],
            ])
        #expect(picture.file().contains(">10⁻³<") && picture.file().contains(">10⁻¹<"))
        #expect(RunReport([plain, Samples.run(.smpc, hashes: ["a"])]).pictures.allSatisfy { $0.name != "error" })
    }

    @Test func whoWasMissingIsNamed() {
        var record = Samples.record(1)
        (record.dropouts, record.absent) = (2, ["site-<3>", "site-7"])
        let rounds = RunRecords(directory: "d", summary: Samples.summary([record]), rounds: [record])
        let report = RunReport([rounds])
        #expect(ReportWords(report: report).dropouts == ["Plain: 2 in round 1 (site-<3>, site-7)."])
        #expect(report.pictures[0].file().contains("2 of 11 missing: site-&lt;3&gt;, site-7"))
        #expect(report.roundsCSV.contains("site-<3> site-7"))
    }

    @Test(arguments: [
        (0.0, "0"), (1.0, "1.0"), (0.00271, "0.0027"), (9.96, "10"), (-0.5, "-0.50"), (.infinity, "inf"), (123, "123"),
        (2.71e-5, "2.7e-5"), (0.000999, "0.0010"), (31_400, "3.1e4"), (1e-305, "1e-305"), (.nan, "nan"),
    ]) func powersOfTenAreShort(value: Double, expected: String) {
        #expect(NumberText.significant(value) == expected)
    }

    @Test(arguments: [(0.0, "0 %"), (0.5, "50 %"), (0.0123, "1.2 %"), (0.00012, "0.012 %"), (1, "100 %")])
    func sharesHaveTwoDigits(value: Double, expected: String) {
        #expect(NumberText.share(value) == expected)
    }
}
