// SPDX-License-Identifier: MIT

internal import CGMP

extension PrimeFieldElement {
    /// Adds two elements of one field; throws `modulusMismatch`.
    public static func + (a: PrimeFieldElement, b: PrimeFieldElement) throws(FieldError) -> PrimeFieldElement {
        try unsafe a.combined(with: b) { unsafe summand_sec_add($0, $1, $2, $3, $4) }
    }

    /// Subtracts one element of a field from another; throws `modulusMismatch`.
    public static func - (a: PrimeFieldElement, b: PrimeFieldElement) throws(FieldError) -> PrimeFieldElement {
        try unsafe a.combined(with: b) { unsafe summand_sec_subtract($0, $1, $2, $3, $4) }
    }

    /// Multiplies two elements of one field; throws `modulusMismatch`.
    public static func * (a: PrimeFieldElement, b: PrimeFieldElement) throws(FieldError) -> PrimeFieldElement {
        try unsafe a.combined(with: b) { unsafe summand_sec_multiply($0, $1, $2, $3, $4) }
    }

    /// Computes the additive inverse.
    public static prefix func - (a: PrimeFieldElement) -> PrimeFieldElement {
        unsafe zero(in: a.modulus).matched(with: a) { unsafe summand_sec_subtract($0, $1, $2, $3, $4) }
    }

    /// Computes the multiplicative inverse.
    ///
    /// - Throws: `zeroHasNoInverse`.
    public func inverse() throws(FieldError) -> PrimeFieldElement {
        guard !isZero else { throw .zeroHasNoInverse }
        // Of the two elements of GF(2) one has an inverse, itself; the algorithm wants an odd modulus.
        guard modulus.limbs != [2] else { return self }
        return unsafe PrimeFieldElement(in: modulus) { target in
            let exists = unsafe storage.withLimbs { limbs in
                unsafe summand_sec_invert(target, limbs, modulus.limbs, storage.count, modulus.bits)
            }
            assert(exists != 0, "an element of a field that is not zero has an inverse")
        }
    }

    /// Computes the inverses of many elements of one field with one inversion and three products each (Montgomery's trick).
    ///
    /// - Throws: `notInvertible` with the index of the first zero, `modulusMismatch`.
    public static func inverses(of elements: [PrimeFieldElement]) throws(FieldError) -> [PrimeFieldElement] {
        guard let first = elements.first else { return [] }
        if let index = elements.firstIndex(where: \.isZero) { throw .notInvertible(index: index) }
        // before[k] = elements[0]·…·elements[k − 1].
        var before: [PrimeFieldElement] = []
        var product = one(in: first.modulus)
        for element in elements {
            before.append(product)
            product = try product * element
        }
        var rest = try product.inverse()
        var inverses = elements
        for index in elements.indices.reversed() {
            // Here rest = 1/(elements[0]·…·elements[index]).
            inverses[index] = try rest * before[index]
            rest = try rest * elements[index]
        }
        return inverses
    }

    /// Raises to a public power, on whose value the time depends. The power 0 is 1, of zero too.
    public func raised(to exponent: UInt64) -> PrimeFieldElement {
        var result = PrimeFieldElement.one(in: modulus)
        for bit in (0..<64 - exponent.leadingZeroBitCount).reversed() {
            result = unsafe result.matched(with: result) { unsafe summand_sec_multiply($0, $1, $2, $3, $4) }
            if exponent >> UInt64(bit) & 1 == 1 {
                result = unsafe result.matched(with: self) { unsafe summand_sec_multiply($0, $1, $2, $3, $4) }
            }
        }
        return result
    }

    /// Result, two operands, modulus and the number of limbs of each.
    private typealias Kernel = (
        UnsafeMutablePointer<UInt64>, UnsafePointer<UInt64>, UnsafePointer<UInt64>, UnsafePointer<UInt64>, Int
    ) -> Void

    private func combined(
        with other: PrimeFieldElement, _ kernel: Kernel
    ) throws(FieldError) -> PrimeFieldElement {
        guard modulus == other.modulus else {
            throw .modulusMismatch(expected: modulus, actual: other.modulus)
        }
        return unsafe matched(with: other, kernel)
    }

    /// Runs a kernel over two elements whose moduli are known to be the same.
    private func matched(with other: PrimeFieldElement, _ kernel: Kernel) -> PrimeFieldElement {
        unsafe PrimeFieldElement(in: modulus) { target in
            unsafe storage.withLimbs { a in
                unsafe other.storage.withLimbs { b in unsafe kernel(target, a, b, modulus.limbs, storage.count) }
            }
        }
    }
}
