// SPDX-License-Identifier: MIT

import CVectorKernels
import FiniteField
import Primitives
import Testing

@testable import Quantization

/// `packing.json`: digits, elements, guards, sums and overflows, as an implementation in another language computes them.
@Suite struct PackingVectorTests {
    private static let bitCounts = [7, 8, 9, 12, 16, 21, 32]

    /// Reading the file takes most of the time of these tests.
    private static let file = Result { try Known.load("packing") }

    private let known: Known
    private let ctx: Digest

    init() throws {
        known = try Self.file.get()
        ctx = try #require(Digest(bytes: known.get("guardCtx").bytes()))
    }

    private func row(_ bits: Int) throws -> Known {
        try #require(try known.get("table").list().first { try $0.get("b").int() == bits })
    }

    @Test func theSeedAndTheCoefficientsOfTheGuards() throws {
        #expect(LabeledBytes("guard").fixed(ctx).hash.bytes == (try known.get("guardSeed").bytes()))
        var guards = GuardSum(ctx: ctx)
        for index in 0..<2 {
            let expected = try known.get("c").get("guard \(index)").list().map { try $0.int() }
            for length in 1...expected.count {
                // One digit 1, all before it 0, shows one coefficient.
                var fresh = GuardSum(ctx: ctx)
                for _ in 0..<index { _ = fresh.finish() }
                fresh.absorb([Int32](repeating: 0, count: length - 1) + [1], at: 0, count: length)
                #expect(fresh.finish() == UInt64(expected[length - 1]))
            }
            guards.absorb([Int32](repeating: -1, count: expected.count), at: 0, count: expected.count)
            #expect(guards.finish() == 0xffff_ffff_0000_0001 - UInt64(expected.reduce(0, +)))
        }
    }

    @Test(arguments: bitCounts) func digitsBecomeElementsAndElementsDigits(bits: Int) throws {
        let row = try row(bits)
        #expect(EncodingScale.digitsPerElement(bits: bits) == (try row.get("L").int()))
        for known in try row.get("cases").list() {
            let digits = try known.get("digits").digits()
            let words = packed(digits, bits: bits)
            #expect(words[0] == (try known.get("element").element()))
            let value = Field64Vector(unreduced: [words[0]]).signedValues()[0]
            #expect(String(value) == (try known.get("Z").text()))
            let read = unpacked(words, bits: bits, count: digits.count)
            #expect(read.digits == digits && read.overflowed == nil)
        }
    }

    @Test(arguments: bitCounts) func sumsOfElementsAreSumsOfDigits(bits: Int) throws {
        for known in try row(bits).get("sums").list() {
            var sum = Field64Vector(count: 2)
            for addend in try known.get("addends").list() {
                let words = packed(try addend.get("digits").digits(), bits: bits)
                #expect(words[0] == (try addend.get("element").element()))
                try sum.add(Field64Vector(canonical: words))
            }
            #expect(sum[0] == (try known.get("element").element()))
            let read = unpacked(sum.canonicalWords(), bits: bits, count: 64 / bits)
            #expect(read.digits == (try known.get("digits").digits()) && read.overflowed == nil)
        }
    }

    @Test(arguments: bitCounts) func overflowsAreSeenEvenWhereTheyDecodeInRange(bits: Int) throws {
        for known in try row(bits).get("overflow").list() {
            var sum = Field64Vector(count: 2)
            for (index, addend) in try known.get("digits").list().enumerated() {
                let words = packed(try addend.digits(), bits: bits)
                #expect(words[0] == (try known.get("elements").list()[index].element()))
                #expect(words[1] == (try known.get("guards").list()[index].element()))
                try sum.add(Field64Vector(canonical: words))
            }
            let words = sum.canonicalWords()
            #expect(words == [try known.get("element").element(), try known.get("guard").element()])
            let read = unpacked(words, bits: bits, count: 64 / bits)
            #expect(read.overflowed == 0)
            #expect(read.digits == (try known.get("decoded").digits()))
            var guards = GuardSum(ctx: ctx)
            guards.absorb(read.digits, at: 0, count: read.digits.count)
            #expect(guards.finish() == (try known.get("guard of decoded").element()))
            // What the digits alone would show.
            var digits = [Int32](repeating: 0, count: 64 / bits)
            let refused = packed_unpack(&digits, 0, words, 0, 1, Int32(bits))
            let inRange = try known.get("decodesInRange").int() == 1
            #expect((refused == 0) == inRange)
            let lowest = Int32(truncatingIfNeeded: Int64(-1) << (bits - 1))
            #expect(inRange == (try known.get("rest").text() == "0" && !digits.contains(lowest)))
        }
    }

