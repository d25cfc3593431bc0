// SPDX-License-Identifier: MIT

/// An element of the field of p = 2^64 − 2^32 + 1 elements, the one on the wire (protocol section 2; Field64 of the VDAF draft).
///
/// Arithmetic has no branch and no memory access that depends on a value.
public struct Field64: Sendable, Hashable {
    /// The prime p.
    public static let modulus: UInt64 = 0xFFFF_FFFF_0000_0001
    /// The additive identity.
    public static let zero = Field64(unchecked: 0)
    /// The multiplicative identity.
    public static let one = Field64(unchecked: 1)

    /// The representative in `0..<modulus`.
    public let canonical: UInt64

    /// Takes a representative that is already below the modulus; nil for any other.
    public init?(canonical: UInt64) {
        guard canonical < Self.modulus else { return nil }
        self.canonical = canonical
    }

    /// Reduces any word modulo p.
    public init(reducing word: UInt64) {
        // A word is below 2p, so one subtraction suffices.
        self.canonical = word &- (Self.modulus & Self.mask(word >= Self.modulus))
    }

    /// Maps a signed integer; a negative value v stands for p + v.
    public init(_ signed: Int64) {
        self.canonical = UInt64(bitPattern: signed) &+ (Self.modulus & Self.mask(signed < 0))
    }

    /// The caller promises that `word` is below the modulus.
    init(unchecked word: UInt64) {
        assert(word < Self.modulus)
        self.canonical = word
    }

    /// The integer of least magnitude that this element stands for, in ±(p − 1)/2 (protocol section 8).
    public var signed: Int64 {
        Int64(bitPattern: canonical &- (Self.modulus & Self.mask(canonical > (Self.modulus - 1) / 2)))
    }

    /// Computes the multiplicative inverse as the power p − 2; nil for zero.
    public var inverse: Field64? {
        self == .zero ? nil : raised(to: Self.modulus - 2)
    }

    /// Raises to a public power; the time depends on the exponent alone. The power 0 is 1, of zero too.
    public func raised(to exponent: UInt64) -> Field64 {
        var result = Field64.one
        var square = self
        var rest = exponent
        while rest != 0 {
            if rest & 1 == 1 { result = result * square }
            square = square * square
            rest >>= 1
        }
        return result
    }

    /// Adds two elements.
    public static func + (a: Field64, b: Field64) -> Field64 {
        let (sum, carry) = a.canonical.addingReportingOverflow(b.canonical)
        // With a carry, sum + 2^64 − p < p; without one, at most one p has to go.
        return Field64(unchecked: sum &- (modulus & (mask(carry) | mask(sum >= modulus))))
    }

    /// Subtracts one element from another.
    public static func - (a: Field64, b: Field64) -> Field64 {
        let (difference, borrow) = a.canonical.subtractingReportingOverflow(b.canonical)
        return Field64(unchecked: difference &+ (modulus & mask(borrow)))
    }

    /// Multiplies two elements.
    public static func * (a: Field64, b: Field64) -> Field64 {
        let (high, low) = a.canonical.multipliedFullWidth(by: b.canonical)
        // 2^64 ≡ 2^32 − 1 and 2^96 ≡ −1: high·2^64 + low ≡ low − (high >> 32) + (high mod 2^32)·(2^32 − 1).
        let epsilon: UInt64 = 0xFFFF_FFFF
        var (result, borrow) = low.subtractingReportingOverflow(high >> 32)
        result &-= epsilon & mask(borrow)
        let folded = (high & epsilon) * epsilon
        let carry: Bool
        (result, carry) = result.addingReportingOverflow(folded)
        // After a carry at most 2^64 − 2^33 remains, so adding 2^64 mod p cannot carry again.
        return Field64(reducing: result &+ (epsilon & mask(carry)))
    }

    /// All ones for true, zero for false, without a branch.
    private static func mask(_ condition: Bool) -> UInt64 {
        UInt64(truncatingIfNeeded: 0 &- (condition ? 1 : 0))
    }

    /// Computes the additive inverse.
    public static prefix func - (a: Field64) -> Field64 { .zero - a }
}
