// SPDX-License-Identifier: MIT

/// A packed encoding (b in 7…32 of protocol section 8) in a round: several small integers in one field element, after a
/// transform that spreads what an update holds evenly over its coordinates.
///
/// On its way in an update x of a participant with weight w is clipped to a norm; each block of it gets random signs, is
/// transformed (`SignedTransform`), divided by Δ = 2^e and rounded up or down at random, so that the mean is right; the
/// integers, *digits*, may get noise, are clamped and packed ⌊64/b⌋ to an element (`DigitPacker`). The sum of all elements
/// holds the sum of all digits as long as each of those is within ±`sumBound`; if one is not, the guards tell
/// (`DigitReader`), nothing is applied, and the round is repeated with the encoding of a first round, which cannot overflow.
public struct PackedEncoding: Sendable, Hashable {
    /// The exponents e that an encoding may have.
    ///
    /// No computation leaves the range of Float32 within them. On the way in: w ≤ 1 and 2^-e ≤ 2^64 multiply what is below
    /// 2^128 only at the end, where too large a value is clamped. On the way out: digits below 2^31, times 2^e ≤ 2^32, times
    /// weightMax/N ≤ 2^40, summed up over at most 2^16 coordinates, stay below 2^119.
    public static let exponentRange: ClosedRange<Int32> = -64...32
    /// The bits of a first round.
    public static let firstRoundBits = 32
    /// The length of a participant's secret seed.
    public static let seedBytes = 32

    /// What the members agreed on.
    public let parameters: EncodingParameters
    /// n, the members of the epoch.
    public let members: Int
    /// Whether this is the first round of a run, or the repetition after an overflow.
    public let isFirstRound: Bool

    /// Takes an encoding for an epoch of `members` members.
    ///
    /// - Parameter isFirstRound: whether each digit is clamped so that the sum of all members cannot overflow.
    /// - Throws: `encodingNotAvailable` for the exact encoding, `tooManyUpdates` when there is no member or more than 2^31 − 1,
    ///   `exponentOutOfRange`, `firstRoundBits` when a first round has other than 32 bits.
    public init(
        _ parameters: EncodingParameters, members: Int, isFirstRound: Bool = false
    ) throws(QuantizationError) {
        guard parameters.scale.bits != EncodingScale.exactBits else {
            throw .encodingNotAvailable(bits: EncodingScale.exactBits)
        }
        guard members > 0, members <= Int(Int32.max) else { throw .tooManyUpdates(members: members) }
        if let block = parameters.scale.exponents.firstIndex(where: { !Self.exponentRange.contains($0) }) {
            throw .exponentOutOfRange(block: block, exponent: parameters.scale.exponents[block])
        }
        guard !isFirstRound || parameters.scale.bits == Self.firstRoundBits else {
            throw .firstRoundBits(Int(parameters.scale.bits))
        }
        self.parameters = parameters
        self.members = members
        self.isFirstRound = isFirstRound
    }

    /// b, bits of a digit.
    public var bits: Int { Int(parameters.scale.bits) }

    /// The bound of the sum of one digit over all participants, 2^(b−1) − 1.
    public var sumBound: Int32 { Int32((Int64(1) << (bits - 1)) - 1) }

    /// The bound that each digit of a participant is clamped to.
    ///
    /// In a first round ⌊(2^31 − 1)/n⌋, so that no sum of n exceeds `sumBound`. In all others `sumBound` itself, so that
    /// one vector can always be unpacked; sums of several can overflow, which their guards show.
    public var digitBound: Int32 { isFirstRound ? sumBound / Int32(members) : sumBound }

    /// The lengths of the transform blocks.
    var blocks: [Int] { VectorLayout.transformBlocks(parameterCount: parameters.parameterCount) }

    /// Δ = 2^e of a block.
    func unit(ofBlock index: Int) -> Double {
        Double(sign: .plus, exponent: Int(parameters.scale.exponents[index]), significand: 1)
    }

    /// The places of everything in a vector.
    var layout: VectorLayout { parameters.vectorLayout }
}
