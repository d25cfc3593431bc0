// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Testing

@testable import Simulation

/// The simulator itself: that it can be replayed, that it goes far, and that it keeps what it is given.
@Suite struct SimulationTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func aSeedIsReplayedExactly(seed: UInt64) {
        var first: [String] = []
        var second: [String] = []
        let one = Simulation.run(seed: seed) { first.append($0) }
        let other = Simulation.run(seed: seed) { second.append($0) }
        #expect(one.counts == other.counts)
        #expect(one.violations == other.violations)
        #expect(!first.isEmpty)
        // Instants count from when the machine was started.
        #expect(first.filter { !$0.contains("Instant") } == second.filter { !$0.contains("Instant") })
    }

    @Test func someSeedsReachEveryPart() {
        var counts = RunCounts()
        for seed in 1...40 {
            let outcome = Simulation.run(seed: UInt64(seed))
            #expect(outcome.violations.isEmpty, "seed \(seed): \(outcome.violations)")
            counts.add(outcome.counts)
        }
        #expect(counts.applied > 0)
        #expect(counts.opened > 0)
        #expect(counts.crashes > 0)
        #expect(counts.completed > 0)
    }

    /// What the machines once did wrong: a server that failed at a negative weight, runs that stood still where an epoch
    /// was used up and another one not possible, two statements of a site about one epoch that contradict each other, pings that
    /// never were answered all at once, a peer that came early and was told nothing; and false alarms of the simulator's own:
    /// it blamed whoever goes on from an epoch with too many liars or from a forged sum, and a coordinator that everybody has
    /// left.
    @Test(
        arguments: [
            1_007_566, 1_013_473, 1_011_603, 1_018_811, 1_010_967, 542, 605, 667, 2_001_525, 294, 4_724, 7_118,
        ] as [UInt64])
    func aSeedThatFoundAFaultFindsNoneNow(seed: UInt64) {
        let outcome = Simulation.run(seed: seed)
        #expect(outcome.violations.isEmpty, "\(outcome.violations)")
    }

    @Test func numbersOfASeedAreTheSameEverywhere() {
        var random = SimulationRandom(seed: 1)
        let drawn = (0..<3).map { _ in random.next() }
        var again = SimulationRandom(seed: 1)
        #expect(drawn == (0..<3).map { _ in again.next() })
        var other = SimulationRandom(seed: 1, stream: 1)
        #expect(drawn[0] != other.next())
    }

    @Test func theEarliestEventComesFirstAndEqualOnesInOrder() {
        var heap = EventHeap<Int>()
        var random = SimulationRandom(seed: 9)
        let times = (0..<200).map { _ in Int64(random.below(20)) }
        for (index, time) in times.enumerated() { heap.push(index, at: time) }
        var popped: [(time: Int64, event: Int)] = []
        while let next = heap.pop() { popped.append(next) }
        let expected = times.enumerated().sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
        #expect(popped.map(\.event) == expected.map(\.offset))
        #expect(popped.map(\.time) == expected.map(\.element))
    }

    /// `scripts/simulate.sh --rules` tries them: a build for that is needed.
    @Test func everyRuleHasASeedThatMissesItAndTheDocumentNamesIt() throws {
        #expect(Set(Simulation.noticing.keys) == Set(Rule.allCases))
        let document = try String(contentsOfFile: Self.document, encoding: .utf8).split(separator: "\n").map(
            String.init)
        for (rule, seed) in Simulation.noticing {
            let (removed, text) = Simulation.removal(of: rule)
            #expect(removed.contains(rule))
            #expect(document.contains("| \(text) | \(seed) |"), "docs/TESTING.md has no row for \(text), seed \(seed)")
        }
    }

    private static let document = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/TESTING.md").path

    @Test func thisBuildKeepsItsRules() {
        #expect(!Rule.canBeRemoved)
    }
}
