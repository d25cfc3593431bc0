// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Shares

@Suite struct MaskStreamTests {
    @Test func blocksHaveStreamsOfTheirOwn() throws {
        let known = try Known.load("mask-blocks")
        let count = try known.get("D").int()
        let stream = try MaskStream(
            key: MaskKey(SecretBytes(known.get("RK").bytes())), context: known.get("ctx").bytes(),
            party: known.get("id").bytes(), slot: UInt32(known.get("slot").int()))
        let mask = stream.mask(count: count)
        #expect(SHA256.hash(mask.littleEndianBytes()).bytes == (try known.get("sha256").bytes()))
        for block in try known.get("blocks").list() {
            let range = MaskStream.range(of: try block.get("block").int(), count: count)
            #expect(range.count == (try block.get("elements").int()))
            #expect(mask[range.prefix(4)] == (try block.get("first").vector()))
            #expect(mask[range.suffix(4)] == (try block.get("last").vector()))
            #expect(SHA256.hash(mask.littleEndianBytes(of: range)).bytes == (try block.get("sha256").bytes()))
        }
        #expect(stream.mask(count: 0).isEmpty)
        #expect(stream.mask(count: 65_537) == mask[0..<65_537])
    }

    @Test func masksAddedTogetherAreTheSumOfTheMasks() throws {
        // More streams than are open at a time; a length that ends within a tile.
        let count = 2 * 2048 + 5
        let masks = try (0..<70).map { try sampleMask(party: $0, slot: 1) }
        var expected = Field64Vector(count: count)
        for mask in masks { try expected.add(mask.mask(count: count)) }
        var sum = Field64Vector(count: count)
        sum.add(masks: masks)
        #expect(sum == expected)
        sum.subtract(masks: masks)
        #expect(sum == Field64Vector(count: count))
        sum.add(masks: [])
        #expect(sum == Field64Vector(count: count))
    }

    @Test func everyInputOfAMaskMatters() throws {
        let mask = try sampleMask(party: 1, slot: 1).mask(count: 4)
        #expect(try sampleMask(party: 2, slot: 1).mask(count: 4) != mask)
        #expect(try sampleMask(party: 1, slot: 2).mask(count: 4) != mask)
        #expect(try sampleMask(party: 1, slot: 1, round: 2).mask(count: 4) != mask)
        #expect(try sampleMask(party: 1, slot: 1, key: 7).mask(count: 4) != mask)
        #expect(try sampleMask(party: 1, slot: 1).mask(count: 4) == mask)
    }

    @Test func lengthsAreChecked() throws {
        let key = try MaskKey(SecretBytes([UInt8](repeating: 1, count: 32)))
        #expect(throws: ShareError.wrongLength(of: .key, expected: 32, actual: 31)) {
            try MaskKey(SecretBytes([UInt8](repeating: 1, count: 31)))
        }
        #expect(throws: ShareError.wrongLength(of: .context, expected: 32, actual: 33)) {
            try MaskStream(key: key, context: bytes(1, count: 33), party: bytes(1, count: 16), slot: 0)
        }
        #expect(throws: ShareError.wrongLength(of: .party, expected: 16, actual: 0)) {
            try MaskStream(key: key, context: bytes(1, count: 32), party: [], slot: 0)
        }
        #expect("\(key)" == "MaskKey")
    }
}

/// Bytes that all have one value.
func bytes(_ value: Int, count: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(value), count: count)
}

/// A mask with a key derived from its place, unless another is given.
func sampleMask(party: Int, slot: Int, round: Int = 1, key: Int? = nil) throws -> MaskStream {
    let digest = SHA256.hash([UInt8(party), UInt8(slot), UInt8(key ?? 0)])
    return try MaskStream(
        key: MaskKey(SecretBytes(digest)), context: bytes(round, count: 32), party: bytes(party, count: 16),
        slot: UInt32(slot))
}
