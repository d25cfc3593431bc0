// SPDX-License-Identifier: MIT

/// A natural number of any size: enough arithmetic to compare hypergeometric counts exactly (protocol section 6).
///
/// The largest that a committee of 1,000 members needs has about 1,100 bits.
struct Natural: Equatable, Sendable {
    /// Least significant first; the last one is not 0.
    private var limbs: [UInt32]

    init(_ value: UInt32) { limbs = value == 0 ? [] : [value] }

    var isZero: Bool { limbs.isEmpty }

    /// `factor` times the number.
    mutating func multiply(by factor: UInt32) {
        var carry: UInt64 = 0
        for index in limbs.indices {
            // (2^32 − 1)² + 2^32 − 1 is below 2^64: the sum fits.
            let product = UInt64(limbs[index]) * UInt64(factor) + carry
            limbs[index] = UInt32(truncatingIfNeeded: product)
            carry = product >> 32
        }
        if carry > 0 { limbs.append(UInt32(carry)) }
        normalize()
    }

    /// The number divided by a divisor of it.
    mutating func divideExactly(by divisor: UInt32) {
        var remainder: UInt64 = 0
        for index in limbs.indices.reversed() {
            let dividend = remainder << 32 | UInt64(limbs[index])
            limbs[index] = UInt32(dividend / UInt64(divisor))
            remainder = dividend % UInt64(divisor)
        }
        precondition(remainder == 0, "the divisor is not one of the number's")
        normalize()
    }

    mutating func shiftLeft(by bits: Int) {
        for _ in 0..<bits / 16 { multiply(by: 1 << 16) }
        multiply(by: 1 << UInt32(bits % 16))
    }

    static func += (left: inout Natural, right: Natural) {
        var carry: UInt64 = 0
        for index in 0..<max(left.limbs.count, right.limbs.count) {
            if index == left.limbs.count { left.limbs.append(0) }
            let sum = UInt64(left.limbs[index]) + (index < right.limbs.count ? UInt64(right.limbs[index]) : 0) + carry
            left.limbs[index] = UInt32(truncatingIfNeeded: sum)
            carry = sum >> 32
        }
        if carry > 0 { left.limbs.append(UInt32(carry)) }
    }

    static func <= (left: Natural, right: Natural) -> Bool {
        guard left.limbs.count == right.limbs.count else { return left.limbs.count < right.limbs.count }
        for (a, b) in zip(left.limbs, right.limbs).reversed() where a != b { return a < b }
        return true
    }

    private mutating func normalize() {
        while limbs.last == 0 { limbs.removeLast() }
    }

    /// The number times C(n, k), k from 0 to n.
    func times(binomial n: Int, over k: Int) -> Natural {
        var result = self
        // After step i the factor is C(n − k + i, i), which is whole.
        for i in 0..<k {
            result.multiply(by: UInt32(n - k + i + 1))
            result.divideExactly(by: UInt32(i + 1))
        }
        return result
    }
}

extension Natural {
    /// The digits in base 10, for tests and people.
    var decimal: String {
        var rest = limbs
        var digits: [UInt8] = []
        while !rest.isEmpty {
            var remainder: UInt64 = 0
            for index in rest.indices.reversed() {
                let dividend = remainder << 32 | UInt64(rest[index])
                rest[index] = UInt32(dividend / 10)
                remainder = dividend % 10
            }
            digits.append(UInt8(ascii: "0") + UInt8(remainder))
            while rest.last == 0 { rest.removeLast() }
        }
        return digits.isEmpty ? "0" : String(decoding: digits.reversed(), as: UTF8.self)
    }
}
