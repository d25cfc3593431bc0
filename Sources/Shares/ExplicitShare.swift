// SPDX-License-Identifier: MIT

public import FiniteField

/// A party's explicit share Y_i = X_i + Σ_s Mask_{i,s} (protocol section 1): uniformly random to whoever lacks one mask.
public struct ExplicitShare: Sendable, Equatable {
    /// The ctx of the round.
    public let context: [UInt8]
    /// The share.
    public let vector: Field64Vector

    /// Takes a share that was received.
    ///
    /// - Throws: `wrongLength` for a ctx that has not 32 bytes.
    public init(context: [UInt8], vector: Field64Vector) throws(ShareError) {
        guard context.count == MaskStream.contextBytes else {
            throw .wrongLength(of: .context, expected: MaskStream.contextBytes, actual: context.count)
        }
        self.context = context
        self.vector = vector
    }

    /// Masks one's own vector X_i with one mask per slot, in place if nobody else has a copy of it.
    ///
    /// - Parameters:
    ///   - threads: the most threads to use, at least 1; GMP uses one.
    ///   - arithmetic: what adds the masks; the share does not depend on it.
    /// - Throws: `noShares` without any mask, `contextMismatch`, `partyMismatch`, `duplicateSlot` for masks that do not belong
    ///   together.
    public init(
        masking secret: consuming Field64Vector, with masks: [MaskStream], threads: Int = 1,
        arithmetic: Arithmetic = .field64
    ) throws(ShareError) {
        try self.init(
            masking: secret, with: masks, threads: threads, arithmetic: arithmetic,
            blockElements: MaskStream.blockElements)
    }

    /// Masks in blocks of another size than masks have on the wire: for tests.
    init(
        masking secret: consuming Field64Vector, with masks: [MaskStream], threads: Int,
        arithmetic: Arithmetic = .field64, blockElements: Int
    ) throws(ShareError) {
        guard let first = masks.first else { throw .noShares }
        var slots: Set<UInt32> = []
        for mask in masks {
            try mask.requireContext(first.context)
            guard mask.party == first.party else {
                throw .partyMismatch(expected: first.party, actual: mask.party)
            }
            guard slots.insert(mask.slot).inserted else { throw .duplicateSlot(mask.slot) }
        }
        switch arithmetic {
        case .field64:
            MaskExpansion(masks: masks, operation: .add, threads: threads, blockElements: blockElements)
                .apply(to: &secret)
        case .gmp:
            var masked = PrimeFieldVector(copy secret)
            secret.wipe()
            masked.add(masks: masks, blockElements: blockElements)
            do { secret = try Field64Vector(masked) } catch { throw .field(error) }
        }
        secret.canonicalize()
        try self.init(context: first.context, vector: secret)
    }
}

extension MaskStream {
    /// Refuses a mask of another round.
    func requireContext(_ expected: [UInt8]) throws(ShareError) {
        guard context == expected else { throw .contextMismatch(expected: expected, actual: context) }
    }
}
