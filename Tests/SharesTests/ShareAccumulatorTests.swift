// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Shares

/// Gives one number for ever.
private struct FixedGenerator: RandomNumberGenerator {
    let value: UInt64

    mutating func next() -> UInt64 { value }
}

@Suite struct ShareAccumulatorTests {
    private let context = bytes(1, count: 32)
    /// Two blocks, the second of three elements.
    private let count = MaskStream.blockElements + 3

    private func accumulator(
        checking block: UInt64, _ arithmetic: Arithmetic = .field64
    ) throws -> ShareAccumulator {
        // Int.random(in: 0..<2) takes the high bits of the number.
        var generator = FixedGenerator(value: block << 63)
        return try ShareAccumulator(context: context, count: count, arithmetic: arithmetic, using: &generator)
    }

    private func share(_ word: UInt64) throws -> ExplicitShare {
        try ExplicitShare(
            context: context, vector: Field64Vector(canonical: [UInt64](repeating: word, count: count)))
    }

    @Test(arguments: [0, 1] as [UInt64], Arithmetic.allCases)
    func aFaultInTheCheckedBlockIsFound(block: UInt64, arithmetic: Arithmetic) throws {
        var accumulator = try accumulator(checking: block, arithmetic)
        #expect(accumulator.checkedBlock == Int(block))
        try accumulator.add(share(Field64.modulus - 1))
        try accumulator.add(share(5))
        try accumulator.add(masks: [sampleMask(party: 1, slot: 1)])
        let sum = try accumulator.finish()
        #expect(accumulator.operandCount == 3)
        try accumulator.injectFault(at: block == 0 ? MaskStream.blockElements - 1 : MaskStream.blockElements)
        #expect(throws: ShareError.selfCheckFailed(block: Int(block))) { try accumulator.finish() }

        var elsewhere = try self.accumulator(checking: 1 - block, arithmetic)
        try elsewhere.add(share(4))
        try elsewhere.add(masks: [sampleMask(party: 1, slot: 1)])
        #expect(try elsewhere.finish() == sum)
        try elsewhere.injectFault(at: block == 0 ? 0 : MaskStream.blockElements + 2)
        #expect(try elsewhere.finish() != sum, "another block's fault passes: one block in a round is checked")
    }

    @Test(arguments: Arithmetic.allCases)
    func aFaultStaysVisibleWhateverIsAddedLater(arithmetic: Arithmetic) throws {
        var accumulator = try accumulator(checking: 1, arithmetic)
        try accumulator.injectFault(at: count - 1)
        try accumulator.add(share(1))
        try accumulator.subtract(AggregateShare(context: context, slot: 0, vector: share(1).vector))
        #expect(throws: ShareError.selfCheckFailed(block: 1)) { try accumulator.finish() }
    }

    /// The same operands, one by one and with masks, in blocks of a few elements, the last one shorter.
    @Test(arguments: [0, 1, 7, 8, 9, 64])
    func bothArithmeticsGiveTheSameSum(count: Int) throws {
        var random = SystemRandom()
        let masks = try [1, 2, 3].map { try sampleMask(party: $0, slot: 1) }
        let vectors = [UInt64.max, 0, Field64.modulus, Field64.modulus - 1, 5].map {
            Field64Vector(unreduced: [UInt64](repeating: $0, count: count))
        }
        let sums = try Arithmetic.allCases.map { arithmetic in
            var accumulator = try ShareAccumulator(
                context: context, count: count, arithmetic: arithmetic, blockElements: 8, using: &random)
            for vector in vectors { try accumulator.add(ExplicitShare(context: context, vector: vector)) }
            try accumulator.add(masks: masks, threads: 2)
            try accumulator.subtract(AggregateShare(context: context, slot: 0, vector: vectors[0]))
            try accumulator.subtract(AggregateShare(context: context, slot: 1, vector: vectors[3]))
            #expect(accumulator.count == count)
            return try accumulator.finish()
        }
        #expect(sums[0] == sums[1])
        #expect(sums[0].littleEndianBytes() == sums[1].littleEndianBytes())
    }

    /// Masks of more than one block, masked and summed: the shares are the same bytes, whoever added.
    @Test func sharesDoNotDependOnTheArithmetic() throws {
        var random = SystemRandom()
        let secret = Field64Vector(unreduced: (0..<UInt64(count)).map { .max &- $0 &* 0x9E37_79B9_7F4A_7C15 })
        let own = try [1, 2].map { try sampleMask(party: 1, slot: $0) }
        let held = try [1, 2].map { try sampleMask(party: $0, slot: 1) }
        let explicit = try Arithmetic.allCases.map { try ExplicitShare(masking: secret, with: own, arithmetic: $0) }
        #expect(explicit[0].vector.littleEndianBytes() == explicit[1].vector.littleEndianBytes())
        #expect(explicit[0].vector != secret)
        let aggregates = try Arithmetic.allCases.map {
            try AggregateShare(of: held, count: count, arithmetic: $0, using: &random)
        }
        #expect(aggregates[0].vector.littleEndianBytes() == aggregates[1].vector.littleEndianBytes())
        let sums = try Arithmetic.allCases.map {
            try AdditiveSharing.reconstruct(
                explicit: explicit, aggregates: [aggregates[0]], arithmetic: $0, using: &random)
        }
        #expect(sums[0] == sums[1])
    }

    @Test func theBlockIsDrawnFromTheGenerator() throws {
        var random = SystemRandom()
        let blocks = try Set(
            (0..<64).map { _ in
                try ShareAccumulator(context: context, count: count, using: &random).checkedBlock
            })
        #expect(blocks == [0, 1])
    }

    @Test func sharesOfAnotherRoundOrLengthAreRefused() throws {
        var random = SystemRandom()
        var accumulator = try ShareAccumulator(context: context, count: 3, using: &random)
        let other = bytes(2, count: 32)
        let foreign = ShareError.contextMismatch(expected: context, actual: other)
        #expect(throws: foreign) {
            try accumulator.add(ExplicitShare(context: other, vector: Field64Vector(count: 3)))
        }
        #expect(throws: foreign) {
            try accumulator.subtract(AggregateShare(context: other, slot: 0, vector: Field64Vector(count: 3)))
        }
        #expect(throws: foreign) { try accumulator.add(masks: [sampleMask(party: 1, slot: 1, round: 2)]) }
        #expect(throws: ShareError.countMismatch(expected: 3, actual: 4)) {
            try accumulator.add(ExplicitShare(context: context, vector: Field64Vector(count: 4)))
        }
        #expect(throws: ShareError.wrongLength(of: .context, expected: 32, actual: 31)) {
            try ExplicitShare(context: bytes(1, count: 31), vector: Field64Vector(count: 3))
        }
        #expect(throws: ShareError.wrongLength(of: .context, expected: 32, actual: 0)) {
            try ShareAccumulator(context: [], count: 3, using: &random)
        }
        #expect(accumulator.operandCount == 0)
        #expect(try accumulator.finish() == Field64Vector(count: 3))
    }

    @Test func errorsNameTheBlock() {
        #expect("\(ShareError.selfCheckFailed(block: 7))".contains("block 7"))
        #expect("\(ShareError.duplicateParty([0, 255]))".contains("00ff"))
    }

    @Test func anEmptyVectorIsNoSpecialCase() throws {
        var random = SystemRandom()
        var accumulator = try ShareAccumulator(context: context, count: 0, using: &random)
        try accumulator.add(ExplicitShare(context: context, vector: Field64Vector(count: 0)))
        try accumulator.add(masks: [sampleMask(party: 1, slot: 1)])
        #expect(try accumulator.finish().isEmpty)
    }
}
