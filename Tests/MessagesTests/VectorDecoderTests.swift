// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Messages

/// Vectors as they come in, chunk by chunk.
@Suite struct VectorDecoderTests {
    private static let modulus: UInt64 = 0xffff_ffff_0000_0001

    private func vector(_ count: Int) -> Field64Vector {
        Field64Vector(unreduced: (0..<count).map { UInt64($0 + 1) &* 0x9e37_79b9_7f4a_7c15 })
    }

    private func decode(_ bytes: [UInt8], elements: Int, chunk: Int) throws -> (Field64Vector, Digest) {
        var decoder = VectorDecoder(elements: elements)
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            try decoder.consume(Array(bytes[start..<min(start + chunk, bytes.count)]))
        }
        let end = try decoder.finish()
        return (end.vector, end.leaf)
    }

    @Test(arguments: [0, 1, 2, 19, 8191, 8192, 8193, 20_000])
    func theSameVectorAndLeafFromChunksOfAnySize(count: Int) throws {
        let vector = vector(count)
        let bytes = vector.littleEndianBytes()
        for chunk in [1, 7, 8, 4096, 65_535, 65_536, 65_537, 262_144] where bytes.count / chunk < 25_000 {
            let (decoded, leaf) = try decode(bytes, elements: count, chunk: chunk)
            #expect(decoded == vector)
            #expect(leaf == vectorLeaf(vector))
        }
        #expect(vectorLeaf(vector) == VectorLeafHasher.leaf(of: bytes))
    }

    @Test func missingBytes() throws {
        let bytes = vector(3).littleEndianBytes()
        for count in [0, 1, 8, 23] {
            #expect(throws: InvalidMessage.length(message: "Vector", field: "bytes", expected: 24, actual: count)) {
                try decode(Array(bytes.prefix(count)), elements: 3, chunk: 8)
            }
        }
    }

    @Test func bytesTooMany() throws {
        let bytes = vector(4).littleEndianBytes()
        var decoder = VectorDecoder(elements: 3)
        try decoder.consume(Array(bytes[0..<24]))
        #expect(throws: InvalidMessage.length(message: "Vector", field: "bytes", expected: 24, actual: 25)) {
            try decoder.consume([0])
        }
        // What was refused has not been taken in.
        #expect(try decoder.finish().leaf == VectorLeafHasher.leaf(of: Array(bytes[0..<24])))
        var empty = VectorDecoder(elements: 0)
        #expect(throws: InvalidMessage.length(message: "Vector", field: "bytes", expected: 0, actual: 1)) {
            try empty.consume([0])
        }
    }

    @Test(arguments: [modulus, modulus + 1, .max], [0, 1, 9, 18])
    func elementsAtOrAboveTheModulus(word: UInt64, place: Int) {
        var bytes = vector(19).littleEndianBytes()
        for index in 0..<8 { bytes[8 * place + index] = UInt8(truncatingIfNeeded: word >> (8 * index)) }
        for chunk in [5, 8, 1024] {
            #expect(throws: InvalidMessage.range(message: "Vector", field: "element", value: UInt64(place))) {
                try decode(bytes, elements: 19, chunk: chunk)
            }
        }
    }

    @Test func theFirstOfSeveralIsNamed() {
        var bytes = vector(19).littleEndianBytes()
        for index in (8 * 4)..<(8 * 6) { bytes[index] = 0xff }
        #expect(throws: InvalidMessage.range(message: "Vector", field: "element", value: 4)) {
            try decode(bytes, elements: 19, chunk: 64)
        }
    }

    @Test func theLargestElementIsCanonical() throws {
        let largest = try Field64Vector(canonical: [Self.modulus - 1, 0, Self.modulus - 1])
        #expect(try decode(largest.littleEndianBytes(), elements: 3, chunk: 8).0 == largest)
    }
}

/// Sets of members as bitmaps.
@Suite struct SurvivorSetTests {
    @Test func bitsCountFromTheLeastSignificantOfTheFirstByte() {
        let set = SurvivorSet([0, 1, 3, 9], of: 10)
        #expect(set.bitmap == [0x0b, 0x02])
        #expect(set.indices == [0, 1, 3, 9])
        #expect(set.count == 4)
        #expect(SurvivorSet(bitmap: [0x0b, 0x02], of: 10) == set)
        #expect(set.contains(9) && !set.contains(2) && !set.contains(10) && !set.contains(-1))
    }

    @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 1000])
    func everyUnusedBitIsRefused(count: Int) {
        let full = SurvivorSet(0..<count, of: count)
        #expect(full.count == count)
        #expect(SurvivorSet(bitmap: full.bitmap, of: count) == full)
        for bit in count..<8 * full.bitmap.count {
            var bitmap = full.bitmap
            bitmap[bit / 8] |= 1 << (bit % 8)
            #expect(SurvivorSet(bitmap: bitmap, of: count) == nil)
        }
    }

    @Test func bitmapsOfAnotherLengthAreRefused() {
        #expect(SurvivorSet(bitmap: [], of: 3) == nil)
        #expect(SurvivorSet(bitmap: [7, 0], of: 3) == nil)
        #expect(SurvivorSet(bitmap: [0xff], of: 9) == nil)
        #expect(SurvivorSet(bitmap: [], of: 0) == nil)
    }
}
