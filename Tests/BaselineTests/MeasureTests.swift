// SPDX-License-Identifier: MIT

import FiniteField
import Learning
import Primitives
import Programs
import Quantization
import Testing

@testable import Averaging
@testable import Baseline

/// Single rounds, without a run around them; `FederationTests` measures real ones.
@Suite struct MeasureTests {
    private let spec: ModelSpec
    private let before: Parameters
    private let ctx = LabeledBytes("measured").hash

    init() throws {
        spec = try ModelSpec(parsing: "softmax:20-10")
        before = try RunSeeds(seed: 3).initialParameters(of: spec)
    }

    private func conditions(clip: Double = 0) -> KeptModel.Conditions {
        KeptModel.Conditions(
            model: spec.description, seed: 3, optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 8,
            localEpochs: 1, clip: clip, weightMax: 64)
    }

    private func updates(magnitude: Float = 0.01) -> [TrainedUpdate] {
        (1...3).map { index in
            let delta = (0..<spec.layout.count).map { (coordinate: Int) -> Float in
                let step = (coordinate * index + coordinate / 7) % 23 - 11
                return Float(step) * magnitude
            }
            return TrainedUpdate(delta: delta, samples: 5 << index, evaluation: Evaluation())
        }
    }

    /// What a round of these updates leads to, and its bound.
    private func round(
        bits: UInt8, exponent: Int32 = -14, clip: Double = 0, _ updates: [TrainedUpdate]
    ) throws -> (round: MeasuredRound, bound: Double) {
        let scale = bits == 63 ? .exact : EncodingScale(bits: bits, exponents: [exponent])
        let parameters = try EncodingParameters(
            kind: .training, scale: scale, clip: clip, weightMax: 64, layout: spec.layout.bytes)
        let encoding = try VectorEncoding(parameters, members: 3)
        var sum = Field64Vector(count: parameters.vectorLayout.count)
        for update in updates {
            let encoded = try encoding.encode(
                delta: update.delta, samples: update.samples, lossSum: 0, correct: 0, tested: 0, ctx: ctx,
                seed: SecretBytes(randomCount: 32))
            try sum.add(encoded.vector)
        }
        let decoded = try encoding.decode(sum, ctx: ctx)
        var values = before.values
        try encoding.apply(decoded, ctx: ctx, to: &values)
        var bound = 0.0
        if case (.packed(let encoding), .packed(let sum)) = (encoding, decoded) {
            bound = try encoding.errorBound(of: sum, participants: 3).coordinate
        }
        let kept = KeptModel.Sum(
            ctx: ctx.hex, bits: bits, exponents: scale.exponents, isFirst: false, members: 3, participants: [])
        let after = try Parameters(layout: before.layout, values: values)
        return (MeasuredRound(before: before, after: after, conditions: conditions(clip: clip), sum: kept), bound)
    }

    @Test(arguments: [0, 0.25]) func theErrorOfARoundIsWithinItsBound(clip: Double) throws {
        let (round, bound) = try round(bits: 16, clip: clip, updates())
        let measured = try round.measure(updates(), number: 1)
        #expect(measured.error <= bound && measured.error > bound / 1000)
        #expect(measured.clampedDigits == 0)
        // Without clipping where there was some, and the reverse, the means differ by far more.
        let other = MeasuredRound(
            before: before, after: round.after, conditions: conditions(clip: clip == 0 ? 0.25 : 0), sum: round.sum)
        #expect(try other.measure(updates(), number: 1).error > 10 * bound)
    }

    @Test func whatIsAddedToOneParameterIsFound() throws {
        let (round, bound) = try round(bits: 16, updates())
        var values = round.after.values
        values[77] += Float(2 * bound)
        let changed = MeasuredRound(
            before: before, after: try Parameters(layout: before.layout, values: values), conditions: round.conditions,
            sum: round.sum)
        #expect(try changed.measure(updates(), number: 1).error > bound)
    }

    @Test func onlyTheLastRoundingIsAllowedFor() throws {
        let (round, _) = try round(bits: 63, updates())
        let mean = try round.exactMean(
            updates(),
            EncodingParameters(kind: .training, scale: .exact, weightMax: 64, layout: spec.layout.bytes))
        // The exact encoding is wrong by 2^-41 for each participant.
        #expect(round.error(of: mean) < 0x1p-38)
        let moved = mean.indices.map { mean[$0] + Double(round.after.values[$0].ulp) * 1.5 }
        #expect(round.error(of: moved) > 0)
        #expect(round.error(of: [.nan] + mean.dropFirst()).isNaN)
    }

    @Test func anExactRoundComesOutToTheBitOrNotAtAll() throws {
        let (round, _) = try round(bits: 63, updates())
        #expect(try round.measure(updates(), number: 1) == RoundMeasurement(error: 0, clampedDigits: 0))
        #expect(try round.measure(updates().reversed(), number: 1).error == 0)
        var values = round.after.values
        values[5] = values[5].nextUp
        let changed = MeasuredRound(
            before: before, after: try Parameters(layout: before.layout, values: values), conditions: round.conditions,
            sum: round.sum)
        #expect(throws: ProgramError.self) { try changed.measure(updates(), number: 1) }
    }

    @Test func clampedDigitsAreCounted() throws {
        // Digits of up to 2^8, where 63 is the largest.
        let (round, bound) = try round(bits: 7, exponent: -9, Array(updates(magnitude: 0.1).prefix(1)))
        let measured = try round.measure(Array(updates(magnitude: 0.1).prefix(1)), number: 1)
        #expect(measured.clampedDigits > 50)
        #expect(measured.error > bound)
    }
}
