// SPDX-License-Identifier: MIT

internal import CGMP

extension PrimeFieldVector {
    /// Copies the elements of a vector over Field64 into lanes of two limbs.
    public init(_ vector: Field64Vector) {
        self.init(zeros: vector.count, modulus: .field64, lane: 2)
        unsafe limbs.withLimbs { unsafe summand_copy_lanes($0, 2, vector.words, 1, 1, count) }
        // Any word is below 2p.
        pending = vector.isCanonical ? 1 : 2
    }

    /// Adds the elements of a range of a vector over Field64 to as many from `offset` on.
    ///
    /// - Throws: `modulusMismatch` unless this is a vector over the same field, `laneTooNarrow` for lanes of one limb,
    ///   `outOfRange`.
    public mutating func add(
        _ other: Field64Vector, in range: Range<Int>? = nil, at offset: Int = 0
    ) throws(FieldError) {
        try combine(other, range ?? 0..<other.count, at: offset, .add)
    }

    /// Subtracts the elements of a range of a vector over Field64 from as many from `offset` on; throws like `add`.
    public mutating func subtract(
        _ other: Field64Vector, in range: Range<Int>? = nil, at offset: Int = 0
    ) throws(FieldError) {
        try combine(other, range ?? 0..<other.count, at: offset, .subtract)
    }

    /// Whether this vector over the prime of Field64 has the elements of a range of one of the Field64 path, by default of all.
    public func isEqual(to other: Field64Vector, in range: Range<Int>? = nil) -> Bool {
        let range = range ?? 0..<other.count
        guard modulus == .field64, count == range.count else { return false }
        let prime = modulus.limbs
        return unsafe other.words[range].withUnsafeBufferPointer { words in
            guard let words = words.baseAddress else { return true }
            return unsafe summand_lanes_are_equal(limbs, laneLimbs, words, 1, count, prime, prime.count) != 0
        }
    }

    private mutating func combine(
        _ other: Field64Vector, _ range: Range<Int>, at offset: Int, _ operation: Operation
    ) throws(FieldError) {
        guard modulus == .field64 else { throw .modulusMismatch(expected: modulus, actual: .field64) }
        guard laneLimbs > 1 else { throw .laneTooNarrow(limbsNeeded: 2, limbs: laneLimbs) }
        guard range.lowerBound >= 0, range.upperBound <= other.count else {
            throw .outOfRange(offset: range.lowerBound, count: range.count, available: other.count)
        }
        guard offset >= 0, offset <= count, range.count <= count - offset else {
            throw .outOfRange(offset: offset, count: range.count, available: count)
        }
        let operand = Operand(count: range.count, lane: 1, pending: other.isCanonical ? 1 : 2)
        unsafe other.words[range].withUnsafeBufferPointer { words in
            if let base = words.baseAddress { unsafe combine(operand, base, at: offset, operation) }
        }
    }
}

extension Field64Vector {
    /// Copies the elements of a vector over the prime of Field64 that GMP computed.
    ///
    /// - Throws: `modulusMismatch` for a vector over another prime.
    public init(_ vector: PrimeFieldVector) throws(FieldError) {
        guard vector.modulus == .field64 else {
            throw .modulusMismatch(expected: .field64, actual: vector.modulus)
        }
        words = vector.canonicalLimbs()
        isCanonical = true
    }
}
