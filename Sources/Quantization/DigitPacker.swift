// SPDX-License-Identifier: MIT

internal import CVectorKernels
internal import Primitives

/// Packs a stream of digits into elements, a guard after every 2^16 of them and after the last (protocol section 8).
///
/// Balanced digits: Z = Σ_j 2^(bj)·z_j mod p. Digits outside ±`bound` are clamped and counted.
struct DigitPacker: ~Copyable {
    /// How many digits were clamped.
    private(set) var clampedCount = 0

    private let bits: Int
    private let perElement: Int
    private let bound: Int32
    private var digits: [Int32]
    private var held = 0
    private var packed: [UInt64]
    private var inPart = 0
    private var guards: GuardSum
    private var words: [UInt64] = []

    /// Starts a vector of `capacity` elements in the round `ctx`.
    init(bits: Int, bound: Int32, ctx: Digest, capacity: Int) {
        self.bits = bits
        self.bound = bound
        perElement = 64 / bits
        digits = Array(repeating: 0, count: SignedTransform.tile + perElement)
        packed = Array(repeating: 0, count: digits.count / perElement)
        guards = GuardSum(ctx: ctx)
        words.reserveCapacity(capacity)
    }

    /// Packs the next `count` digits, at most a tile: `write` puts them into the array from the given index on and returns
    /// how many it had to saturate.
    ///
    /// Saturated digits are beyond every bound but the largest, 2^31 − 1, which they equal: only there they are counted apart.
    mutating func append(count: Int, write: (inout [Int32], Int) -> Int) {
        let saturated = write(&digits, held)
        clampedCount += packed_clamp(&digits, held, count, bound)
        if bound == .max { clampedCount += saturated }
        held += count
        packWhole()
    }

    /// Fills the last element with zeros, closes the last part, and gives all elements.
    consuming func finish() -> [UInt64] {
        if held > 0 {
            for index in held..<perElement { digits[index] = 0 }
            held = perElement
            packWhole()
        }
        if inPart > 0 { closePart() }
        return words
    }

    private mutating func packWhole() {
        let whole = held / perElement
        var done = 0
        while done < whole {
            let piece = min(whole - done, VectorLayout.guardInterval - inPart)
            packed_pack(&packed, 0, digits, done * perElement, piece, Int32(bits))
            words.append(contentsOf: packed[..<piece])
            guards.absorb(digits, at: done * perElement, count: piece * perElement)
            done += piece
            inPart += piece
            if inPart == VectorLayout.guardInterval { closePart() }
        }
        // Fewer than an element's digits are left.
        for index in whole * perElement..<held { digits[index - whole * perElement] = digits[index] }
        held -= whole * perElement
    }

    private mutating func closePart() {
        words.append(guards.finish())
        inPart = 0
    }
}
