// SPDX-License-Identifier: MIT

public import FiniteField
public import Primitives

/// n-out-of-n additive sharing over Field64 (protocol section 1), by explicit shares or by masks.
public enum AdditiveSharing {
    /// Splits a vector into `count` explicit shares whose sum it is; any `count` − 1 of them are uniformly random together.
    ///
    /// - Parameters:
    ///   - context: ctx of the round that the shares belong to, 32 bytes.
    ///   - seed: 32 secret random bytes that are used for nothing else.
    /// - Throws: `noShares` when `count` is not positive, `wrongLength`.
    public static func share(
        _ secret: Field64Vector, count: Int, context: [UInt8], seed: SecretBytes = SecretBytes(randomCount: 32)
    ) throws(ShareError) -> [AdditiveShare] {
        guard count > 0 else { throw .noShares }
        var stream = XofHmacSha256Aes128(seed: seed, dst: "summand/v1 explicit shares")
        var rest = secret
        var vectors: [Field64Vector] = []
        for _ in 1..<count {
            let words = stream.nextFieldWords(count: secret.count)
            do { try rest.subtract(contentsOf: words.span) } catch { throw .field(error) }
            vectors.append(Field64Vector(unreduced: words))
        }
        rest.canonicalize()
        vectors.append(rest)
        var shares: [AdditiveShare] = []
        for (place, vector) in vectors.enumerated() {
            try shares.append(
                AdditiveShare(context: context, index: ShareIndex(place: place), shareCount: count, vector: vector))
        }
        return shares
    }

    /// Adds up all explicit shares of one vector, in any order.
    ///
    /// - Throws: `noShares`, `contextMismatch`, `shareCountMismatch`, `countMismatch`, `duplicateShare` for shares that do
    ///   not belong together; `tooFewShares`.
    public static func reconstruct(_ shares: [AdditiveShare]) throws(ShareError) -> Field64Vector {
        guard let first = shares.first else { throw .noShares }
        var sum = Field64Vector(count: first.vector.count)
        var indices: Set<ShareIndex> = []
        for share in shares {
            guard share.context == first.context else {
                throw .contextMismatch(expected: first.context, actual: share.context)
            }
            guard share.shareCount == first.shareCount else {
                throw .shareCountMismatch(expected: first.shareCount, actual: share.shareCount)
            }
            guard share.vector.count == sum.count else {
                throw .countMismatch(expected: sum.count, actual: share.vector.count)
            }
            guard indices.insert(share.index).inserted else { throw .duplicateShare(share.index) }
            do { try sum.add(share.vector) } catch { throw .field(error) }
        }
        guard shares.count == first.shareCount else {
            throw .tooFewShares(expected: first.shareCount, actual: shares.count)
        }
        sum.canonicalize()
        return sum
    }

    /// Computes S = Σ Y − Σ M of one round: the sum of the secrets of exactly the parties whose masks every M holds.
    ///
    /// - Parameters:
    ///   - explicit: Y_i of the survivors.
    ///   - aggregates: M_s, one for each slot.
    ///   - arithmetic: what sums all elements; the sum does not depend on it.
    ///   - generator: draws the block that the other arithmetic checks.
    /// - Throws: `noShares`, `contextMismatch`, `countMismatch`, `duplicateSlot`, `selfCheckFailed`.
    public static func reconstruct(
        explicit: [ExplicitShare], aggregates: [AggregateShare], arithmetic: Arithmetic = .field64,
        using generator: inout some RandomNumberGenerator
    ) throws(ShareError) -> Field64Vector {
        guard let first = explicit.first, !aggregates.isEmpty else { throw .noShares }
        var accumulator = try ShareAccumulator(
            context: first.context, count: first.vector.count, arithmetic: arithmetic, using: &generator)
        for share in explicit { try accumulator.add(share) }
        var slots: Set<UInt32> = []
        for share in aggregates {
            guard slots.insert(share.slot).inserted else { throw .duplicateSlot(share.slot) }
            try accumulator.subtract(share)
        }
        return try accumulator.finish()
    }
}
