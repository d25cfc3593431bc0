// SPDX-License-Identifier: MIT

internal import CGMP

extension PrimeFieldVector {
    /// Multiplies element by element with a vector of the same modulus, lane width and length, and reduces.
    ///
    /// - Throws: `modulusMismatch`, `laneMismatch`, `countMismatch`.
    public mutating func multiply(_ other: PrimeFieldVector) throws(FieldError) {
        try requireMatch(other)
        let (prime, lane) = (modulus.limbs, laneLimbs)
        let significant = significantLimbs(with: other)
        unsafe limbs.withLimbs { lanes in
            unsafe summand_lanes_multiply(lanes, count, lane, other.limbs, lane, significant, prime, prime.count)
        }
        pending = 1
    }

    /// Multiplies every element by one factor, and reduces.
    ///
    /// - Throws: `modulusMismatch`.
    public mutating func multiply(by factor: PrimeFieldElement) throws(FieldError) {
        guard modulus == factor.modulus else {
            throw .modulusMismatch(expected: modulus, actual: factor.modulus)
        }
        canonicalize()
        let (prime, lane) = (modulus.limbs, laneLimbs)
        unsafe limbs.withLimbs { lanes in
            unsafe factor.storage.withLimbs { factor in
                unsafe summand_lanes_multiply(lanes, count, lane, factor, 0, prime.count, prime, prime.count)
            }
        }
    }

    /// Computes the sum of the products with a vector of the same modulus, lane width and length; throws like `multiply`.
    public func innerProduct(_ other: PrimeFieldVector) throws(FieldError) -> PrimeFieldElement {
        try requireMatch(other)
        let prime = modulus.limbs
        return unsafe PrimeFieldElement(in: modulus) { result in
            unsafe summand_lanes_inner_product(
                result, limbs, other.limbs, count, laneLimbs, significantLimbs(with: other), prime, prime.count)
        }
    }

    /// Replaces every element by its multiplicative inverse, with one inversion and three products each (Montgomery's trick).
    ///
    /// - Throws: `notInvertible` with the index of the first zero; nothing is inverted then.
    public mutating func invert() throws(FieldError) {
        canonicalize()
        let (prime, lane, count) = (modulus.limbs, laneLimbs, count)
        let zero = unsafe summand_lanes_first_zero(limbs, count, lane, prime.count)
        guard zero == count else { throw .notInvertible(index: zero) }
        var products = [UInt64](repeating: 0, count: (count + 1) * prime.count)
        unsafe summand_lanes_products(&products, limbs, count, lane, prime, prime.count)
        let all = try PrimeFieldElement(canonical: Array(products.suffix(prime.count)), in: modulus)
        var inverse = try all.inverse().limbs
        unsafe limbs.withLimbs { lanes in
            unsafe summand_lanes_invert(lanes, count, lane, products, &inverse, prime, prime.count)
        }
    }

    /// How many limbs of each lane can be other than zero in one of two vectors.
    private func significantLimbs(with other: PrimeFieldVector) -> Int {
        pending == 1 && other.pending == 1 ? modulus.limbs.count : laneLimbs
    }
}
