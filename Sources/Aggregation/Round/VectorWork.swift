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
        try ExplicitShare(masking: vector(of: update), with: masks(), threads: threads, arithmetic: arithmetic)
    }

    /// Encodes, tags and blinds an update: X_i.
    package func vector(of update: KeptUpdate) throws -> Field64Vector {
        var vector = try encoded(update)
        let layout = encoding.parameters.vectorLayout
        let tag = check.tag(over: vector[layout.checked], participant: participant)
        try layout.place(check: tag, blind: update.blind(ctx: context.ctx), in: &vector)
        return vector
    }

    private func encoded(_ update: KeptUpdate) throws(QuantizationError) -> Field64Vector {
        let vectors = try encoding.vectors(members: memberCount)
        if context.kind == .closing, case .exact(let exact) = vectors {
            let metrics = try exact.encodeClosing(
                lossSum: update.lossSum, correct: update.correct, tested: update.tested)
            return try exact.vector(of: metrics)
        }
        return try vectors.encode(
            delta: update.delta, samples: update.samples, lossSum: update.lossSum, correct: update.correct,
            tested: update.tested, ctx: context.ctx, seed: update.seed
        ).vector
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
    /// Checks a sum and applies it to the parameters.
    public func applied(_ sum: Field64Vector, to parameters: [Float]) throws -> SumOutcome {
        guard check.holds(for: sum, survivors: survivors) else { return .refused }
        return try application.outcome(of: sum, to: parameters)
    }
}
