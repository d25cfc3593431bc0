// SPDX-License-Identifier: MIT

internal import CFieldKernels

extension Field64Vector {
    /// Adds a vector of the same length.
    public mutating func add(_ other: Field64Vector) throws(FieldError) {
        try requireCount(other.count)
        unsafe combine(other.reduced.words.span, at: 0) { unsafe field64_add($0, $1, $2) }
    }

    /// Subtracts a vector of the same length.
    public mutating func subtract(_ other: Field64Vector) throws(FieldError) {
        try requireCount(other.count)
        unsafe combine(other.reduced.words.span, at: 0) { unsafe field64_subtract($0, $1, $2) }
    }

    /// Adds canonical words to the elements from `offset` on.
    ///
    /// - Throws: `outOfRange` when they do not lie within the vector; `notCanonical` with the index of the first word that is
    ///   not below the modulus, before anything is added.
    public mutating func add(contentsOf canonical: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        try requireCanonical(canonical, at: offset)
        unsafe combine(canonical, at: offset) { unsafe field64_add($0, $1, $2) }
    }

    /// Subtracts canonical words from the elements from `offset` on; throws like `add(contentsOf:at:)`.
    public mutating func subtract(contentsOf canonical: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        try requireCanonical(canonical, at: offset)
        unsafe combine(canonical, at: offset) { unsafe field64_subtract($0, $1, $2) }
    }

    /// Multiplies element by element with a vector of the same length.
    public mutating func multiply(_ other: Field64Vector) throws(FieldError) {
        try requireCount(other.count)
        unsafe combine(other.words.span, at: 0) { unsafe field64_multiply($0, $1, $2) }
    }

    /// Multiplies every element by one factor.
    public mutating func multiply(by factor: Field64) {
        isCanonical = false
        unsafe words.withUnsafeMutableBufferPointer { words in
            guard let base = words.baseAddress else { return }
            unsafe field64_scale(base, factor.canonical, words.count)
        }
    }

    /// Computes the sum of the products with a vector of the same length.
    public func innerProduct(_ other: Field64Vector) throws(FieldError) -> Field64 {
        try requireCount(other.count)
        let sum = unsafe words.withUnsafeBufferPointer { a in
            unsafe other.words.withUnsafeBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return UInt64(0) }
                return unsafe field64_inner_product(a, b, count)
            }
        }
        return Field64(unchecked: sum)
    }

    private var reduced: Field64Vector {
        var copy = self
        copy.canonicalize()
        return copy
    }

    private func requireCount(_ other: Int) throws(FieldError) {
        guard count == other else { throw .countMismatch(expected: count, actual: other) }
    }

    private func requireCanonical(_ other: Span<UInt64>, at offset: Int) throws(FieldError) {
        guard offset >= 0, offset <= count, other.count <= count - offset else {
            throw .outOfRange(offset: offset, count: other.count, available: count)
        }
        if let index = other.firstNotCanonical { throw .notCanonical(index: index) }
    }

    /// Runs a kernel over the words from `offset` on; the range has been checked.
    private mutating func combine(
        _ other: Span<UInt64>, at offset: Int,
        _ kernel: (UnsafeMutablePointer<UInt64>, UnsafePointer<UInt64>, Int) -> Void
    ) {
        isCanonical = false
        unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe other.withUnsafeBufferPointer { other in
                guard let target = words.baseAddress, let source = other.baseAddress else { return }
                unsafe kernel(target + offset, source, other.count)
            }
        }
    }
}
