// SPDX-License-Identifier: MIT

/// Chooses what computes the sums of a round; both give the same bytes, and each checks the other on one block.
public enum Arithmetic: String, Sendable, CaseIterable {
    /// The kernels of Field64.
    case field64
    /// GMP, over whole vectors of limbs: slower, and by others.
    case gmp
}
