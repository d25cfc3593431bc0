// SPDX-License-Identifier: MIT

public import FiniteField
public import Primitives

/// The encoding of any round, exact or packed: updates become vectors over the field, the sum of those becomes the next model.
public enum VectorEncoding: Sendable, Hashable {
    /// Integers in units of 2^-40.
    case exact(ExactEncoding)
    /// Several small integers in one element.
    case packed(PackedEncoding)

    /// Takes the encoding of a round of an epoch of `members` members.
    ///
    /// - Parameter isFirstRound: whether a packed round is the first of its run, or the repetition after an overflow.
    /// - Throws: what the initializers of `ExactEncoding` and `PackedEncoding` throw.
    public init(
        _ parameters: EncodingParameters, members: Int, isFirstRound: Bool = false
    ) throws(QuantizationError) {
        self =
            parameters.scale.bits == EncodingScale.exactBits
            ? .exact(try ExactEncoding(parameters, members: members))
            : .packed(try PackedEncoding(parameters, members: members, isFirstRound: isFirstRound))
    }

    /// What the members agreed on.
    public var parameters: EncodingParameters {
        switch self {
        case .exact(let encoding): encoding.parameters
        case .packed(let encoding): encoding.parameters
        }
    }

    /// Encodes an update for a training round; the same update, ctx and seed give the same vector.
    ///
    /// - Parameters:
    ///   - delta: local − global, as `ExactEncoding.difference` gives it.
    ///   - samples: how many samples the update was computed from.
    ///   - lossSum, correct, tested: what the participant's test data say of the model it was given.
    ///   - ctx: the hash of the round; the exact encoding does not depend on it.
    ///   - seed: 32 secret random bytes, drawn once for this update; the exact encoding does not use them.
    /// - Throws: what `ExactEncoding.encode` and `PackedEncoding.encode` throw.
    public func encode(
        delta: [Float], samples: Int, lossSum: Double, correct: Int, tested: Int, ctx: Digest, seed: SecretBytes
    ) throws(QuantizationError) -> EncodedVector {
        switch self {
        case .exact(let encoding):
            let update = try encoding.encode(
                delta: delta, samples: samples, lossSum: lossSum, correct: correct, tested: tested)
            return EncodedVector(
                vector: try encoding.vector(of: update), weight: update.weight, metrics: update.metrics,
                clampedDigits: 0)
        case .packed(let encoding):
            return try encoding.encode(
                delta: delta, samples: samples, lossSum: lossSum, correct: correct, tested: tested, ctx: ctx,
                seed: seed)
        }
    }

    /// Reads a sum, after the check inside it held.
    ///
    /// - Throws: `countMismatch` when the vector has not D elements.
    public func decode(_ sum: Field64Vector, ctx: Digest) throws(QuantizationError) -> VectorSum {
        switch self {
        case .exact(let encoding): .exact(try encoding.decode(sum))
        case .packed(let encoding): .packed(try encoding.decode(sum, ctx: ctx))
        }
    }

    /// Applies a sum that this encoding decoded to the model in place, the same bits everywhere; in a closing round nothing
    /// changes.
    ///
    /// - Throws: `countMismatch`, `sumOverflowed`, `totalWeightNotPositive`; `encodingNotAvailable` for the sum of another
    ///   encoding. The model is then as before.
    public func apply(_ sum: VectorSum, ctx: Digest, to model: inout [Float]) throws(QuantizationError) {
        switch (self, sum) {
        case (.exact(let encoding), .exact(let sum)): model = try encoding.apply(sum, to: model)
        case (.packed(let encoding), .packed(let sum)): try encoding.apply(sum, ctx: ctx, to: &model)
        default: throw .encodingNotAvailable(bits: Int(parameters.scale.bits))
        }
    }
}

/// A sum of vectors, decoded.
public enum VectorSum: Sendable, Equatable {
    /// Of exact vectors, which cannot overflow.
    case exact(EncodedUpdate)
    /// Of packed ones.
    case packed(PackedSum)

    /// The sum of the weights.
    public var weight: Int64 {
        switch self {
        case .exact(let sum): sum.weight
        case .packed(let sum): sum.weight
        }
    }

    /// The sums of the metrics, among them how many participants were clipped.
    public var metrics: UpdateMetrics {
        switch self {
        case .exact(let sum): sum.metrics
        case .packed(let sum): sum.metrics
        }
    }

    /// The first guard that shows an overflow; nil when the sum can be applied.
    public var overflowedGuard: Int? {
        switch self {
        case .exact: nil
        case .packed(let sum): sum.overflowedGuard
        }
    }
}
