// SPDX-License-Identifier: MIT

public import Primitives

/// What all members of a round must agree on to encode for one sum: the preimage of encodingHash (protocol section 5).
public struct EncodingParameters: Sendable, Hashable {
    /// The default of `weightMax`, 2^20 samples.
    public static let weightMaxDefault = 1_048_576.0

    /// What a round is for; the raw value is the code on the wire.
    public enum Kind: UInt8, Sendable {
        /// It carries updates.
        case training = 0
        /// It carries metrics only, and ends a run.
        case closing = 1
    }

    /// What the round is for.
    public let kind: Kind
    /// b and e of each block.
    public let scale: EncodingScale
    /// The L2 norm that updates are clipped to; 0 for none.
    public let clip: Double
    /// The number of samples that has weight 1, a power of two in 1…2^40; 1 gives every participant the same weight.
    public let weightMax: Double
    /// The layout of the model, as protocol section 2 writes it.
    public let layout: [UInt8]
    /// The number of the model's parameters, read from `layout`.
    public let parameterCount: Int

    /// Checks that the values make an encoding of the protocol, available here or not.
    ///
    /// - Throws: `encodingUnknown`, `exponentCountMismatch`, `invalidClip`, `invalidLayout`, `invalidWeightMax`. A closing round
    ///   other than in 63 bits is `encodingUnknown`.
    public init(
        kind: Kind, scale: EncodingScale, clip: Double = 0, weightMax: Double = weightMaxDefault, layout: [UInt8]
    ) throws(QuantizationError) {
        let bits = Int(scale.bits)
        guard EncodingScale.digitsPerElement(bits: bits) != nil, kind == .training || bits == EncodingScale.exactBits
        else { throw .encodingUnknown(bits: bits) }
        guard clip >= 0, clip.isFinite, clip.sign == .plus else { throw .invalidClip(clip) }
        guard weightMax.isFinite, weightMax >= 1, weightMax <= 0x1p40, weightMax.significand == 1 else {
            throw .invalidWeightMax(weightMax)
        }
        let count = try LayoutBytes.parameterCount(of: layout)
        let blocks = bits == EncodingScale.exactBits ? 0 : VectorLayout.transformBlocks(parameterCount: count).count
        guard scale.exponents.count == blocks else {
            throw .exponentCountMismatch(expected: blocks, actual: scale.exponents.count)
        }
        self.kind = kind
        self.scale = scale
        self.clip = clip
        self.weightMax = weightMax
        self.layout = layout
        parameterCount = count
    }

    /// Takes what a message states, the number of digits included; throws also `digitsMismatch`.
    public init(
        kind: Kind, bits: UInt8, digits: UInt8, exponents: [Int32], clip: Double, weightMax: Double, layout: [UInt8]
    ) throws(QuantizationError) {
        try self.init(
            kind: kind, scale: EncodingScale(bits: bits, exponents: exponents), clip: clip, weightMax: weightMax,
            layout: layout)
        guard digits == self.digits else {
            throw .digitsMismatch(expected: Int(self.digits), actual: Int(digits))
        }
    }

    /// L, digits in one element.
    public var digits: UInt8 { UInt8(EncodingScale.digitsPerElement(bits: Int(scale.bits)) ?? 1) }

    /// encodingHash = H("encoding", u8 kind, u8 b, u8 L, e, clip, weightMax, layout), e and layout of variable length.
    public var encodingHash: Digest {
        LabeledBytes("encoding").u8(kind.rawValue).u8(scale.bits).u8(digits).variable(scale.exponentBytes).f64(clip)
            .f64(weightMax).variable(layout).hash
    }

    /// Where everything lies in a vector of the round.
    public var vectorLayout: VectorLayout {
        VectorLayout(
            digits: Int(digits), isExact: scale.bits == UInt8(EncodingScale.exactBits),
            parameterCount: kind == .closing ? 0 : parameterCount)
    }

    /// Refuses a weight or metrics that would endanger the sum over `members` vectors, below 2^62 each.
    ///
    /// - Throws: `scalarOutOfRange`.
    public func requireWithinLimits(
        weight: Int64, metrics: UpdateMetrics, members: Int
    ) throws(QuantizationError) {
        let limit = ExactEncoding.sumLimit / Int64(members)
        let weights = kind == .closing ? 0...0 : 1...max(1, min(limit, Int64(weightMax)))
        guard weights.contains(weight) else { throw .scalarOutOfRange(.weight, limit: weights.upperBound) }
        let names: [QuantizationError.Scalar] = [.loss, .correct, .tested, .clipped]
        for (name, value) in zip(names, metrics.values) where !(0...limit).contains(value) {
            throw .scalarOutOfRange(name, limit: limit)
        }
    }
}
