// SPDX-License-Identifier: MIT

internal import CFieldKernels

extension Field64Vector {
    /// Adds a vector of the same length.
    public mutating func add(_ other: Field64Vector) throws(FieldError) {
        try requireCount(other.count)
        unsafe combine(other.words.span, at: 0, other.isCanonical ? field64_add : field64_add_lazy)
    }

    /// Subtracts a vector of the same length.
    public mutating func subtract(_ other: Field64Vector) throws(FieldError) {
        try requireCount(other.count)
        unsafe combine(other.words.span, at: 0, other.isCanonical ? field64_subtract : field64_subtract_lazy)
    }

    /// Adds the elements of a range of another vector to as many from `offset` on.
    ///
    /// - Throws: `outOfRange` when they do not lie within either vector.
    public mutating func add(_ other: Field64Vector, in range: Range<Int>, at offset: Int = 0) throws(FieldError) {
        try requireRange(range, of: other, at: offset)
        let part = other.words.span.extracting(range)
        unsafe combine(part, at: offset, other.isCanonical ? field64_add : field64_add_lazy)
    }

    /// Subtracts the elements of a range of another vector from as many from `offset` on; throws like `add(_:in:at:)`.
    public mutating func subtract(_ other: Field64Vector, in range: Range<Int>, at offset: Int = 0) throws(FieldError) {
        try requireRange(range, of: other, at: offset)
        let part = other.words.span.extracting(range)
        unsafe combine(part, at: offset, other.isCanonical ? field64_subtract : field64_subtract_lazy)
    }

    /// Replaces every element by its additive inverse.
    public mutating func negate() {
        isCanonical = false
        let count = count
        unsafe words.withLimbs { unsafe field64_negate($0, count) }
    }

    /// Adds canonical words to the elements from `offset` on.
    ///
    /// - Throws: `outOfRange` when they do not lie within the vector; `notCanonical` with the index of the first word that is
    ///   not below the modulus, before anything is added.
    public mutating func add(contentsOf canonical: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        try requireCanonical(canonical, at: offset)
        unsafe combine(canonical, at: offset, field64_add)
    }

    /// Subtracts canonical words from the elements from `offset` on; throws like `add(contentsOf:at:)`.
    public mutating func subtract(contentsOf canonical: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        try requireCanonical(canonical, at: offset)
        unsafe combine(canonical, at: offset, field64_subtract)
    }

    /// Adds any words, taken modulo p, to the elements from `offset` on; nothing is scanned.
    ///
    /// - Throws: `outOfRange` when they do not lie within the vector.
    public mutating func add(unreduced words: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        try requireRange(count: words.count, at: offset)
        unsafe combine(words, at: offset, field64_add_lazy)
    }

    /// Subtracts any words, taken modulo p, from the elements from `offset` on; throws like `add(unreduced:at:)`.
    public mutating func subtract(unreduced words: Span<UInt64>, at offset: Int = 0) throws(FieldError) {
        try requireRange(count: words.count, at: offset)
        unsafe combine(words, at: offset, field64_subtract_lazy)
    }

    /// Adds those words that are below the modulus to the elements from `offset` on, one behind the other, and skips the
    /// rest; returns how many were added.
    ///
    /// - Throws: `outOfRange` when the words do not lie within the vector.
    public mutating func add(accepting words: Span<UInt64>, at offset: Int = 0) throws(FieldError) -> Int {
        try requireRange(count: words.count, at: offset)
        var added = 0
        unsafe combine(words, at: offset) { unsafe added = field64_add_accepted($0, $1, $2) }
        return added
    }

    /// Multiplies element by element with a vector of the same length.
    public mutating func multiply(_ other: Field64Vector) throws(FieldError) {
        try requireCount(other.count)
        unsafe combine(other.words.span, at: 0, field64_multiply)
    }

    /// Multiplies every element by one factor.
    public mutating func multiply(by factor: Field64) {
        isCanonical = false
        let count = count
        unsafe words.withLimbs { unsafe field64_scale($0, factor.canonical, count) }
    }

    /// Computes the sum of the products with a vector of the same length.
    public func innerProduct(_ other: Field64Vector) throws(FieldError) -> Field64 {
        try requireCount(other.count)
        let sum = unsafe field64_inner_product(words, other.words, count)
        return Field64(unchecked: sum)
    }

    private func requireCount(_ other: Int) throws(FieldError) {
        guard count == other else { throw .countMismatch(expected: count, actual: other) }
    }

    private func requireRange(_ range: Range<Int>, of other: Field64Vector, at offset: Int) throws(FieldError) {
        guard range.lowerBound >= 0, range.upperBound <= other.count else {
            throw .outOfRange(offset: range.lowerBound, count: range.count, available: other.count)
        }
        try requireRange(count: range.count, at: offset)
    }

    private func requireCanonical(_ other: Span<UInt64>, at offset: Int) throws(FieldError) {
        try requireRange(count: other.count, at: offset)
        if let index = other.firstNotCanonical { throw .notCanonical(index: index) }
    }

    /// Refuses elements from `offset` on that do not lie within the vector.
    func requireRange(count other: Int, at offset: Int) throws(FieldError) {
        guard offset >= 0, offset <= count, other <= count - offset else {
            throw .outOfRange(offset: offset, count: other, available: count)
        }
    }

    /// Runs a kernel over the words from `offset` on; the range has been checked.
    private mutating func combine(
        _ other: Span<UInt64>, at offset: Int,
        _ kernel: (UnsafeMutablePointer<UInt64>?, UnsafePointer<UInt64>?, Int) -> Void
    ) {
        isCanonical = false
        unsafe words.withLimbs { words in
            unsafe other.withUnsafeBufferPointer { other in
                guard let source = other.baseAddress else { return }
                unsafe kernel(words + offset, source, other.count)
            }
        }
    }
}
