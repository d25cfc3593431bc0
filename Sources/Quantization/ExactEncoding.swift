// SPDX-License-Identifier: MIT

internal import CVectorKernels

/// The exact encoding (b = 63 of protocol section 8): integers in units of 2^-40, whose sum does not depend on the order and
/// is applied with the same bits everywhere.
///
/// Both arms use it, the plain one by `ExactSum`, the secure one by vectors over the field, and get the same parameters.
public struct ExactEncoding: Sendable, Hashable {
    /// The bound of every sum, 2^62 − 1: integers and field elements hold it with room to spare.
    public static let sumLimit: Int64 = 1 << 62 - 1

    /// What the members agreed on.
    public let parameters: EncodingParameters
    /// n, the members of the epoch, of whom every bound leaves room for the sum.
    public let members: Int

    /// Takes an encoding for an epoch of `members` members.
    ///
    /// - Throws: `encodingNotAvailable` for packed encodings, `tooManyUpdates` when there is no member.
    public init(_ parameters: EncodingParameters, members: Int) throws(QuantizationError) {
        guard parameters.scale == .exact else {
            throw .encodingNotAvailable(bits: Int(parameters.scale.bits))
        }
        guard members > 0 else { throw .tooManyUpdates(members: members) }
        self.parameters = parameters
        self.members = members
    }

    /// The bound of one participant's integers, ⌊(2^62 − 1)/n⌋.
    public var limit: Int64 { Self.sumLimit / Int64(members) }

    /// Parameters that the vectors of the round have: all of the model's, or none in a closing round.
    public var valueCount: Int { parameters.kind == .closing ? 0 : parameters.parameterCount }

    /// Computes local − global in Float32, one rounding each.
    ///
    /// - Throws: `countMismatch`.
    public static func difference(local: [Float], global: [Float]) throws(QuantizationError) -> [Float] {
        guard local.count == global.count else {
            throw .countMismatch(expected: global.count, actual: local.count)
        }
        var result = [Float](repeating: 0, count: local.count)
        exact_difference(&result, local, global, local.count)
        return result
    }

    /// Scales an update down to the L2 norm `clip`; says whether it had to. Without a clipping norm it stays as it is.
    public func clipped(_ delta: [Float]) -> (delta: [Float], isClipped: Bool) {
        guard parameters.clip > 0 else { return (delta, false) }
        let norm = exact_squared_norm(delta, delta.count).squareRoot()
        guard norm > parameters.clip else { return (delta, false) }
        var scaled = delta
        exact_scale(&scaled, scaled.count, parameters.clip / norm)
        return (scaled, true)
    }

    /// Computes Z = rint(Double(x)·w·2^40), ties to even, with w = weight/weightMax.
    ///
    /// - Throws: `countMismatch`; `notFinite` or `outOfRange` with the first coordinate that cannot be encoded.
    public func quantize(delta: [Float], weight: SampleWeight) throws(QuantizationError) -> [Int64] {
        guard delta.count == valueCount else {
            throw .countMismatch(expected: valueCount, actual: delta.count)
        }
        var values = [Int64](repeating: 0, count: delta.count)
        let factor = Double(weight.value) / parameters.weightMax
        let refused = exact_quantize(&values, delta, delta.count, factor, limitAsDouble)
        guard refused > 0, let coordinate = values.firstIndex(of: .min) else { return values }
        throw delta[coordinate].isFinite
            ? .outOfRange(coordinate: coordinate, limit: limit) : .notFinite(coordinate: coordinate)
    }

    /// Clips, weighs and quantizes an update, with the metrics of the model it was computed from.
    ///
    /// - Parameters:
    ///   - delta: local − global, as `difference` gives it.
    ///   - samples: how many samples the update was computed from.
    ///   - lossSum, correct, tested: what the participant's test data say of the model it was given.
    /// - Throws: what `quantize`, `SampleWeight` and `UpdateMetrics` throw.
    public func encode(
        delta: [Float], samples: Int, lossSum: Double, correct: Int, tested: Int
    ) throws(QuantizationError) -> EncodedUpdate {
        let weight = try SampleWeight(samples: samples, weightMax: parameters.weightMax)
        let (clipped, isClipped) = clipped(delta)
        let update = EncodedUpdate(
            values: try quantize(delta: clipped, weight: weight), weight: weight.value,
            metrics: try UpdateMetrics(
                lossSum: lossSum, correct: correct, tested: tested, isClipped: isClipped || weight.isClipped))
        try requireWithinLimits(update)
        return update
    }

    /// Makes the contribution to a closing round: metrics, no weight, no model part.
    public func encodeClosing(
        lossSum: Double, correct: Int, tested: Int
    ) throws(QuantizationError) -> EncodedUpdate {
        let metrics = try UpdateMetrics(lossSum: lossSum, correct: correct, tested: tested, isClipped: false)
        let update = EncodedUpdate(values: [], weight: 0, metrics: metrics)
        try requireWithinLimits(update)
        return update
    }

    /// Applies a sum: p' = Float(Double(p) + Double(S)/2^40·(weightMax/Double(N))), the same bits on every processor.
    ///
    /// - Throws: `countMismatch`, `totalWeightNotPositive`.
    public func apply(
        sum: [Int64], totalWeight: Int64, to parameters: [Float]
    ) throws(QuantizationError) -> [Float] {
        guard sum.count == parameters.count else {
            throw .countMismatch(expected: parameters.count, actual: sum.count)
        }
        guard totalWeight > 0 else { throw .totalWeightNotPositive(totalWeight) }
        var result = [Float](repeating: 0, count: sum.count)
        exact_apply(&result, parameters, sum, sum.count, self.parameters.weightMax / Double(totalWeight))
        return result
    }

    /// Refuses integers that would endanger the sum of `members` such updates.
    ///
    /// - Throws: `countMismatch`, `outOfRange` with the first coordinate, `scalarOutOfRange`.
    public func requireWithinLimits(_ update: EncodedUpdate) throws(QuantizationError) {
        guard update.values.count == valueCount else {
            throw .countMismatch(expected: valueCount, actual: update.values.count)
        }
        if exact_largest_magnitude(update.values, update.values.count) > UInt64(limit),
            let coordinate = update.values.firstIndex(where: { $0.magnitude > UInt64(limit) })
        {
            throw .outOfRange(coordinate: coordinate, limit: limit)
        }
        try parameters.requireWithinLimits(weight: update.weight, metrics: update.metrics, members: members)
    }

    /// The largest Double that does not exceed `limit`: an integer-valued Double exceeds both or neither.
    private var limitAsDouble: Double {
        let nearest = Double(limit)
        return Int64(nearest) > limit ? nearest.nextDown : nearest
    }
}
