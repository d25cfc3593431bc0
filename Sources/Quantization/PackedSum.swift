// SPDX-License-Identifier: MIT

public import FiniteField
public import Primitives

/// What a sum of packed vectors says: its totals, whether it overflowed, and what the next scale follows from.
public struct PackedSum: Sendable, Equatable {
    /// The sum of the weights, N_total.
    public let weight: Int64
    /// The sums of the metrics.
    public let metrics: UpdateMetrics
    /// The first guard that shows an overflow among the digits that it covers; nil when every sum of digits is right.
    ///
    /// An overflow is missed with a probability of about 2^-15 for one digit, and less for several; without one none is seen.
    public let overflowedGuard: Int?
    /// Σ S_k² over each transform block, padding included; they mean nothing after an overflow.
    public let squares: [UInt128]

    /// The sum, canonical.
    let words: [UInt64]
}

extension PackedEncoding {
    /// Reads a sum S, or one X.
    ///
    /// Run this after the check inside the vector held. Everybody finds the same overflow, from S alone.
    ///
    /// - Parameter ctx: the hash of the round.
    /// - Throws: `countMismatch` when the vector has not D elements.
    public func decode(_ sum: Field64Vector, ctx: Digest) throws(QuantizationError) -> PackedSum {
        guard sum.count == layout.count else { throw .countMismatch(expected: layout.count, actual: sum.count) }
        let words = sum.canonicalWords()
        var reader = DigitReader(words, packed: layout.packed, bits: bits, checking: ctx)
        var squares: [UInt128] = []
        for length in blocks {
            var parts: [UInt64] = [0, 0]
            for tile in stride(from: 0, to: length, by: SignedTransform.tile) {
                let count = min(SignedTransform.tile, length - tile)
                reader.next(count)
                reader.addSquares(count, to: &parts)
            }
            squares.append(UInt128(parts[0]) + UInt128(parts[1]) << 32)
        }
        let scalars = sum[layout.weight..<layout.metrics.upperBound].signedValues()
        return PackedSum(
            weight: scalars[0],
            metrics: UpdateMetrics(loss: scalars[1], correct: scalars[2], tested: scalars[3], clipped: scalars[4]),
            overflowedGuard: reader.overflowedGuard, squares: squares, words: words)
    }

    /// Reads the sum of the digits of every transformed coordinate, padding included.
    ///
    /// - Throws: `sumOverflowed`.
    public func digits(of sum: PackedSum) throws(QuantizationError) -> [Int32] {
        try requireUsable(sum)
        var reader = DigitReader(sum.words, packed: layout.packed, bits: bits, checking: nil)
        var digits: [Int32] = []
        for length in blocks {
            for tile in stride(from: 0, to: length, by: SignedTransform.tile) {
                let count = min(SignedTransform.tile, length - tile)
                reader.next(count)
                digits += reader.digits[..<count]
            }
        }
        return digits
    }

    /// Applies a sum to the model in place: y = Float(Double(S_k)·2^e·(weightMax/Double(N))), the inverse transform of each
    /// block, p' = Float(Double(p) + m). The same bits on every processor.
    ///
    /// - Parameter ctx: the hash of the round.
    /// - Throws: `countMismatch`, `sumOverflowed`, `totalWeightNotPositive`; the model is then as before.
    public func apply(_ sum: PackedSum, ctx: Digest, to model: inout [Float]) throws(QuantizationError) {
        guard model.count == parameters.parameterCount else {
            throw .countMismatch(expected: parameters.parameterCount, actual: model.count)
        }
        try requireUsable(sum)
        guard sum.weight > 0 else { throw .totalWeightNotPositive(sum.weight) }
        let ratio = parameters.weightMax / Double(sum.weight)
        var transform = SignedTransform(ctx: ctx)
        var reader = DigitReader(sum.words, packed: layout.packed, bits: bits, checking: nil)
        var offset = 0
        for (index, length) in blocks.enumerated() {
            transform.begin(block: index)
            // Multiplying by 2^e is exact, before or after the ratio.
            let factor = unit(ofBlock: index) * ratio
            for tile in stride(from: 0, to: length, by: SignedTransform.tile) {
                let count = min(SignedTransform.tile, length - tile)
                reader.next(count)
                transform.enter(reader.digits, at: 0, count: count, to: tile, factor: factor)
            }
            let count = min(length, model.count - offset)
            transform.inverse(length: length, addingTo: &model, at: offset, count: count)
            offset += count
        }
    }

    private func requireUsable(_ sum: PackedSum) throws(QuantizationError) {
        guard sum.words.count == layout.count else {
            throw .countMismatch(expected: layout.count, actual: sum.words.count)
        }
        if let index = sum.overflowedGuard { throw .sumOverflowed(guardIndex: index) }
    }
}
