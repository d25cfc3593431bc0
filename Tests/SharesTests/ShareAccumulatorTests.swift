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

    private func accumulator(checking block: UInt64) throws -> ShareAccumulator {
        // Int.random(in: 0..<2) takes the high bits of the number.
        var generator = FixedGenerator(value: block << 63)
        return try ShareAccumulator(context: context, count: count, using: &generator)
    }

    private func share(_ word: UInt64) throws -> ExplicitShare {
        try ExplicitShare(
            context: context, vector: Field64Vector(canonical: [UInt64](repeating: word, count: count)))
    }

    @Test(arguments: [0, 1] as [UInt64])
    func aFaultInTheCheckedBlockIsFound(block: UInt64) throws {
        var accumulator = try accumulator(checking: block)
        #expect(accumulator.checkedBlock == Int(block))
        try accumulator.add(share(Field64.modulus - 1))
        try accumulator.add(share(5))
        try accumulator.add(masks: [sampleMask(party: 1, slot: 1)])
        let sum = try accumulator.finish()
        #expect(accumulator.operandCount == 3)
        accumulator.injectFault(at: block == 0 ? MaskStream.blockElements - 1 : MaskStream.blockElements)
        #expect(throws: ShareError.selfCheckFailed(block: Int(block))) { try accumulator.finish() }

        var elsewhere = try self.accumulator(checking: 1 - block)
        try elsewhere.add(share(4))
        try elsewhere.add(masks: [sampleMask(party: 1, slot: 1)])
        #expect(try elsewhere.finish() == sum)
        elsewhere.injectFault(at: block == 0 ? 0 : MaskStream.blockElements + 2)
        #expect(try elsewhere.finish() != sum, "another block's fault passes: one block in a round is checked")
    }

    @Test func aFaultStaysVisibleWhateverIsAddedLater() throws {
        var accumulator = try accumulator(checking: 1)
        accumulator.injectFault(at: count - 1)
        try accumulator.add(share(1))
        try accumulator.subtract(AggregateShare(context: context, slot: 0, vector: share(1).vector))
        #expect(throws: ShareError.selfCheckFailed(block: 1)) { try accumulator.finish() }
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
