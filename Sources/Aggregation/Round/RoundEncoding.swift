// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Quantization

/// The encoding of a round as everybody computes it: from the configuration, and from the sums before.
public struct RoundEncoding: Sendable {
    public let parameters: EncodingParameters
    /// encodingHash of protocol section 5.
    public let hash: Digest
    /// D, the field elements of one vector.
    public let elements: Int
    /// Whether the sum of the round cannot overflow (`RoundScale.isFirst`).
    public let isFirst: Bool

    /// What records and policies call it: `exact`, or the bits of a digit.
    public var name: String { EncodingScale.name(bits: parameters.scale.bits) }

    /// The encoding for an epoch of `members` members.
    public func vectors(members: Int) throws(QuantizationError) -> VectorEncoding {
        try VectorEncoding(parameters, members: members, isFirstRound: isFirst)
    }
}

extension RunConfiguration {
    /// Whether updates are encoded so that nothing of them is lost.
    public var isExact: Bool { Int(bits) == EncodingScale.exactBits }

    /// What records and policies call the encoding of the run.
    public var encodingName: String { EncodingScale.name(bits: bits) }

    /// Computes the encoding of a round of this run; a closing round is exact in every run.
    ///
    /// - Parameter scale: that of the model chain.
    /// - Throws: `QuantizationError` when layout, clip, weightMax or scale are none that the protocol has.
    public func checkedEncoding(kind: RoundKind, scale: RoundScale) throws(QuantizationError) -> RoundEncoding {
        let scale = kind == .closing ? RoundScale.exact : scale
        let parameters = try EncodingParameters(
            kind: kind == .closing ? .closing : .training, scale: scale.encoding, clip: clip,
            weightMax: uniformWeights ? 1 : weightMax, layout: layout)
        return RoundEncoding(
            parameters: parameters, hash: parameters.encodingHash, elements: parameters.vectorLayout.count,
            isFirst: scale.isFirst)
    }

    /// The encoding of a round of a configuration that was checked before.
    func encoding(kind: RoundKind, scale: RoundScale) -> RoundEncoding {
        do {
            return try checkedEncoding(kind: kind, scale: scale)
        } catch {
            preconditionFailure("configuration and scale were checked when they were accepted: \(error)")
        }
    }

    /// The scale of a run's first round, and of the repetition after an overflow.
    ///
    /// - Throws: `QuantizationError` when the bits, the exponents or the layout are none that the protocol has.
    public func firstScale() throws(QuantizationError) -> RoundScale {
        guard let rule = try scaleRule() else { return .exact }
        let count = try checkedEncoding(kind: .training, scale: .exact).parameters.parameterCount
        return RoundScale(rule.first(parameterCount: count), isFirst: true)
    }

    /// `firstScale` of a configuration that was checked before.
    var initialScale: RoundScale {
        do {
            return try firstScale()
        } catch {
            preconditionFailure("the configuration was checked when it was accepted: \(error)")
        }
    }

    /// The scale of the round after one whose sum was applied.
    func scale(after sum: VectorSum, of encoding: VectorEncoding) throws(QuantizationError) -> RoundScale {
        guard let rule = try scaleRule(), case .packed(let packed) = encoding, case .packed(let sum) = sum else {
            return .exact
        }
        return RoundScale(rule.next(after: sum, of: packed), isFirst: false)
    }

    /// How this run's scales follow from its sums; nil when it is exact.
    private func scaleRule() throws(QuantizationError) -> ScaleRule? {
        guard !isExact else { return nil }
        return try ScaleRule(bits: Int(bits), exponents: exponents, firstExponent: firstExponent)
    }

    /// The parameters of the model, or 0 for a layout that is none.
    public var parameterCount: Int {
        (try? checkedEncoding(kind: .training, scale: .exact))?.parameters.parameterCount ?? 0
    }
}
