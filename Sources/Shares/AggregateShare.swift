// SPDX-License-Identifier: MIT

public import FiniteField

/// A helper's share of the sum, M_s = Σ_{i∈U} Mask_{i,s} (protocol section 1).
public struct AggregateShare: Sendable, Equatable {
    /// The ctx of the round.
    public let context: [UInt8]
    /// The slot that the helper answers for.
    public let slot: UInt32
    /// The share.
    public let vector: Field64Vector

    /// Takes a share that was received.
    ///
    /// - Throws: `wrongLength` for a ctx that has not 32 bytes.
    public init(context: [UInt8], slot: UInt32, vector: Field64Vector) throws(ShareError) {
        guard context.count == MaskStream.contextBytes else {
            throw .wrongLength(of: .context, expected: MaskStream.contextBytes, actual: context.count)
        }
        self.context = context
        self.slot = slot
        self.vector = vector
    }

    /// Adds up the masks of the survivors, `count` elements, checking one random block by the other arithmetic.
    ///
    /// - Parameters:
    ///   - threads: the most threads to use, at least 1; GMP uses one.
    ///   - arithmetic: what sums all elements; the share does not depend on it.
    ///   - generator: draws the block that is checked.
    /// - Throws: `noShares` without any mask, `contextMismatch`, `slotMismatch`, `duplicateParty` for masks that do not belong
    ///   together, `selfCheckFailed`.
    public init(
        of masks: [MaskStream], count: Int, threads: Int = 1, arithmetic: Arithmetic = .field64,
        using generator: inout some RandomNumberGenerator
    ) throws(ShareError) {
        try self.init(
            of: masks, count: count, threads: threads, arithmetic: arithmetic,
            blockElements: MaskStream.blockElements, using: &generator)
    }

    /// Adds up masks in blocks of another size than masks have on the wire: for tests.
    init(
        of masks: [MaskStream], count: Int, threads: Int, arithmetic: Arithmetic = .field64, blockElements: Int,
        using generator: inout some RandomNumberGenerator
    ) throws(ShareError) {
        guard let first = masks.first else { throw .noShares }
        var parties: Set<[UInt8]> = []
        for mask in masks {
            guard mask.slot == first.slot else { throw .slotMismatch(expected: first.slot, actual: mask.slot) }
            guard parties.insert(mask.party).inserted else { throw .duplicateParty(mask.party) }
        }
        var accumulator = try ShareAccumulator(
            context: first.context, count: count, arithmetic: arithmetic, blockElements: blockElements,
            using: &generator)
        try accumulator.add(masks: masks, threads: threads)
        try self.init(context: first.context, slot: first.slot, vector: accumulator.finish())
    }
}
