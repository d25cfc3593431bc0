// SPDX-License-Identifier: MIT

/// How far the mean that a packed round decodes may be from the exact weighted mean of the clipped updates.
///
/// In digits, participant i sends z = v̂ + ρ for the transformed, weighted and scaled coordinate v of its update, where ρ is the
/// stochastic rounding, |ρ| < 1 always and E ρ² ≤ 1/4, and v̂ is what Float32 makes of v. With u = 2^-24, each of the k stages,
/// the two factors and the last product add at most u relatively to the Euclidean norm of a block, which butterflies only
/// scale: ‖v̂ − v‖ ≤ (k + 5)u·‖v‖. An unclamped v̂ lies within ±(bound + 1), a clipped update has ‖x‖ ≤ C; whichever is less
/// bounds ‖v‖. One participant's error over the block is thus below √N + (k + 5)u·‖v‖, that of |U| participants below |U|
/// times as much. Decoding multiplies by Δ·weightMax/N_total, transforms back, which stretches norms by c = 1, or √2 for odd
/// k, and adds (k + 3)u relatively to what it decodes:
///
///     E = c·Δ·weightMax/N_total·(|U|·(√N + (k + 5)u·‖v‖max) + (k + 3)u·√Σ S_k²)
///
/// A Euclidean norm bounds every coordinate. The bound holds with certainty where no digit was clamped (each participant
/// counts its own) and no noise added; the last rounding, of the parameter that the mean is added to, comes on top.
public struct ErrorBound: Sendable, Equatable {
    /// The bound of the Euclidean norm of the error over each block, and so of each of its coordinates.
    public let blocks: [Double]
    /// The root mean square of the error of one coordinate to expect of rounding at random, at most, by block:
    /// c·Δ·weightMax/N_total·√|U|/2.
    public let expected: [Double]

    /// The bound of the Euclidean norm of the error over the whole model.
    public var norm: Double { blocks.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    /// The bound of the error of any coordinate.
    public var coordinate: Double { blocks.max() ?? 0 }
}

extension PackedEncoding {
    /// States the error bound of a round.
    ///
    /// - Parameter participants: |U|, how many vectors are in the sum.
    /// - Throws: `sumOverflowed`, `totalWeightNotPositive`.
    public func errorBound(of sum: PackedSum, participants: Int) throws(QuantizationError) -> ErrorBound {
        if let index = sum.overflowedGuard { throw .sumOverflowed(guardIndex: index) }
        guard sum.weight > 0 else { throw .totalWeightNotPositive(sum.weight) }
        let ratio = parameters.weightMax / Double(sum.weight)
        let count = Double(participants)
        var (bounds, expected): ([Double], [Double]) = ([], [])
        for (index, length) in blocks.enumerated() {
            let delta = unit(ofBlock: index)
            let stretch = SignedTransform.stretch(length: length)
            let unit = stretch * delta * ratio
            let rounding = Double(length).squareRoot()
            let stages = Double(length.trailingZeroBitCount)
            var largest = rounding * (Double(digitBound) + 1)
            if parameters.clip > 0 { largest = min(largest, parameters.clip / stretch / delta) }
            let inward = count * (rounding + (stages + 5) * 0x1p-24 * largest)
            let outward = (stages + 3) * 0x1p-24 * Double(sum.squares[index]).squareRoot()
            bounds.append(unit * (inward + outward))
            expected.append(unit * count.squareRoot() / 2)
        }
        return ErrorBound(blocks: bounds, expected: expected)
    }
}
