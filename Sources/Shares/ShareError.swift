// SPDX-License-Identifier: MIT

import FiniteField

/// What goes wrong with shares: a caller's mistake, or a processor that cannot add.
public enum ShareError: Error, Equatable, Sendable {
    /// Shares belong to different rounds: their ctx differ.
    case contextMismatch(expected: [UInt8], actual: [UInt8])
    /// Two vectors that should have the same number of elements do not.
    case countMismatch(expected: Int, actual: Int)
    /// One party's mask would be taken twice.
    case duplicateParty([UInt8])
    /// One slot's mask would be taken twice.
    case duplicateSlot(UInt32)
    /// The field arithmetic refused its operands.
    case field(FieldError)
    /// There is nothing to combine, or nothing to split into.
    case noShares
    /// Masks that should hide one party's vector belong to different parties.
    case partyMismatch(expected: [UInt8], actual: [UInt8])
    /// The sum by GMP of this block of 2^16 elements is another than that of the kernels (protocol section 2).
    case selfCheckFailed(block: Int)
    /// Masks that should make one helper's share belong to different slots.
    case slotMismatch(expected: UInt32, actual: UInt32)
    /// A key, id or ctx has the wrong length.
    case wrongLength(of: Field, expected: Int, actual: Int)

    /// The values of fixed length that a mask depends on.
    public enum Field: Equatable, Sendable {
        case context
        case key
        case party
    }
}
