// SPDX-License-Identifier: MIT

public import FiniteField

extension ExactEncoding {
    /// Lays an update out as X, with zeros where check and blind will stand.
    ///
    /// The check is computed over `vectorLayout.checked` of the result; `VectorLayout.place` puts both in.
    ///
    /// - Throws: what `requireWithinLimits` throws.
    public func vector(of update: EncodedUpdate) throws(QuantizationError) -> Field64Vector {
        try requireWithinLimits(update)
        return Field64Vector(signed: update.values + [update.weight] + update.metrics.values + [0, 0, 0, 0])
    }

    /// Lays an update out as X with its check and blind.
    ///
    /// - Parameters:
    ///   - check: t_i of protocol section 7, computed over `vector(of:)`.
    ///   - blind: two uniformly random elements.
    /// - Throws: what `requireWithinLimits` throws; `countMismatch` when the blind has not two elements.
    public func vector(
        of update: EncodedUpdate, check: Field64Extension, blind: [UInt64]
    ) throws(QuantizationError) -> Field64Vector {
        var vector = try vector(of: update)
        try parameters.vectorLayout.place(check: check, blind: blind, in: &vector)
        return vector
    }

    /// Reads a sum S, or one X; an element v > (p − 1)/2 stands for v − p.
    ///
    /// - Throws: `countMismatch` when the vector has not D elements.
    public func decode(_ vector: Field64Vector) throws(QuantizationError) -> EncodedUpdate {
        let layout = parameters.vectorLayout
        guard vector.count == layout.count else {
            throw .countMismatch(expected: layout.count, actual: vector.count)
        }
        let values = vector[layout.checked].signedValues()
        let metrics = values[layout.metrics]
        let first = metrics.startIndex
        return EncodedUpdate(
            values: Array(values[layout.packed]), weight: values[layout.weight],
            metrics: UpdateMetrics(
                loss: metrics[first], correct: metrics[first + 1], tested: metrics[first + 2],
                clipped: metrics[first + 3]))
    }

    /// Applies a decoded sum to the model; in a closing round nothing changes.
    ///
    /// - Throws: `countMismatch`, `totalWeightNotPositive`.
    public func apply(_ sum: EncodedUpdate, to model: [Float]) throws(QuantizationError) -> [Float] {
        parameters.kind == .closing
            ? model : try apply(sum: sum.values, totalWeight: sum.weight, to: model)
    }
}
