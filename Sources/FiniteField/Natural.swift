// SPDX-License-Identifier: MIT

internal import CGMP

/// A natural number of any size, on GMP's limbs: what it takes to count choices exactly (protocol section 6).
public struct Natural: Equatable, Sendable {
    /// Least significant first; the last one is not 0.
    private var limbs: [UInt64]

    /// Makes the number of a word.
    public init(_ value: UInt64) { limbs = value == 0 ? [] : [value] }

    /// Computes C(n, k), for k from 0 to n.
    public static func binomial(_ n: Int, _ k: Int) -> Natural {
        var result = Natural(1)
        result.multiply(byBinomial: n, over: k)
        return result
    }

    /// Multiplies the number by C(n, k), for k from 0 to n.
    public mutating func multiply(byBinomial n: Int, over k: Int) {
        precondition(k >= 0 && k <= n, "C(\(n), \(k)) is asked for")
        // After step i the factor is C(n − k + i + 1, i + 1), which is whole.
        for i in 0..<k {
            multiply(by: UInt64(n - k + i + 1))
            divideExactly(by: UInt64(i + 1))
        }
    }

    /// Multiplies the number by a word.
    public mutating func multiply(by factor: UInt64) {
        let carry = unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe mpn_mul_1(limbs.baseAddress, limbs.baseAddress, limbs.count, factor)
        }
        if carry > 0 { limbs.append(carry) }
        normalize()
    }

    /// Divides the number by a divisor of it.
    public mutating func divideExactly(by divisor: UInt64) {
        let remainder = divide(by: divisor)
        precondition(remainder == 0, "\(divisor) does not divide the number")
    }

    /// Multiplies the number by 2^bits.
    public mutating func shiftLeft(by bits: Int) {
        precondition(bits >= 0, "a shift by \(bits) bits")
        guard !limbs.isEmpty else { return }
        limbs.insert(contentsOf: repeatElement(0, count: bits / 64), at: 0)
        multiply(by: 1 << UInt64(bits % 64))
    }

    /// Adds a number.
    public static func += (left: inout Natural, right: Natural) {
        let count = max(left.limbs.count, right.limbs.count)
        let other = right.limbs + repeatElement(0, count: count - right.limbs.count)
        left.limbs += repeatElement(0, count: count - left.limbs.count)
        let carry = unsafe left.limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe mpn_add_n(limbs.baseAddress, limbs.baseAddress, other, count)
        }
        if carry > 0 { left.limbs.append(carry) }
    }

    /// Compares two numbers.
    public static func <= (left: Natural, right: Natural) -> Bool {
        guard left.limbs.count == right.limbs.count else { return left.limbs.count < right.limbs.count }
        return unsafe mpn_cmp(left.limbs, right.limbs, left.limbs.count) <= 0
    }

    /// Divides by a word and gives the remainder.
    private mutating func divide(by divisor: UInt64) -> UInt64 {
        precondition(divisor > 0, "a division by 0")
        let remainder = unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            unsafe mpn_divrem_1(limbs.baseAddress, limbs.baseAddress, limbs.count, divisor)
        }
        normalize()
        return remainder
    }

    private mutating func normalize() {
        while limbs.last == 0 { limbs.removeLast() }
    }
}

extension Natural: CustomStringConvertible {
    /// The digits in base 10.
    public var description: String {
        var rest = self
        var digits: [UInt8] = []
        while !rest.limbs.isEmpty { digits.append(UInt8(ascii: "0") + UInt8(rest.divide(by: 10))) }
        return digits.isEmpty ? "0" : String(decoding: digits.reversed(), as: UTF8.self)
    }
}
