// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Quantization

/// Where a party stands in the chain of models (protocol section 5): what it computed, never what it was told.
public struct ModelChain: Equatable, Sendable, Codable {
    /// The identity of the run, 16 bytes.
    public let run: [UInt8]
    /// Results, Skips and overflows of the run so far.
    public private(set) var index: UInt64
    /// Applied training rounds of the run so far.
    public private(set) var appliedRounds: Int
    /// Whether the closing round has been applied.
    public private(set) var closed: Bool
    /// Whether an applied round left the parameters as they were.
    public private(set) var converged: Bool
    public private(set) var modelHash: Digest
    public private(set) var paramsHash: Digest
    /// How finely the next training round encodes.
    public private(set) var scale: RoundScale
    /// The modelHash before the last step, and the middle hash of that step: with the others the preimage of modelHash.
    public private(set) var previousModelHash: Digest
    public private(set) var middle: Digest

    /// Begins a run: `modelHash_0 = H("model", 32 zero bytes, paramsHash_0, scaleHash_0)`.
    public init(run: [UInt8], paramsHash: Digest, scale: RoundScale) {
        self.run = run
        index = 0
        appliedRounds = 0
        closed = false
        converged = false
        self.paramsHash = paramsHash
        self.scale = scale
        previousModelHash = .zero
        middle = .zero
        modelHash = LabeledBytes("model").fixed(Digest.zero).fixed(paramsHash).fixed(scale.hash).hash
    }

    /// Takes over a position that was handed to this party, with the preimage that it checked.
    public init(handedOver header: HandoverHeader) {
        run = header.configuration.run
        index = header.chainIndex
        appliedRounds = header.appliedRounds
        closed = false
        converged = false
        paramsHash = header.paramsHash
        scale = header.scale
        previousModelHash = header.previousModelHash
        middle = header.middle
        if header.chainIndex == 0 {
            modelHash = LabeledBytes("model").fixed(Digest.zero).fixed(paramsHash).fixed(scale.hash).hash
        } else {
            modelHash = Self.step(from: previousModelHash, middle, paramsHash, scale.hash)
        }
    }

    /// Applies a round's sum.
    public mutating func apply(
        _ context: RoundContext, survivorsHash: Digest, sumHash: Digest, paramsHash newParams: Digest,
        scale newScale: RoundScale
    ) {
        advance(
            Self.sumHash(ctx: context.ctx, survivorsHash: survivorsHash, sumHash: sumHash), newParams, newScale
        )
        switch context.kind {
        case .training:
            appliedRounds += 1
            converged = newParams == context.base
        case .closing:
            closed = true
        }
    }

    /// Passes over a round whose sum overflowed: the parameters stay, and the same set sends again in the scale of a first
    /// round.
    public mutating func overflow(
        _ context: RoundContext, survivorsHash: Digest, sumHash: Digest, firstScale: RoundScale
    ) {
        advance(
            Self.overflowHash(ctx: context.ctx, survivorsHash: survivorsHash, sumHash: sumHash), paramsHash, firstScale)
    }

    /// Passes over a round: parameters and scales stay.
    public mutating func skip(ctx: Digest, reason: AbortReason) {
        advance(Self.skipHash(ctx: ctx, reason: reason), paramsHash, scale)
    }

    /// H("sum", ctx, H(U), H(S)).
    public static func sumHash(ctx: Digest, survivorsHash: Digest, sumHash: Digest) -> Digest {
        LabeledBytes("sum").fixed(ctx).fixed(survivorsHash).fixed(sumHash).hash
    }

    /// H("overflow", ctx, H(U), H(S)).
    public static func overflowHash(ctx: Digest, survivorsHash: Digest, sumHash: Digest) -> Digest {
        LabeledBytes("overflow").fixed(ctx).fixed(survivorsHash).fixed(sumHash).hash
    }

    /// H("skip", ctx, reason).
    public static func skipHash(ctx: Digest, reason: AbortReason) -> Digest {
        LabeledBytes("skip").fixed(ctx).u8(reason.rawValue).hash
    }

    private mutating func advance(_ middleHash: Digest, _ newParams: Digest, _ newScale: RoundScale) {
        previousModelHash = modelHash
        middle = middleHash
        modelHash = Self.step(from: modelHash, middleHash, newParams, newScale.hash)
        paramsHash = newParams
        scale = newScale
        index += 1
    }

    private static func step(
        from previous: Digest, _ middle: Digest, _ paramsHash: Digest, _ scaleHash: Digest
    ) -> Digest {
        LabeledBytes("model").fixed(previous).fixed(middle).fixed(paramsHash).fixed(scaleHash).hash
    }
}
