// SPDX-License-Identifier: MIT

/// How finely the rounds of a run encode: the first coarsely enough for any update, each later one as the sum before it
/// asks for (protocol section 8). Everybody computes it alike.
public struct ScaleRule: Sendable, Hashable {
    /// e of a first round, by default.
    public static let firstExponentDefault: Int32 = -31
    /// The exponents of all other rounds, by default.
    public static let exponentsDefault: ClosedRange<Int32> = -40...8

    /// b of the rounds after a first one.
    public let bits: Int
    /// Where the exponents of those are clamped to.
    public let exponents: ClosedRange<Int32>
    /// e of a first round.
    public let firstExponent: Int32

    /// Takes the rule of a run.
    ///
    /// - Throws: `encodingUnknown` unless the bits are 7…32, `exponentOutOfRange` beyond `PackedEncoding.exponentRange`.
    public init(
        bits: Int, exponents: ClosedRange<Int32> = exponentsDefault, firstExponent: Int32 = firstExponentDefault
    ) throws(QuantizationError) {
        guard bits != EncodingScale.exactBits, EncodingScale.digitsPerElement(bits: bits) != nil else {
            throw .encodingUnknown(bits: bits)
        }
        for exponent in [exponents.lowerBound, exponents.upperBound, firstExponent]
        where !PackedEncoding.exponentRange.contains(exponent) {
            throw .exponentOutOfRange(block: 0, exponent: exponent)
        }
        self.bits = bits
        self.exponents = exponents
        self.firstExponent = firstExponent
    }

    /// The scale of the first round of a run, and of the repetition after an overflow.
    public func first(parameterCount: Int) -> EncodingScale {
        let blocks = VectorLayout.transformBlocks(parameterCount: parameterCount).count
        return EncodingScale(
            bits: UInt8(PackedEncoding.firstRoundBits), exponents: Array(repeating: firstExponent, count: blocks))
    }

    /// The scale of the round that follows a sum: the first one's after an overflow, and otherwise for each block the least e
    /// that leaves room for 8 standard deviations of the digits' sum and twice its growth.
    public func next(after sum: PackedSum, of encoding: PackedEncoding) -> EncodingScale {
        guard sum.overflowedGuard == nil else { return first(parameterCount: encoding.parameters.parameterCount) }
        let blocks = VectorLayout.transformBlocks(parameterCount: encoding.parameters.parameterCount)
        let previous = encoding.parameters.scale.exponents
        return EncodingScale(
            bits: UInt8(bits),
            exponents: blocks.indices.map { index in
                exponent(after: previous[index], squares: sum.squares[index], length: blocks[index])
            })
    }

    /// The smallest e with 256·Σ S_k²·4^(e_prev − e) ≤ N·(2^(b−1) − 1)², clamped to the range; e_prev where the sum is 0.
    ///
    /// Nothing here overflows 128 bits: Σ ≤ 2^16·2^62, so the left side begins below 2^87, the right side between 2^19 and
    /// 2^78; the smaller one grows by factors of 4 until it passes the other one.
    func exponent(after previous: Int32, squares: UInt128, length: Int) -> Int32 {
        guard squares > 0 else { return previous }
        let largest = UInt128((UInt64(1) << (bits - 1)) - 1)
        var needed = squares << 8
        var room = UInt128(length) * largest * largest
        var exponent = previous
        if needed > room {
            while needed > room {
                room <<= 2
                exponent += 1
            }
        } else {
            while needed << 2 <= room {
                needed <<= 2
                exponent -= 1
            }
        }
        return min(max(exponent, exponents.lowerBound), exponents.upperBound)
    }
}
