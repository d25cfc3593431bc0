// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Quantization

/// A hundred runs of a few rounds each, as participants and decoders live them: first in 32 bits, then with scales that follow
/// from the sums, with overflows and their repetitions.
@Suite struct SeededRunTests {
    private static let runs = 100
    private static let rounds = 4
    private static let weightMax = 64.0

    /// What a round was asked to average and gave.
    private struct Round {
        let bound: ErrorBound
        /// Of the decoded mean against the exact one of the clipped updates, by block.
        let errors: [[Double]]
        let clampedDigits: Int
        let isRepetition: Bool
    }

    /// One run: the sizes, weights and updates that its seed draws.
    private struct Run {
        let members: Int
        let count: Int
        let clip: Double
        let rule: ScaleRule
        private let seed: UInt64
        private var random: TestRandom
        private var scale: RoundScale
        private var number = 0

        init(seed: Int, bits: Int) throws {
            self.seed = UInt64(seed * 100 + bits)
            random = TestRandom(seed: self.seed)
            members = 2 + seed % 4
            // One block, one padded, two, three of different lengths.
            count = [256, 200, 300, 1000][seed / 4 % 4]
            clip = seed % 3 == 0 ? 0.5 : 0
            rule = try ScaleRule(bits: bits)
            scale = RoundScale(rule.first(parameterCount: count), isFirst: true)
        }

        /// Updates shrink from round to round, with a jump now and then.
        private mutating func updates() -> [[Float]] {
            let jump: Float = random.next() % 16 == 0 ? 25 : 1
            let magnitude = 0.004 * jump / Float(1 + number)
            return (0..<members).map { _ in
                (0..<count).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-31 * magnitude }
            }
        }

        mutating func next() throws -> Round {
            number += 1
            let updates = updates()
            let samples = updates.map { _ in Int(random.next() % 70) + 1 }
            let (round, after) = try attempt(updates, samples, isRepetition: false)
            scale = after
            if let round { return round }
            try #require(after.isFirst)
            let (again, last) = try attempt(updates, samples, isRepetition: true)
            scale = last
            return try #require(again, "a first round overflowed")
        }

        /// Encodes, sums, decodes and applies; no round when the sum overflowed.
        private func attempt(
            _ updates: [[Float]], _ samples: [Int], isRepetition: Bool
        ) throws -> (Round?, RoundScale) {
            let parameters = try EncodingParameters(
                kind: .training, scale: scale.encoding, clip: clip, weightMax: SeededRunTests.weightMax,
                layout: [0, 0, 0, 0, 0, 0, 0, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) })
            let encoding = try PackedEncoding(parameters, members: members, isFirstRound: scale.isFirst)
            let ctx = LabeledBytes("seeded run").u64(seed).u32(UInt32(number)).u8(scale.isFirst ? 1 : 0).hash
            var sum = Field64Vector(count: parameters.vectorLayout.count)
            var clamped = 0
            for (member, update) in updates.enumerated() {
                let encoded = try encoding.encode(
                    delta: update, samples: samples[member], lossSum: 0, correct: 0, tested: 0, ctx: ctx,
                    seed: testSeed(member + 10 * number))
                clamped += encoded.clampedDigits
                try sum.add(encoded.vector)
            }
            let decoded = try encoding.decode(sum, ctx: ctx)
            let next = RoundScale(rule.next(after: decoded, of: encoding), isFirst: decoded.overflowedGuard != nil)
            guard decoded.overflowedGuard == nil else { return (nil, next) }
            // Added to zero, the mean stays as it was decoded.
            var mean = [Float](repeating: 0, count: count)
            try encoding.apply(decoded, ctx: ctx, to: &mean)
            let exact = SeededRunTests.mean(updates, samples, clip: clip)
            var errors: [[Double]] = []
            for length in encoding.blocks {
                let offset = errors.reduce(0) { $0 + $1.count }
                errors.append((offset..<min(offset + length, count)).map { Double(mean[$0]) - exact[$0] })
            }
            let bound = try encoding.errorBound(of: decoded, participants: members)
            return (
                Round(bound: bound, errors: errors, clampedDigits: clamped, isRepetition: isRepetition), next
            )
        }
    }

    /// The weighted mean of the clipped updates in Double.
    private static func mean(_ updates: [[Float]], _ samples: [Int], clip: Double) -> [Double] {
        var sums = [Double](repeating: 0, count: updates[0].count)
        var total = 0.0
        for (update, samples) in zip(updates, samples) {
            let weight = Double(roundedToTwoBinaryDigits(min(samples, Int(weightMax))))
            let norm = update.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let factor = clip > 0 && norm > clip ? clip / norm : 1
            for index in sums.indices { sums[index] += weight * factor * Double(update[index]) }
            total += weight
        }
        return sums.map { $0 / total }
    }

    @Test(arguments: [7, 9, 16]) func noErrorExceedsItsBoundInAHundredRuns(bits: Int) throws {
        var (measured, repetitions, clampedRounds) = (0, 0, 0)
        // Of the squares of all errors, in units of what is to be expected at most, and their number.
        var (squares, expected) = (0.0, 0.0)
        for seed in 0..<Self.runs {
            var run = try Run(seed: seed, bits: bits)
            for number in 1...Self.rounds {
                let round = try run.next()
                repetitions += round.isRepetition ? 1 : 0
                guard round.clampedDigits == 0 else {
                    clampedRounds += 1
                    continue
                }
                measured += 1
                for (block, errors) in round.errors.enumerated() {
                    let largest = errors.reduce(0) { max($0, $1.magnitude) }
                    let norm = errors.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    #expect(largest <= round.bound.coordinate, "seed \(seed), round \(number), b = \(bits)")
                    #expect(norm <= round.bound.blocks[block], "seed \(seed), round \(number), b = \(bits)")
                    guard number > 1, !round.isRepetition else { continue }
                    // Relative to what is expected, so that every round counts alike.
                    squares += norm * norm / (round.bound.expected[block] * round.bound.expected[block])
                    expected += Double(errors.count)
                }
            }
        }
        #expect(measured + clampedRounds == Self.runs * Self.rounds)
        // The runs are not so tame that nothing happens, nor so wild that nothing is measured.
        #expect(repetitions > 0 && measured > Self.runs * (Self.rounds - 1))
        // A bound that were far from the errors would show nothing: theirs are what rounding at random makes them.
        #expect(squares > 0.3 * expected && squares < 1.05 * expected, "\(squares / expected)")
    }
}