    /// d = (Z << (64−b)) >> (64−b), Z = (Z >> b) + ((Z >> (b−1)) & 1): after L digits the rest is 0 and no digit −2^(b−1).
    @Test(arguments: 7...32) func anyElementIsReadByTheProtocolsFormula(bits: Int) throws {
        let largest: UInt64 = 0x7fff_ffff_8000_0000
        var random = TestRandom(seed: UInt64(bits))
        var words: [UInt64] = [0, 1, 2 * largest, largest, largest + 1, largest - 1 << 32, largest - 1 << 40]
        words += (0..<400).map { _ in random.next() % (2 * largest + 1) }
        words += (0..<200).map { index in (random.next() >> (index % 64)) % (2 * largest + 1) }
        let perElement = 64 / bits
        var all: [Int32] = []
        var refusedCount = 0
        for word in words {
            var value = Field64Vector(unreduced: [word]).signedValues()[0]
            var expected: [Int32] = []
            for _ in 0..<perElement {
                expected.append(Int32((value << (64 - bits)) >> (64 - bits)))
                value = (value >> bits) + ((value >> (bits - 1)) & 1)
            }
            let refused = value != 0 || expected.contains { Int64($0) == Int64(-1) << (bits - 1) }
            var digits = [Int32](repeating: 0, count: perElement)
            #expect((packed_unpack(&digits, 0, [word], 0, 1, Int32(bits)) > 0) == refused, "\(word)")
            #expect(digits == expected, "\(word)")
            all += expected
            refusedCount += refused ? 1 : 0
        }
        var digits = [Int32](repeating: 0, count: all.count)
        _ = packed_unpack(&digits, 0, words, 0, words.count, Int32(bits))
        #expect(digits == all)
        #expect(refusedCount > 0 && refusedCount < words.count)
    }

    /// A guard that fits what was decoded, as an overflow could have it by chance: the digits show it by themselves.
    @Test(arguments: 7...32) func digitsThatNoSumHasAreOverflowsWhateverTheGuardSays(bits: Int) throws {
        let sums: [(word: UInt64, overflows: Bool)] = [
            (1 << (bits - 1) - 1, false), (1 << (bits - 1), true), (0x7fff_ffff_8000_0000, true),
            (0xffff_ffff_0000_0001 - 1 << (bits - 1), true), (0x7fff_ffff_8000_0001, true),
        ]
        for (word, overflows) in sums {
            let perElement = 64 / bits
            var digits = [Int32](repeating: 0, count: perElement)
            _ = packed_unpack(&digits, 0, [word], 0, 1, Int32(bits))
            var guards = GuardSum(ctx: ctx)
            guards.absorb(digits, at: 0, count: perElement)
            let read = unpacked([word, guards.finish()], bits: bits, count: perElement)
            #expect(read.overflowed == (overflows ? 0 : nil))
        }
    }

    @Test func theLastElementIsPaddedWithZeros() throws {
        let padded = try known.get("paddedLastElement")
        let bits = try padded.get("b").int()
        var sum = Field64Vector(count: 4)
        for (digits, expected) in zip(
            try padded.get("digits").list(), try padded.get("elementsAndGuard").list())
        {
            let words = packed(try digits.digits(), bits: bits)
            #expect(words == (try expected.vector().canonicalWords()))
            try sum.add(Field64Vector(canonical: words))
        }
        let expected = try padded.get("sum").digits()
        let read = unpacked(sum.canonicalWords(), bits: bits, count: expected.count)
        #expect(read.digits == expected && read.overflowed == nil)
    }

    @Test func aGuardStandsAfterEvery65536Elements() throws {
        let two = try known.get("twoGuards")
        let digits = (0..<524_300).map { Int32(40503 * $0 % 255 - 127) }
        let words = packed(digits, bits: 8)
        #expect(words.count == (try two.get("elements").int()))
        #expect(words[try two.get("guard 0 at").int()] == (try two.get("guard 0").element()))
        #expect(words[try two.get("guard 1 at").int()] == (try two.get("guard 1").element()))
        #expect(words[words.count - 2] == (try two.get("last packed").element()))
        let bytes = try Field64Vector(canonical: words).littleEndianBytes()
        #expect(SHA256.hash(bytes).bytes == (try two.get("sha256").bytes()))
        var leaf = VectorLeafHasher()
        leaf.update(bytes)
        #expect(leaf.finalize().bytes == (try two.get("leaf").bytes()))
        let read = unpacked(words, bits: 8, count: digits.count)
        #expect(read.digits == digits && read.overflowed == nil)
        // An overflow behind the first guard is the second one's.
        var changed = words
        changed[65_538] += 1
        #expect(unpacked(changed, bits: 8, count: digits.count).overflowed == 1)
        changed = words
        changed[65_536] += 1
        #expect(unpacked(changed, bits: 8, count: digits.count).overflowed == 0)
    }

    private func packed(_ digits: [Int32], bits: Int) -> [UInt64] {
        packedDigits(digits, bits: bits, bound: .max, ctx: ctx).words
    }

    private func unpacked(_ words: [UInt64], bits: Int, count: Int) -> (digits: [Int32], overflowed: Int?) {
        var reader = DigitReader(words, packed: 0..<words.count, bits: bits, checking: ctx)
        var digits: [Int32] = []
        while digits.count < count {
            let piece = min(SignedTransform.tile, count - digits.count)
            reader.next(piece)
            digits += reader.digits[..<piece]
        }
        return (digits, reader.overflowedGuard)
    }
}

/// Runs digits through a packer.
func packedDigits(
    _ digits: [Int32], bits: Int, bound: Int32, ctx: Digest
) -> (words: [UInt64], clamped: Int) {
    var packer = DigitPacker(bits: bits, bound: bound, ctx: ctx, capacity: 0)
    for start in stride(from: 0, to: digits.count, by: SignedTransform.tile) {
        let count = min(SignedTransform.tile, digits.count - start)
        packer.append(count: count) { target, at in
            target.replaceSubrange(at..<at + count, with: digits[start..<start + count])
            return 0
        }
    }
    let clamped = packer.clampedCount
    return (packer.finish(), clamped)
}
