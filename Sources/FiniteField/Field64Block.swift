// SPDX-License-Identifier: MIT

internal import CFieldKernels

/// A run of elements of a `Field64Vector` that one thread changes while others change other runs.
///
/// It is lent for the time of a call and can be neither copied nor kept, so that no two threads hold the same elements.
@safe public struct Field64Block: ~Copyable {
    /// The place of the first element in the vector.
    public let start: Int
    /// The number of elements.
    public let count: Int

    private let words: UnsafeMutablePointer<UInt64>

    /// Lends `count` words; the caller keeps them alive and everybody else away from them.
    init(start: Int, count: Int, words: UnsafeMutablePointer<UInt64>) {
        self.start = start
        self.count = count
        unsafe self.words = words
    }

    /// Adds those words that are below the modulus to the elements from `offset` on, one behind the other, and skips the
    /// rest: rejection sampling as in protocol section 2. Returns how many were added.
    ///
    /// The words must fit the block. How many were skipped shows in the time: they are no part of the result.
    public borrowing func add(accepting words: Span<UInt64>, at offset: Int) -> Int {
        unsafe combine(words, at: offset) { unsafe field64_add_accepted($0, $1, $2) }
    }

    /// Subtracts words as `add(accepting:at:)` adds them.
    public borrowing func subtract(accepting words: Span<UInt64>, at offset: Int) -> Int {
        unsafe combine(words, at: offset) { unsafe field64_subtract_accepted($0, $1, $2) }
    }

    private borrowing func combine(
        _ other: Span<UInt64>, at offset: Int,
        _ kernel: (UnsafeMutablePointer<UInt64>, UnsafePointer<UInt64>, Int) -> Int
    ) -> Int {
        precondition(
            offset >= 0 && offset <= count && other.count <= count - offset,
            "\(other.count) words at \(offset) do not fit a block of \(count)")
        return unsafe other.withUnsafeBufferPointer { other in
            guard let source = other.baseAddress else { return 0 }
            return unsafe kernel(words + offset, source, other.count)
        }
    }
}
