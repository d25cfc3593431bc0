// SPDX-License-Identifier: MIT

import Averaging
import Learning
import Primitives
import Programs
import Quantization

/// Compares what a round made of a model with the exact weighted mean of the updates, which are computed again.
///
/// The error that is measured is that of the mean which the sum decoded to, m. Seen is only the parameter that it was added
/// to, p' = Float(Double(p) + m), and the last rounding may have moved that by half a unit in its last place. What is stated is
///
///     max over coordinates of max(0, |p' − p − mean| − ulp(p')/2),
///
/// the least error of m that explains what is seen: it never exceeds the largest |m − mean|, and falls short of it by ulp(p') at
/// the most, 2^-24 for parameters below 1. `ErrorBound` bounds |m − mean|, so that the two numbers compare as they stand.
struct RoundMeasurement: Equatable, Sendable {
    /// The largest error of a coordinate of the mean; 0 when an exact round was reproduced to the bit.
    var error: Double
    /// The digits that had to be clamped, for which the bound does not account.
    var clampedDigits: Int
}

/// Everything that one round is measured with.
struct MeasuredRound: Sendable {
    let before: Parameters
    let after: Parameters
    let conditions: KeptModel.Conditions
    let sum: KeptModel.Sum

    /// Measures a round of a packed encoding, or reproduces an exact one.
    ///
    /// - Parameter updates: of all participants, in any order.
    /// - Throws: `ProgramError.verificationFailed` for an exact round that comes out otherwise, `QuantizationError`.
    func measure(_ updates: [TrainedUpdate], number: Int) throws -> RoundMeasurement {
        let parameters = try EncodingParameters(
            kind: .training, scale: EncodingScale(bits: sum.bits, exponents: sum.exponents), clip: conditions.clip,
            weightMax: conditions.weightMax, layout: before.layout.bytes)
        switch try VectorEncoding(parameters, members: sum.members, isFirstRound: sum.isFirst) {
        case .exact(let encoding):
            try reproduce(updates, encoding, number: number)
            return RoundMeasurement(error: 0, clampedDigits: 0)
        case .packed(let encoding):
            return RoundMeasurement(
                error: error(of: try exactMean(updates, parameters)), clampedDigits: try clamped(updates, encoding))
        }
    }

    /// The weighted mean of the clipped updates in binary64, weighed as the protocol weighs.
    func exactMean(_ updates: [TrainedUpdate], _ parameters: EncodingParameters) throws(QuantizationError) -> [Double] {
        var sums = [Double](repeating: 0, count: before.values.count)
        var total = 0.0
        for update in updates {
            let weight = Double(
                try SampleWeight(samples: update.samples, weightMax: parameters.weightMax).value)
            let factor = weight * Self.clipFactor(update.delta, norm: parameters.clip)
            for index in sums.indices { sums[index] += factor * Double(update.delta[index]) }
            total += weight
        }
        guard total > 0 else { throw .totalWeightNotPositive(0) }
        return sums.map { $0 / total }
    }

    /// The largest error of the mean that was applied, as the type describes it; not a number if a parameter is none.
    func error(of mean: [Double]) -> Double {
        var largest = 0.0
        for (index, mean) in mean.enumerated() {
            let (p, q) = (before.values[index], after.values[index])
            let seen = (Double(q) - Double(p) - mean).magnitude - Double(q.ulp) / 2
            guard !seen.isNaN else { return .nan }
            largest = max(largest, seen)
        }
        return largest
    }

    private static func clipFactor(_ delta: [Float], norm limit: Double) -> Double {
        guard limit > 0 else { return 1 }
        let norm = delta.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        return norm > limit ? limit / norm : 1
    }

    /// Encodes the updates again and counts clamped digits. What each participant drew for its rounding is its secret; another
    /// draw counts the same but for digits within 1 of their limit, whose error stays below 1 in either case, as the bound has it.
    private func clamped(_ updates: [TrainedUpdate], _ encoding: PackedEncoding) throws -> Int {
        guard let ctx = Hexadecimal.decode(sum.ctx).flatMap({ Digest(bytes: $0) }) else {
            throw ProgramError(.failed, "the hash of the round in a kept model cannot be read")
        }
        let seed = SecretBytes([UInt8](repeating: 0, count: PackedEncoding.seedBytes))
        return try updates.reduce(0) { count, update in
            try count
                + encoding.encode(
                    delta: update.delta, samples: update.samples, lossSum: 0, correct: 0, tested: 0, ctx: ctx,
                    seed: seed
                ).clampedDigits
        }
    }

    /// Sums an exact round again, which must lead to the same bits.
    private func reproduce(_ updates: [TrainedUpdate], _ encoding: ExactEncoding, number: Int) throws {
        var total = ExactSum(encoding)
        for update in updates {
            try total.add(
                try encoding.encode(
                    delta: update.delta, samples: update.samples, lossSum: 0, correct: 0, tested: 0))
        }
        let values = try encoding.apply(total.total, to: before.values)
        guard try Parameters(layout: before.layout, values: values).hash == after.hash else {
            throw ProgramError(
                .verificationFailed, "the updates, trained again, do not sum to the model after it",
                subject: "round \(number)",
                remedy: "measure with the data, partition, parts and kind of processor of the run")
        }
    }
}
