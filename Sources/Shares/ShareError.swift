// SPDX-License-Identifier: MIT

public import FiniteField

/// What goes wrong with shares: a caller's mistake, or a processor that cannot add.
public enum ShareError: Error, Equatable, Sendable {
    /// Shares belong to different rounds: their ctx differ.
    case contextMismatch(expected: [UInt8], actual: [UInt8])
    /// Two vectors that should have the same number of elements do not.
    case countMismatch(expected: Int, actual: Int)
    /// One party's mask would be taken twice.
    case duplicateParty([UInt8])
    /// A share was given twice.
    case duplicateShare(ShareIndex)
    /// One slot's mask would be taken twice.
    case duplicateSlot(UInt32)
    /// The field arithmetic refused its operands.
    case field(FieldError)
    /// A share does not lie on the polynomial through the shares before it: one of them is wrong.
    case inconsistentShare(ShareIndex)
    /// A share has a number that the sharing does not give out.
    case indexOutOfRange(ShareIndex, shareCount: Int)
    /// Shares or secrets belong to different fields.
    case modulusMismatch(expected: PrimeModulus, actual: PrimeModulus)
    /// There is nothing to combine, or nothing to split into.
    case noShares
    /// Masks that should hide one party's vector belong to different parties.
    case partyMismatch(expected: [UInt8], actual: [UInt8])
    /// GMP and the kernels have different sums of this block of 2^16 elements (protocol section 2).
    case selfCheckFailed(block: Int)
    /// Shares of vectors that were split into different numbers of shares.
    case shareCountMismatch(expected: Int, actual: Int)
    /// Masks that should make one helper's share belong to different slots.
    case slotMismatch(expected: UInt32, actual: UInt32)
    /// Shares of sharings with different thresholds.
    case thresholdMismatch(expected: Int, actual: Int)
    /// A threshold is not between 1 and the number of shares.
    case thresholdOutOfRange(Int, shareCount: Int)
    /// There are fewer shares than it takes to reconstruct.
    case tooFewShares(expected: Int, actual: Int)
    /// The field has too few points, or the module takes fewer shares.
    case tooManyShares(Int, shareCountMax: Int)
    /// A key, id or ctx has the wrong length.
    case wrongLength(of: Field, expected: Int, actual: Int)

    /// The values of fixed length that a mask depends on.
    public enum Field: Equatable, Sendable {
        case context
        case key
        case party
    }
}
