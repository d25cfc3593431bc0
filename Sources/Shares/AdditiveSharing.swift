// SPDX-License-Identifier: MIT

public import FiniteField
public import Primitives

/// n-out-of-n additive sharing over Field64 (protocol section 1), by explicit shares or by masks.
public enum AdditiveSharing {
    /// Splits a vector into `count` explicit shares whose sum it is; any `count` − 1 of them are uniformly random together.
    ///
    /// - Parameter seed: 32 secret random bytes that are used for nothing else.
    /// - Throws: `noShares` when `count` is not positive.
    public static func share(
        _ secret: Field64Vector, count: Int, seed: SecretBytes = SecretBytes(randomCount: 32)
    ) throws(ShareError) -> [Field64Vector] {
        guard count > 0 else { throw .noShares }
        var stream = XofHmacSha256Aes128(seed: seed, dst: "summand/v1 explicit shares")
        var rest = secret
        var shares: [Field64Vector] = []
        for _ in 1..<count {
            let words = stream.nextFieldWords(count: secret.count)
            do { try rest.subtract(contentsOf: words.span) } catch { throw .field(error) }
            shares.append(Field64Vector(unreduced: words))
        }
        rest.canonicalize()
        return shares + [rest]
    }

    /// Adds up all explicit shares of one vector.
    ///
    /// - Throws: `noShares`, `countMismatch`.
    public static func reconstruct(_ shares: [Field64Vector]) throws(ShareError) -> Field64Vector {
        guard var sum = shares.first else { throw .noShares }
        for share in shares.dropFirst() {
            guard share.count == sum.count else {
                throw .countMismatch(expected: sum.count, actual: share.count)
            }
            do { try sum.add(share) } catch { throw .field(error) }
        }
        sum.canonicalize()
        return sum
    }

    /// Computes S = Σ Y − Σ M of one round: the sum of the secrets of exactly the parties whose masks every M holds.
    ///
    /// - Parameters:
    ///   - explicit: Y_i of the survivors.
    ///   - aggregates: M_s, one for each slot.
    ///   - generator: draws the block that GMP checks.
    /// - Throws: `noShares`, `contextMismatch`, `countMismatch`, `duplicateSlot`, `selfCheckFailed`.
    public static func reconstruct(
        explicit: [ExplicitShare], aggregates: [AggregateShare], using generator: inout some RandomNumberGenerator
    ) throws(ShareError) -> Field64Vector {
        guard let first = explicit.first, !aggregates.isEmpty else { throw .noShares }
        var accumulator = try ShareAccumulator(context: first.context, count: first.vector.count, using: &generator)
        for share in explicit { try accumulator.add(share) }
        var slots: Set<UInt32> = []
        for share in aggregates {
            guard slots.insert(share.slot).inserted else { throw .duplicateSlot(share.slot) }
            try accumulator.subtract(share)
        }
        return try accumulator.finish()
    }
}
