// SPDX-License-Identifier: MIT

internal import CGMP

/// A prime of any size up to 4096 bits, checked by GMP, that `PrimeFieldVector` computes modulo.
///
/// A modulus is public: the time of these operations depends on it.
public struct PrimeModulus: Sendable, Hashable {
    /// The largest modulus taken.
    public static let bitsMax = 4096
    /// The prime of Field64 for the path through GMP.
    public static let field64 = PrimeModulus(knownPrime: [Field64.modulus])

    /// The prime in 64-bit limbs, least significant first, the last not zero.
    public let limbs: [UInt64]

    /// The number of bits of the prime.
    public var bits: Int { 64 * limbs.count - (limbs.last?.leadingZeroBitCount ?? 0) }

    /// Checks that a number in limbs, least significant first, is prime.
    ///
    /// The check is Baillie–PSW and Miller–Rabin in 32 rounds (GMP's `mpz_probab_prime_p`).
    ///
    /// - Throws: `notPrime`, `modulusTooLarge`.
    public init(limbs: [UInt64]) throws(FieldError) {
        let trimmed = Array(limbs[..<((limbs.lastIndex { $0 != 0 } ?? -1) + 1)])
        let modulus = PrimeModulus(knownPrime: trimmed)
        guard modulus.bits <= Self.bitsMax else {
            throw .modulusTooLarge(bits: modulus.bits, bitsMax: Self.bitsMax)
        }
        let isPrime = unsafe trimmed.withUnsafeBufferPointer { limbs in
            guard let base = limbs.baseAddress else { return false }
            return unsafe summand_mpz_is_prime(base, limbs.count, 32) != 0
        }
        guard !trimmed.isEmpty, isPrime else { throw .notPrime }
        self = modulus
    }

    /// Reads a prime in decimal digits; throws also `malformedNumber`.
    public init(decimal text: String) throws(FieldError) {
        try self.init(text, base: 10)
    }

    /// Reads a prime in hexadecimal digits; throws also `malformedNumber`.
    public init(hexadecimal text: String) throws(FieldError) {
        try self.init(text, base: 16)
    }

    /// Reads a prime from its bytes, most significant first.
    public init(bigEndianBytes bytes: [UInt8]) throws(FieldError) {
        var limbs = [UInt64](repeating: 0, count: (bytes.count + 7) / 8)
        for (place, byte) in bytes.reversed().enumerated() {
            limbs[place / 8] |= UInt64(byte) << (8 * (place % 8))
        }
        try self.init(limbs: limbs)
    }

    private init(knownPrime limbs: [UInt64]) {
        self.limbs = limbs
    }

    private init(_ text: String, base: Int) throws(FieldError) {
        let isNumber =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || base == 16 && (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
            }
        guard isNumber else { throw .malformedNumber(base: base) }
        // A digit is worth at most 4 bits: text of more than twice the useful length is refused unread.
        guard text.utf8.count <= Self.bitsMax else {
            throw .modulusTooLarge(bits: 4 * text.utf8.count, bitsMax: Self.bitsMax)
        }
        var limbs = [UInt64](repeating: 0, count: text.utf8.count / 16 + 1)
        unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            guard let target = limbs.baseAddress else { return }
            _ = unsafe summand_mpz_parse(target, limbs.count, text, Int32(base))
        }
        try self.init(limbs: limbs)
    }

    /// The index of the first element that is not below the modulus; `lane` limbs apart, `limbs.count` limbs of each count.
    func firstNotCanonical(_ elements: Span<UInt64>, lane: Int) -> Int? {
        let count = elements.count / lane
        let index = unsafe elements.withUnsafeBufferPointer { elements in
            guard let base = elements.baseAddress else { return count }
            return unsafe summand_lanes_first_noncanonical(base, count, lane, limbs, limbs.count)
        }
        return index < count ? index : nil
    }
}

extension PrimeModulus: CustomStringConvertible {
    /// The prime in hexadecimal, long ones without their middle: "0xffffffff00000001 (64 bits)".
    public var description: String {
        let digits = limbs.reversed().enumerated().map { place, limb in
            let text = String(limb, radix: 16)
            return place == 0 ? text : String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        let shown = digits.count <= 40 ? digits : "\(digits.prefix(16))…\(digits.suffix(16))"
        return "0x\(shown) (\(bits) bits)"
    }
}
