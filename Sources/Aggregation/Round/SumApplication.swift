// SPDX-License-Identifier: MIT

import FiniteField
import Messages
import Primitives
import Quantization

/// What a sum says once it is decoded and applied.
public struct AppliedSum: Equatable, Sendable {
    public let parameters: [Float]
    /// How finely the next training round encodes.
    public let scale: RoundScale
    /// The sum of the weights.
    public let weight: Int64
    /// The sums of the metrics, which speak of the model before.
    public let metrics: UpdateMetrics
    /// How far any coordinate of the decoded mean may be from the exact one where no digit was clamped; 0 when exact.
    public let errorBound: Double
}

/// What became of a sum; everybody finds the same, from the sum alone.
public enum SumOutcome: Equatable, Sendable {
    /// The next model follows from it.
    case applied(AppliedSum)
    /// A sum of digits did not fit: nothing is applied, and the same set sends again in the scale of a first round.
    case overflowed
    /// Honest sites do not add up to it: its check does not hold, or the sum of its weights is not positive (protocol
    /// section 8). Nothing is applied, and the run ends.
    case refused
}

/// How the sum of one round becomes the next model: `model_{r+1} = apply(model_r, S, U)`, the same bits everywhere.
public struct SumApplication: Sendable {
    public let context: RoundContext
    let configuration: RunConfiguration
    public let encoding: RoundEncoding
    /// The scale before the round.
    let scale: RoundScale
    /// n, the members of the epoch.
    let memberCount: Int
    /// |U|, how many vectors are in the sum.
    let cohort: Int

    /// Describes a round that runs under a chain's position.
    init(
        _ context: RoundContext, _ configuration: RunConfiguration, _ chain: ModelChain, members: Int, cohort: Int
    ) {
        self.context = context
        self.configuration = configuration
        encoding = configuration.encoding(kind: context.kind, scale: chain.scale)
        scale = chain.scale
        memberCount = members
        self.cohort = cohort
    }

    /// Decodes a sum and applies it to parameters. The check inside the vector is its caller's.
    ///
    /// - Throws: `QuantizationError` when the sum has another length than the round's vectors.
    public func outcome(of sum: Field64Vector, to parameters: [Float]) throws(QuantizationError) -> SumOutcome {
        let vectors = try encoding.vectors(members: memberCount)
        let decoded = try vectors.decode(sum, ctx: context.ctx)
        guard decoded.overflowedGuard == nil else { return .overflowed }
        // A member may claim any weight. In a closing round nothing is weighted.
        guard context.kind == .closing || decoded.weight > 0 else { return .refused }
        var model = parameters
        try vectors.apply(decoded, ctx: context.ctx, to: &model)
        return .applied(
            AppliedSum(
                parameters: model, scale: try nextScale(decoded, vectors), weight: decoded.weight,
                metrics: decoded.metrics, errorBound: try errorBound(decoded, vectors)))
    }

    private func nextScale(_ sum: VectorSum, _ vectors: VectorEncoding) throws(QuantizationError) -> RoundScale {
        context.kind == .closing ? scale : try configuration.scale(after: sum, of: vectors)
    }

    private func errorBound(_ sum: VectorSum, _ vectors: VectorEncoding) throws(QuantizationError) -> Double {
        guard case .packed(let packed) = vectors, case .packed(let sum) = sum else { return 0 }
        return try packed.errorBound(of: sum, participants: cohort).coordinate
    }
}
