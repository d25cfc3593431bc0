// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Quantization

/// The encoding of a round as everybody computes it from the configuration alone.
public struct RoundEncoding: Sendable {
    public let parameters: EncodingParameters
    /// encodingHash of protocol section 5.
    public let hash: Digest
    /// D, the field elements of one vector.
    public let elements: Int
}

extension RunConfiguration {
    /// Computes the encoding of a round of this run.
    ///
    /// - Throws: `QuantizationError` when layout, clip or weightMax are none that the protocol has, or the encoding is
    ///   not available.
    public func checkedEncoding(kind: RoundKind) throws(QuantizationError) -> RoundEncoding {
        guard Int(bits) == EncodingScale.exactBits else { throw .encodingNotAvailable(bits: Int(bits)) }
        let parameters = try EncodingParameters(
            kind: kind == .closing ? .closing : .training, scale: .exact, clip: clip,
            weightMax: uniformWeights ? 1 : weightMax, layout: layout)
        return RoundEncoding(
            parameters: parameters, hash: parameters.encodingHash, elements: parameters.vectorLayout.count)
    }

    /// The encoding of a round of a configuration that was checked before.
    func encoding(kind: RoundKind) -> RoundEncoding {
        do {
            return try checkedEncoding(kind: kind)
        } catch {
            preconditionFailure("the configuration was checked when it was accepted: \(error)")
        }
    }

    /// The parameters of the model, or 0 for a layout that is none.
    public var parameterCount: Int {
        (try? checkedEncoding(kind: .training))?.parameters.parameterCount ?? 0
    }
}
