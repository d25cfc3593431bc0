// SPDX-License-Identifier: MIT

import FiniteField
import Learning
import Primitives
import Quantization

/// One training round of a quantised run (`--plain quantised`), as server and clients compute it alike: the vectors of the
/// secure arm's packed encoding, in the clear.
///
/// What differs is what secrecy costs: there is no mask, no helper sends a vector, and of D elements the last four, check
/// and blind, are not there. Weight and metrics are, so that a vector says all that an update says.
package struct QuantisedRound: Sendable {
    package let digits: RoundDigits
    private let encoding: PackedEncoding
    /// Rounding and signs are drawn for this round alone, as in the secure arm.
    private let ctx: Digest

    /// Describes the round with this number that starts from the parameters `base`.
    ///
    /// - Throws: `QuantizationError` for a scale that does not belong to the model.
    package init(
        _ configuration: AveragingConfiguration, number: Int, base: Digest, digits: RoundDigits
    ) throws(QuantizationError) {
        let parameters = try EncodingParameters(
            kind: .training, scale: digits.scale.encoding, clip: configuration.clip,
            weightMax: configuration.weightMax, layout: configuration.model.layout.bytes)
        encoding = try PackedEncoding(parameters, members: digits.clients, isFirstRound: digits.scale.isFirst)
        self.digits = digits
        ctx =
            LabeledBytes("plain round").variable(configuration.run).u64(UInt64(number)).fixed(base)
            .fixed(parameters.encodingHash).u8(digits.scale.isFirst ? 1 : 0).hash
    }

    /// The elements that travel: packed ones with their guards, weight, metrics.
    package var elements: Int { encoding.parameters.vectorLayout.checked.count }

    /// Encodes an update.
    ///
    /// - Parameters:
    ///   - update: local − global, not clipped yet.
    ///   - seed: 32 secret random bytes, drawn once for this update.
    /// - Returns: the bytes of `elements` elements.
    package func encode(_ update: TrainedUpdate, seed: SecretBytes) throws(QuantizationError) -> [UInt8] {
        let tested = update.evaluation
        let encoded = try encoding.encode(
            delta: update.delta, samples: update.samples, lossSum: tested.lossSum, correct: tested.correct,
            tested: tested.tested, ctx: ctx, seed: seed)
        return encoded.vector.littleEndianBytes(of: 0..<elements)
    }

    /// Reads a vector, or a sum of vectors, from the bytes of `elements` elements.
    ///
    /// - Throws: `InvalidAveragingMessage` for another number of bytes, or an element that is none.
    package func vector(_ bytes: [UInt8], of message: String) throws(InvalidAveragingMessage) -> Field64Vector {
        guard bytes.count == Field64.byteCount * elements else {
            throw .length(
                message: message, field: "elements", expected: Field64.byteCount * elements, actual: bytes.count)
        }
        guard var vector = try? Field64Vector(littleEndianBytes: bytes) else {
            throw .range(message: message, field: "elements")
        }
        vector.append(Field64Vector(count: encoding.parameters.vectorLayout.count - elements))
        return vector
    }

    /// Writes the elements of a vector that travel.
    package func bytes(of vector: Field64Vector) -> [UInt8] { vector.littleEndianBytes(of: 0..<elements) }

    /// A vector of zeros, to sum others in.
    package var zero: Field64Vector { Field64Vector(count: encoding.parameters.vectorLayout.count) }

    /// Reads what a vector or a sum says.
    ///
    /// - Throws: `countMismatch`.
    package func decode(_ vector: Field64Vector) throws(QuantizationError) -> PackedSum {
        try encoding.decode(vector, ctx: ctx)
    }

    /// Applies a decoded sum to a model: the same bits everywhere.
    ///
    /// - Throws: `sumOverflowed`, `totalWeightNotPositive`, `countMismatch`.
    package func apply(_ sum: PackedSum, to model: [Float]) throws(QuantizationError) -> [Float] {
        var values = model
        try encoding.apply(sum, ctx: ctx, to: &values)
        return values
    }

    /// How far any coordinate of the mean may be off where no digit was clamped.
    package func errorBound(_ sum: PackedSum, clients: Int) throws(QuantizationError) -> Double {
        try encoding.errorBound(of: sum, participants: clients).coordinate
    }

    /// The scale of the round after this one.
    package func scale(after sum: PackedSum, by rule: ScaleRule) -> RoundScale {
        RoundScale(rule.next(after: sum, of: encoding), isFirst: sum.overflowedGuard != nil)
    }
}

extension AveragingConfiguration {
    /// How the scales of a quantised run follow from its sums; nil for other runs.
    package func scaleRule() throws(QuantizationError) -> ScaleRule? {
        guard let bits else { return nil }
        return try ScaleRule(bits: bits)
    }

    /// The scale of the first round of a quantised run, and of the repetition after an overflow; exact for other runs.
    package func firstScale() throws(QuantizationError) -> RoundScale {
        guard let rule = try scaleRule() else { return .exact }
        return RoundScale(rule.first(parameterCount: model.layout.count), isFirst: true)
    }
}
