// SPDX-License-Identifier: MIT

import Testing

@testable import Reporting

struct ComparisonTests {
    @Test func equalHashesAreIdentical() {
        let comparison = Comparison(Samples.run(.normal, hashes: ["a", "c"]), Samples.run(.smpc, hashes: ["a", "c"]))
        #expect(comparison.verdict == .identical)
        #expect(comparison.unequalConditions == [])
    }

    @Test func aDifferentRoundIsNamed() {
        let comparison = Comparison(
            Samples.run(.normal, hashes: ["a", "c", "a"]), Samples.run(.smpc, hashes: ["a", "d", "a"]))
        #expect(comparison.verdict == .different(rounds: [2]))
        #expect(ComparisonTable(comparison).text.contains("DIFFERENT in 1 of 3 rounds (2)"))
    }

    @Test func aDifferenceCountsAlsoWhenOneRunIsShorter() {
        let comparison = Comparison(Samples.run(.normal, hashes: ["a", "c"]), Samples.run(.smpc, hashes: ["d"]))
        #expect(comparison.verdict == .different(rounds: [1]))
    }

    @Test func aShorterRunIsIncomplete() {
        let comparison = Comparison(Samples.run(.normal, hashes: ["a", "c"]), Samples.run(.smpc, hashes: ["a"]))
        #expect(comparison.verdict == .incomplete)
        #expect(comparison.rounds[1].identical == nil)
    }

    @Test func runsWithoutRoundsProveNothing() {
        #expect(
            Comparison(Samples.run(.normal, hashes: []), Samples.run(.smpc, hashes: [])).verdict == .incomplete)
    }

    @Test func otherEncodingsAreNotHeldToEqualHashes() {
        let comparison = Comparison(
            Samples.run(.normal, hashes: ["a"], encoding: "float32"), Samples.run(.smpc, hashes: ["d"]))
        #expect(comparison.verdict == .notExact)
    }

    @Test func unequalConditionsAreSaid() {
        let comparison = Comparison(
            Samples.run(.normal, hashes: ["a"], seed: 1), Samples.run(.smpc, hashes: ["a"], seed: 2))
        #expect(comparison.unequalConditions == ["seed"])
        #expect(ComparisonTable(comparison).text.contains("warning: the runs differ in seed"))
    }

    @Test func theTableAlignsItsColumns() {
        let comparison = Comparison(Samples.run(.normal, hashes: ["a"]), Samples.run(.smpc, hashes: ["a"]))
        let lines = ComparisonTable(comparison).text.split(separator: "\n", omittingEmptySubsequences: false)
        let header = lines[0]
        #expect(header.hasSuffix("         normal            smpc  smpc/normal"))
        let accuracy = lines.first { $0.hasPrefix("accuracy ") }
        #expect(accuracy?.count == header.count)
        #expect(accuracy?.hasSuffix("87.50 %         87.50 %        1.000") == true)
        #expect(lines.contains { $0.hasPrefix("1    ") && $0.hasSuffix("aaaaaaaaaaaaaaaa         yes") })
    }

    @Test func theJSONFormCarriesTheVerdict() throws {
        let comparison = Comparison(Samples.run(.normal, hashes: ["a", "c"]), Samples.run(.smpc, hashes: ["a", "d"]))
        let json = try ComparisonTable(comparison).json()
        #expect(json.contains("\"identical_per_round\":[true,false]"))
        #expect(json.contains("\"verdict\":\"different\""))
        #expect(!json.contains("\n"))
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (1.005, 1, "1.0"), (-0.126, 2, "-0.13"), (12.0, 0, "12"), (0.05, 1, "0.1"),
        (-0.001, 2, "0.00"), (Double.infinity, 2, "inf"),
    ]) func fixedDecimals(value: Double, decimals: Int, expected: String) {
        #expect(NumberText.fixed(value, decimals) == expected)
    }

    @Test func numbersForPeople() {
        #expect(NumberText.grouped(101_770) == "101,770")
        #expect(NumberText.grouped(-1_000) == "-1,000")
        #expect(NumberText.grouped(999) == "999")
        #expect(NumberText.bytes(999) == "999 B")
        #expect(NumberText.bytes(814_232) == "814.23 kB")
        #expect(NumberText.seconds(0.25) == "250 ms")
        #expect(NumberText.seconds(125) == "2 min 5 s")
    }
}
