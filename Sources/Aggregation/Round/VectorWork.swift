// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Quantization
import Shares

extension VectorOrder {
    /// Encodes, tags, blinds and masks an update: Y_i (protocol sections 1, 7 and 8).
    ///
    /// The same update, keys and round give the same bytes, on any number of threads and by either arithmetic.
    public func explicitShare(
        of update: KeptUpdate, threads: Int = 1, arithmetic: Arithmetic = .field64
    ) throws -> ExplicitShare {
        let encoding = try ExactEncoding(
            configuration.checkedEncoding(kind: context.kind).parameters, members: memberCount)
        let encoded: EncodedUpdate
        switch context.kind {
        case .training:
            encoded = try encoding.encode(
                delta: update.delta, samples: update.samples, lossSum: update.lossSum, correct: update.correct,
                tested: update.tested)
        case .closing:
            encoded = try encoding.encodeClosing(
                lossSum: update.lossSum, correct: update.correct, tested: update.tested)
        }
        var vector = try encoding.vector(of: encoded)
        let layout = encoding.parameters.vectorLayout
        let tag = check.tag(over: vector[layout.checked], participant: participant)
        try layout.place(check: tag, blind: update.blind(ctx: context.ctx), in: &vector)
        return try ExplicitShare(masking: vector, with: masks(), threads: threads, arithmetic: arithmetic)
    }

    private func masks() throws -> [MaskStream] {
        try roundKeys.enumerated().map { slot, key in
            try MaskStream(
                key: MaskKey(key), context: context.ctx.bytes, party: participant.bytes, slot: UInt32(slot))
        }
    }
}

extension AnswerOrder {
    /// Aggregates the shares that this helper holds: M_s (protocol section 1).
    ///
    /// - Parameters:
    ///   - threads: the most threads to use, at least 1.
    ///   - arithmetic: what sums all elements; the share does not depend on it.
    ///   - generator: draws the block that the other arithmetic sums as well.
    /// - Throws: `ShareError.selfCheckFailed` when they differ there.
    public func aggregateShare(
        threads: Int = 1, arithmetic: Arithmetic = .field64, using generator: inout some RandomNumberGenerator
    ) throws -> AggregateShare {
        let streams = try masks.map { mask in
            try MaskStream(
                key: MaskKey(mask.roundKey), context: context.ctx.bytes, party: mask.participant.bytes,
                slot: UInt32(slot))
        }
        return try AggregateShare(
            of: streams, count: context.elements, threads: threads, arithmetic: arithmetic, using: &generator)
    }
}

extension ResultOrder {
    /// Checks a sum and applies it to the parameters; nil when the check inside the vector does not hold.
    public func applied(_ sum: Field64Vector, to parameters: [Float]) throws -> AppliedSum? {
        guard check.holds(for: sum, survivors: survivors) else { return nil }
        return try appliedSum(sum, to: parameters, context: context, configuration: configuration)
    }
}

/// What a sum says once it is decoded and applied.
public struct AppliedSum: Equatable, Sendable {
    public let parameters: [Float]
    /// The sum of weights and metrics; the metrics speak of the model before.
    public let totals: EncodedUpdate
}

/// Decodes a sum and applies it: `model_{r+1} = apply(model_r, S, U)`, the same bits everywhere.
public func appliedSum(
    _ sum: Field64Vector, to parameters: [Float], context: RoundContext, configuration: RunConfiguration
) throws -> AppliedSum {
    let encoding = try ExactEncoding(
        configuration.checkedEncoding(kind: context.kind).parameters, members: Limits.membersMin)
    var totals = try encoding.decode(sum)
    let result = try encoding.apply(totals, to: parameters)
    totals.values = []
    return AppliedSum(parameters: result, totals: totals)
}

/// scaleHash of the exact encoding, in every round.
public let scaleHashExact = EncodingScale.exact.hash
