// SPDX-License-Identifier: MIT

internal import CVectorKernels
internal import Primitives

/// The signed Walsh–Hadamard transform of one block of N = 2^k coordinates (protocol section 8).
///
/// Forward: signs, butterflies (a + b, a − b) in stages of distance 1, 2, 4, …, N/2, then times 2^(−⌈k/2⌉). Inverse: the same
/// stages, times 2^(−⌊k/2⌋), then signs. Every operation is rounded by itself, so that the inverse has the same bits
/// everywhere. Up to rounding the one undoes the other; both keep Euclidean norms for even k, and for odd k the forward one
/// divides them by √2, the inverse multiplies them by it.
struct SignedTransform: ~Copyable {
    /// Coordinates that a loop takes at a time.
    static let tile = Int(PACKED_TILE)

    /// What forward values are multiplied by before the butterflies, so that no sum of 2^16 finite ones overflows.
    ///
    /// Powers of two change no rounding: only what is below 2^-110 loses bits, which Δ ≥ 2^-64 does not see.
    private static let forwardPrescale: Float = 0x1p-16

    private var rotation: NumberedStream
    private var signs = [UInt64](repeating: 0, count: VectorLayout.blockMax / UInt64.bitWidth)
    private(set) var block = [Float](repeating: 0, count: Int(PACKED_BLOCK))

    /// Makes room for blocks of the round `ctx`.
    init(ctx: Digest) {
        rotation = NumberedStream(
            seed: SecretBytes(LabeledBytes("rotation").fixed(ctx).hash), domain: "rotation")
    }

    /// Draws the signs of a block, one bit each: XOF(H("rotation", ctx), dst `summand/v1 rotation`, binder u32 block).
    mutating func begin(block index: Int) {
        rotation.start(index)
        rotation.read(into: &signs)
    }

    /// The signs of the block that was begun; a bit that is set means minus.
    var signWords: [UInt64] { signs }

    /// Transforms `count` coordinates of an update from `offset` on, padded with zeros to `length`, but for the factor that
    /// `forwardFactor` has; returns how many of them are not finite.
    mutating func forward(_ update: [Float], at offset: Int, count: Int, length: Int) -> Int {
        packed_forward(&block, length, update, offset, count, signs, Self.forwardPrescale)
    }

    /// What the values that `forward` left are still to be multiplied by.
    static func forwardFactor(length: Int) -> Double {
        let k = length.trailingZeroBitCount
        return Double(sign: .plus, exponent: -((k + 1) / 2), significand: 1) / Double(forwardPrescale)
    }

    /// Writes y = Float(Double(digit)·factor) of one tile into the block, at a multiple of the tile.
    mutating func enter(_ digits: [Int32], at offset: Int, count: Int, to place: Int, factor: Double) {
        packed_dequantize(&block, place, digits, offset, count, factor)
    }

    /// Transforms back what was entered and adds the first `count` coordinates to the parameters from `offset` on:
    /// p' = Float(Double(p) + m).
    mutating func inverse(length: Int, addingTo parameters: inout [Float], at offset: Int, count: Int) {
        packed_butterflies(&block, length)
        packed_apply(&parameters, offset, count, block, signs, Self.inverseFactor(length: length))
    }

    /// 2^(−⌊k/2⌋).
    static func inverseFactor(length: Int) -> Float {
        Float(sign: .plus, exponent: -(length.trailingZeroBitCount / 2), significand: 1)
    }

    /// By how much the inverse stretches Euclidean norms: 1, or √2 for odd k.
    static func stretch(length: Int) -> Double {
        length.trailingZeroBitCount.isMultiple(of: 2) ? 1 : 2.0.squareRoot()
    }
}
