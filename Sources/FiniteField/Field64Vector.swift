// SPDX-License-Identifier: MIT

internal import CFieldKernels

/// A vector over Field64, one word an element.
///
/// Sums are kept *lazily*: a word may be any representative below 2^64 until it is read, and reading reduces it. Bulk
/// operations run over all words whatever their values are.
public struct Field64Vector: Sendable {
    /// Representatives, canonical when `isCanonical`.
    var words: [UInt64]
    /// False when some word may be p or more.
    var isCanonical: Bool

    /// Makes a vector of zeros.
    public init(count: Int) {
        words = Array(repeating: 0, count: count)
        isCanonical = true
    }

    /// Takes elements that must all be below the modulus.
    ///
    /// - Throws: `notCanonical` with the index of the first that is not.
    public init(canonical elements: [UInt64]) throws(FieldError) {
        if let index = elements.span.firstNotCanonical { throw .notCanonical(index: index) }
        words = elements
        isCanonical = true
    }

    /// Takes any words, reduced modulo p.
    public init(unreduced elements: [UInt64]) {
        words = elements
        isCanonical = false
    }

    /// Maps signed integers; a negative value v stands for p + v.
    public init(signed values: [Int64]) {
        words = Array(repeating: 0, count: values.count)
        isCanonical = true
        unsafe words.withLimbs { unsafe field64_from_signed($0, values, values.count) }
    }

    /// The number of elements.
    public var count: Int { words.count }

    /// Whether there is no element.
    public var isEmpty: Bool { words.isEmpty }

    /// The element at an index, as the word below the modulus.
    public subscript(index: Int) -> UInt64 {
        get { Field64(reducing: words[index]).canonical }
        set { words[index] = Field64(reducing: newValue).canonical }
    }

    /// Copies all elements out, as words below the modulus.
    public func canonicalWords() -> [UInt64] {
        var copy = self
        copy.canonicalize()
        return copy.words
    }

    /// Copies all elements out as the integers of least magnitude they stand for, in ±(p − 1)/2.
    public func signedValues() -> [Int64] {
        var values = [Int64](repeating: 0, count: count)
        unsafe field64_to_signed(&values, words, count)
        return values
    }

    /// Reduces every word below the modulus; free when that is already so.
    public mutating func canonicalize() {
        guard !isCanonical else { return }
        let count = count
        unsafe words.withLimbs { unsafe field64_canonicalize($0, count) }
        isCanonical = true
    }

    /// Puts another vector's elements behind one's own.
    public mutating func append(_ other: Field64Vector) {
        words += other.words
        isCanonical = isCanonical && other.isCanonical
    }

    /// Copies out the elements of a range within `0..<count`.
    public subscript(range: Range<Int>) -> Field64Vector {
        var part = Field64Vector(unreduced: Array(words[range]))
        part.isCanonical = isCanonical
        return part
    }
}

extension Field64Vector: Equatable {
    /// Compares the elements, whatever words represent them, in a time that depends on the lengths alone.
    public static func == (a: Field64Vector, b: Field64Vector) -> Bool {
        guard a.count == b.count else { return false }
        return unsafe field64_are_equal(a.words, b.words, a.count) != 0
    }
}

extension Span<UInt64> {
    /// The index of the first word that is not below the modulus of Field64.
    var firstNotCanonical: Int? {
        let index = unsafe withUnsafeBufferPointer { words in
            guard let base = words.baseAddress else { return 0 }
            return unsafe field64_first_noncanonical(base, words.count)
        }
        return index < count ? index : nil
    }
}
