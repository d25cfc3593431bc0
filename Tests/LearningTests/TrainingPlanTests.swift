// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Learning

/// The expected values were made in Python from `hashlib`, `hmac` and `openssl enc -aes-128-ctr`.
@Suite struct TrainingPlanTests {
    @Test func seedsAreKnown() {
        let seeds = [
            TrainingPlan.seed(run: 7, part: 3, round: 12), TrainingPlan.partitionSeed(run: 7),
            TrainingPlan.splitSeed(run: 7), TrainingPlan.syntheticSeed(run: 7), TrainingPlan.initialSeed(run: 7),
        ]
        #expect(
            seeds.map(\.hex) == [
                "25ad1519c0823369b593d85981e270b8fa01c1fdc1274b6e0809de63b772668e",
                "d6af7d9e0c68166560b066438ab1137220d0a2ca4540ad7d0df481395f40d35b",
                "9c790ff7ee9441f5127385d6db687be782bb095d5af69fb22feb48fcf8d8ecc8",
                "00ce4af4ec19465bc2d15dd6dd79b0dfdb15ac70430d65424668298131d74eb4",
                "9f2b57f76daca50aa82e14aceda4438a6c707697837c9bfc1b03dc1252f88fa4",
            ])
    }

    @Test func permutationIsKnown() throws {
        let seed = try #require(Digest(bytes: Array(0..<32)))
        var stream = SeededStream(seed: seed, label: "shuffle")
        #expect(stream.permutation(10) == [5, 8, 7, 6, 0, 9, 4, 1, 3, 2])
    }

    @Test func permutationsOfNothingAndOfOneAreThemselves() {
        var stream = SeededStream(seed: .zero, label: "shuffle")
        #expect(stream.permutation(0) == [])
        #expect(stream.permutation(1) == [0])
        #expect(stream.permutation(2000).sorted() == Array(0..<2000), "beyond one refill of the buffer")
    }

    @Test func uniformIntegersCoverTheirRangeEvenly() {
        var stream = SeededStream(seed: .zero, label: "test")
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<7000 {
            counts[stream.uniform(through: 6)] += 1
        }
        // Six standard deviations of a count are 176.
        #expect(counts.allSatisfy { abs($0 - 1000) < 176 })
        #expect(stream.uniform(through: 0) == 0)
    }
}
