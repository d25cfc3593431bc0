// SPDX-License-Identifier: MIT

internal import CVectorKernels
public import FiniteField
public import Primitives

/// Adds integer noise to digits before they are clamped and packed: the place that differential privacy will take.
///
/// It changes the elements of `digits` that lie in `range`, the digits of successive transformed coordinates, the first of
/// which is coordinate `first`; blocks count one after the other, padding included. Sums that would leave Int32 must saturate.
/// What noise does to the error bound is its author's to say.
public typealias DigitNoise = (_ digits: inout [Int32], _ range: Range<Int>, _ first: Int) -> Void

/// A participant's vector before check and blind, and what its owner should know of it.
public struct EncodedVector: Sendable, Equatable {
    /// X with zeros where check and blind will stand; `VectorLayout.place` puts them in.
    public let vector: Field64Vector
    /// The weight in the vector.
    public let weight: Int64
    /// The metrics in the vector; `clipped` is 1 when the update was scaled down to the norm, or had too many samples.
    public let metrics: UpdateMetrics
    /// How many digits were clamped, of the packed encodings: they are wrong by more than the error bound says.
    public let clampedDigits: Int
}

extension PackedEncoding {
    /// Clips, weighs, transforms, rounds and packs an update.
    ///
    /// The same update, ctx and seed give the same vector, on every processor: a participant must be able to send it again.
    /// Each digit is rounded up with the probability of its fraction, in steps of 2^-16: the mean over all seeds is wrong by at
    /// most 2^-17 of a digit, and by nothing where the digit's value is 2^7 or more, as Float32 has no more places there. The
    /// random words are XOF(seed, dst `summand/v1 rounding`, binder ctx ‖ u32 block), 16 bits a coordinate.
    ///
    /// - Parameters:
    ///   - delta: local − global, as `ExactEncoding.difference` gives it.
    ///   - samples: how many samples the update was computed from.
    ///   - lossSum, correct, tested: what the participant's test data say of the model it was given.
    ///   - ctx: the hash of the round.
    ///   - seed: 32 secret random bytes, drawn once for this update.
    ///   - noise: added to the digits; none by default.
    /// - Throws: `countMismatch`, `seedLength`; `notFinite` with the first coordinate that is infinite or not a number; what
    ///   `SampleWeight` and `UpdateMetrics` throw.
    public func encode(
        delta: [Float], samples: Int, lossSum: Double, correct: Int, tested: Int, ctx: Digest, seed: SecretBytes,
        noise: DigitNoise? = nil
    ) throws(QuantizationError) -> EncodedVector {
        let weight = try SampleWeight(samples: samples, weightMax: parameters.weightMax)
        let clip = try clipFactor(delta)
        let metrics = try UpdateMetrics(
            lossSum: lossSum, correct: correct, tested: tested, isClipped: clip < 1 || weight.isClipped)
        try parameters.requireWithinLimits(weight: weight.value, metrics: metrics, members: members)
        return try encode(
            delta: delta, factor: Double(weight.value) / parameters.weightMax * clip, weight: weight.value,
            metrics: metrics, ctx: ctx, seed: seed, noise: noise)
    }

    /// What an update is multiplied by so that its L2 norm does not exceed `clip`: 1 where it does not, or there is none.
    ///
    /// - Throws: `notFinite`: squares of finite Float32 cannot overflow a Double.
    private func clipFactor(_ delta: [Float]) throws(QuantizationError) -> Double {
        guard parameters.clip > 0 else { return 1 }
        let norm = exact_squared_norm(delta, delta.count).squareRoot()
        guard norm.isFinite else { throw Self.notFinite(delta, from: 0) }
        return norm > parameters.clip ? parameters.clip / norm : 1
    }

    private static func notFinite(_ delta: [Float], from first: Int) -> QuantizationError {
        .notFinite(coordinate: delta[first...].firstIndex { !$0.isFinite } ?? first)
    }

    private func encode(
        delta: [Float], factor: Double, weight: Int64, metrics: UpdateMetrics, ctx: Digest, seed: SecretBytes,
        noise: DigitNoise?
    ) throws(QuantizationError) -> EncodedVector {
        guard delta.count == parameters.parameterCount else {
            throw .countMismatch(expected: parameters.parameterCount, actual: delta.count)
        }
        guard seed.count == Self.seedBytes else {
            throw .seedLength(expected: Self.seedBytes, actual: seed.count)
        }
        var packer = DigitPacker(bits: bits, bound: digitBound, ctx: ctx, capacity: layout.count)
        var rounding = BlockRounding(ctx: ctx, seed: seed, noise: noise)
        var transform = SignedTransform(ctx: ctx)
        var offset = 0
        for (index, length) in blocks.enumerated() {
            let count = min(length, delta.count - offset)
            transform.begin(block: index)
            guard transform.forward(delta, at: offset, count: count, length: length) == 0 else {
                throw Self.notFinite(delta, from: offset)
            }
            // Without clipping, factors have two significant bits, and this is exact.
            let scale = Float(factor * SignedTransform.forwardFactor(length: length) / unit(ofBlock: index))
            rounding.round(transform.block, index, length: length, scale: scale, into: &packer)
            offset += count
        }
        let clamped = packer.clampedCount
        var words = packer.finish()
        words += Field64Vector(signed: [weight] + metrics.values + [0, 0, 0, 0]).canonicalWords()
        return EncodedVector(
            vector: Field64Vector(unreduced: words), weight: weight, metrics: metrics, clampedDigits: clamped)
    }
}

/// Rounds transformed blocks stochastically, tile by tile, and adds the noise, if any.
private struct BlockRounding: ~Copyable {
    private var stream: NumberedStream
    private let noise: DigitNoise?
    private var random = [UInt64](repeating: 0, count: SignedTransform.tile / 4)
    private var coordinate = 0

    init(ctx: Digest, seed: SecretBytes, noise: DigitNoise?) {
        stream = NumberedStream(seed: seed, domain: "rounding", prefix: ctx.bytes)
        self.noise = noise
    }

    /// Hands the digits of the next block to the packer.
    mutating func round(
        _ block: [Float], _ index: Int, length: Int, scale: Float, into packer: inout DigitPacker
    ) {
        stream.start(index)
        for tile in stride(from: 0, to: length, by: SignedTransform.tile) {
            let count = min(SignedTransform.tile, length - tile)
            stream.read(into: &random)
            packer.append(count: count) { digits, at in
                let saturated = packed_round(&digits, at, block, tile, count, random, scale)
                noise?(&digits, at..<at + count, coordinate)
                return saturated
            }
            coordinate += count
        }
    }
}
