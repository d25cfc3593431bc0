// SPDX-License-Identifier: MIT

internal import CVectorKernels
internal import Primitives

/// Reads the digits out of a sum, and looks whether any of them overflowed (protocol section 8).
struct DigitReader: ~Copyable {
    /// The first guard whose part overflowed, as far as was read: the guard does not fit its digits, one of those is
    /// −2^(b−1), or an element has a rest behind its last.
    private(set) var overflowedGuard: Int?
    /// Begins with the digits that were read last.
    private(set) var digits: [Int32]

    private let words: [UInt64]
    private let bits: Int
    private let perElement: Int
    private var held = 0
    private var unread = 0
    private var position: Int
    private let end: Int
    private var inPart = 0
    private var part = 0
    private var guards: GuardSum?

    /// Reads `packed` of canonical words.
    ///
    /// - Parameter ctx: the round whose guards are checked; nil when they were checked before.
    init(_ words: [UInt64], packed: Range<Int>, bits: Int, checking ctx: Digest?) {
        self.words = words
        self.bits = bits
        perElement = 64 / bits
        position = packed.lowerBound
        end = packed.upperBound
        digits = Array(repeating: 0, count: SignedTransform.tile + 2 * perElement)
        if let ctx { guards = GuardSum(ctx: ctx) } else { guards = nil }
    }

    /// Reads the next `count` digits, at most a tile; the vector has them.
    mutating func next(_ count: Int) {
        for index in 0..<held { digits[index] = digits[unread + index] }
        while held < count {
            // A part ends after 2^16 elements, or before the guard that is the vector's last.
            let wanted = (count - held + perElement - 1) / perElement
            let piece = min(wanted, VectorLayout.guardInterval - inPart, end - 1 - position)
            if packed_unpack(&digits, held, words, position, piece, Int32(bits)) > 0 { noteOverflow() }
            guards?.absorb(digits, at: held, count: piece * perElement)
            position += piece
            inPart += piece
            held += piece * perElement
            if inPart == VectorLayout.guardInterval || position == end - 1 { closePart() }
        }
        held -= count
        unread = count
    }

    /// Adds the squares of the first `count` digits that were read last to two sums, worth sums[0] + sums[1]·2^32.
    func addSquares(_ count: Int, to sums: inout [UInt64]) {
        packed_squares(&sums, digits, 0, count, Int32(bits))
    }

    private mutating func closePart() {
        if let expected = guards?.finish(), expected != words[position] { noteOverflow() }
        position += 1
        part += 1
        inPart = 0
    }

    private mutating func noteOverflow() {
        if overflowedGuard == nil { overflowedGuard = part }
    }
}
