// SPDX-License-Identifier: MIT

public import FiniteField

/// Where everything lies in a vector X: packed elements with their guards, weight, metrics (4), check (2), blind (2)
/// (protocol section 8).
public struct VectorLayout: Sendable, Hashable {
    /// Packed elements between two guards.
    static let guardInterval = 1 << 16
    /// The largest transform block.
    static let blockMax = 1 << 16
    /// The smallest transform block.
    static let blockMin = 1 << 8

    /// Model elements with their guards.
    public let packed: Range<Int>

    /// D, the number of elements.
    public var count: Int { blind.upperBound }
    /// The sum of the weights.
    public var weight: Int { packed.upperBound }
    /// Σ loss, correct, tested, clipped.
    public var metrics: Range<Int> { weight + 1..<weight + 5 }
    /// What the check inside the vector covers: all but check and blind (protocol section 7).
    public var checked: Range<Int> { 0..<metrics.upperBound }
    /// t_i, 1-part then w-part.
    public var check: Range<Int> { metrics.upperBound..<metrics.upperBound + 2 }
    /// Two uniformly random elements.
    public var blind: Range<Int> { check.upperBound..<check.upperBound + 2 }

    /// Computes the layout for a model of `parameterCount` parameters, 0 in a closing round.
    ///
    /// - Throws: `encodingUnknown`.
    public init(bits: Int, parameterCount: Int) throws(QuantizationError) {
        guard let digits = EncodingScale.digitsPerElement(bits: bits) else { throw .encodingUnknown(bits: bits) }
        self.init(digits: digits, isExact: bits == EncodingScale.exactBits, parameterCount: parameterCount)
    }

    init(digits: Int, isExact: Bool, parameterCount: Int) {
        if isExact {
            packed = 0..<parameterCount
            return
        }
        let coordinates = Self.transformBlocks(parameterCount: parameterCount).reduce(0, +)
        let elements = (coordinates + digits - 1) / digits
        packed = 0..<elements + (elements + Self.guardInterval - 1) / Self.guardInterval
    }

    /// The lengths of the blocks that packed encodings transform: 2^16 as often as it fits, then the largest power of two that
    /// fits the rest, down to 2^8, the last padded.
    public static func transformBlocks(parameterCount: Int) -> [Int] {
        var blocks = [Int](repeating: blockMax, count: parameterCount / blockMax)
        var rest = parameterCount % blockMax
        while rest > 0 {
            let largest = max(blockMin, 1 << (Int.bitWidth - 1 - rest.leadingZeroBitCount))
            blocks.append(largest)
            rest -= largest
        }
        return blocks
    }

    /// Writes check and blind over the last four elements of a vector.
    ///
    /// - Throws: `countMismatch` when the vector has not D elements or the blind not two.
    public func place(
        check value: Field64Extension, blind words: [UInt64], in vector: inout Field64Vector
    ) throws(QuantizationError) {
        guard vector.count == count else { throw .countMismatch(expected: count, actual: vector.count) }
        guard words.count == blind.count else {
            throw .countMismatch(expected: blind.count, actual: words.count)
        }
        for (index, word) in zip(check.lowerBound..<blind.upperBound, [value.one, value.w] + words) {
            vector[index] = word
        }
    }

    /// Reads the check out of a vector.
    ///
    /// - Throws: `countMismatch` when the vector has not D elements.
    public func check(in vector: Field64Vector) throws(QuantizationError) -> Field64Extension {
        guard vector.count == count else { throw .countMismatch(expected: count, actual: vector.count) }
        return Field64Extension(one: vector[check.lowerBound], w: vector[check.lowerBound + 1])
    }
}
