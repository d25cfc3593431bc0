// SPDX-License-Identifier: MIT

import Testing

@testable import Reporting

struct NiceScaleTests {
    @Test(arguments: [
        ([0.79, 0.87], [0.78, 0.80, 0.82, 0.84, 0.86, 0.88]), ([0, 10], [0, 2, 4, 6, 8, 10]),
        ([-3, 7], [-4, -2, 0, 2, 4, 6, 8]), ([1, 3], [1, 1.5, 2, 2.5, 3]),
    ]) func ticksAreRoundAndCoverTheValues(values: [Double], expected: [Double]) {
        let ticks = NiceScale(covering: values).ticks
        #expect(ticks.count == expected.count)
        #expect(zip(ticks, expected).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    @Test(
        arguments: [
            [], [0], [5], [-5], [1e-300], [1e14], [.nan], [.infinity, 1], [-.infinity, .nan], [1e300],
            [1e9, 1e9 + 1e-7],
        ] as [[Double]]) func everyInputGivesAnAxis(values: [Double])
    {
        for includingZero in [false, true] {
            let scale = NiceScale(covering: values, includingZero: includingZero)
            #expect((2...12).contains(scale.ticks.count), "\(scale.ticks)")
            #expect(scale.ticks.allSatisfy(\.isFinite) && scale.step > 0 && scale.lower < scale.upper)
            for value in values where value.isFinite && abs(value) < 1e15 {
                #expect((-1e-6...1 + 1e-6).contains(scale.fraction(value)))
            }
        }
    }

    @Test func equalValuesAreNotBlownUp() {
        let scale = NiceScale(covering: [0.8697, 0.8697], spanMin: 0.01)
        #expect(scale.upper - scale.lower >= 0.01)
    }

    @Test func barsBeginAtZero() {
        #expect(NiceScale(covering: [400, 1600], includingZero: true).lower == 0)
        #expect(NiceScale(covering: [0, 0], includingZero: true).lower == 0)
    }

    @Test(
        arguments: [(1, [0, 1]), (3, [0, 1, 2, 3]), (10, [0, 5, 10]), (7, [0, 2, 4, 6, 8])] as [(Double, [Double])])
    func wholeThingsHaveWholeMarks(largest: Double, expected: [Double]) {
        #expect(NiceScale(covering: [largest], steps: 4, includingZero: true, isWhole: true).ticks == expected)
    }

    @Test(arguments: [
        (15, 20, Array(1...15)), (15, 10, [1, 3, 5, 7, 9, 11, 13, 15]), (15, 5, [1, 5, 10, 15]), (1, 9, [1]),
        (0, 9, []),
        (1000, 6, [1, 200, 400, 600, 800, 1000]),
    ]) func roundsAreMarkedEvenly(count: Int, ticksMax: Int, expected: [Int]) {
        #expect(NiceScale.rounds(count, ticksMax: ticksMax) == expected)
    }

    @Test(arguments: [1, 2, 3, 7, 40, 999, 12_345, 1_000_000], [2, 5, 30])
    func roundsFitTheirPlace(count: Int, ticksMax: Int) {
        let marks = NiceScale.rounds(count, ticksMax: ticksMax)
        #expect(marks.first == 1 && marks.count <= ticksMax + 1)
    }

    @Test func ticksShareOneUnit() {
        #expect(
            ValueFormat.bytes.ticks(NiceScale(covering: [1_640_000], steps: 4, includingZero: true))
                == ["0", "0.5 MB", "1.0 MB", "1.5 MB", "2.0 MB"])
        #expect(ValueFormat.percent.ticks(NiceScale(covering: [0.8, 0.9], steps: 2)) == ["80 %", "85 %", "90 %"])
        #expect(ValueFormat.points.ticks(NiceScale(covering: [-0.001, 0.001], steps: 2)) == ["-0.1", "0", "+0.1"])
        #expect(
            ValueFormat.seconds.ticks(NiceScale(covering: [0.4], steps: 2, includingZero: true)) == [
                "0", "200 ms", "400 ms",
            ])
    }
}
