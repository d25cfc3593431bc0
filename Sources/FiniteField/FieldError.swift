// SPDX-License-Identifier: MIT

/// What a caller of `FiniteField` can get wrong.
public enum FieldError: Error, Equatable, Sendable {
    /// Two vectors that should have the same number of elements do not.
    case countMismatch(expected: Int, actual: Int)
    /// Bytes do not make whole elements.
    case lengthNotMultiple(of: Int, actual: Int)
    /// A lane must hold at least the modulus.
    case laneTooNarrow(limbsNeeded: Int, limbs: Int)
    /// A lane is wider than this module takes.
    case laneTooWide(limbsMax: Int, limbs: Int)
    /// Two vectors lie in lanes of different width.
    case laneMismatch(expected: Int, actual: Int)
    /// Text is not a number in the base asked for.
    case malformedNumber(base: Int)
    /// Two vectors belong to different primes.
    case modulusMismatch(expected: PrimeModulus, actual: PrimeModulus)
    /// A modulus has more bits than this module takes.
    case modulusTooLarge(bits: Int, bitsMax: Int)
    /// The element at this index is not below the modulus.
    case notCanonical(index: Int)
    /// The element at this index is zero, which has no inverse.
    case notInvertible(index: Int)
    /// A modulus is composite, or below 2.
    case notPrime
    /// Elements would lie outside the vector.
    case outOfRange(offset: Int, count: Int, available: Int)
    /// Zero has no inverse.
    case zeroHasNoInverse
}
