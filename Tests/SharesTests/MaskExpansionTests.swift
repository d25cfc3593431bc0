// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Shares

@Suite struct MaskExpansionTests {
    /// A mask as protocol section 5 defines it, block by block, without anything of the code under test but the XOF.
    private func definition(_ mask: MaskStream, count: Int, blockElements: Int) -> [UInt64] {
        stride(from: 0, to: count, by: blockElements).enumerated().flatMap { block, start in
            let numbers = [mask.slot, UInt32(block)].flatMap { number in
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
            }
            var stream = XofHmacSha256Aes128(
                seed: mask.key.secret, dst: "summand/v1 mask", binder: mask.context + mask.party + numbers)
            return stream.nextFieldWords(count: min(blockElements, count - start))
        }
    }

    private func sum(_ masks: [MaskStream], count: Int, blockElements: Int) throws -> Field64Vector {
        var sum = Field64Vector(count: count)
        for mask in masks {
            try sum.add(contentsOf: definition(mask, count: count, blockElements: blockElements).span)
        }
        return sum
    }

    /// Blocks, tiles and vectors that do not divide each other; more and fewer blocks than threads.
    @Test(arguments: [1, 2, 3, 8], [(0, 7), (1, 1), (20, 7), (1500, 1500), (1300, 600), (5000, 613)])
    func anyThreadsAndBlocksGiveTheSameElements(threads: Int, size: (count: Int, block: Int)) throws {
        let masks = try (0..<3).map { try sampleMask(party: $0, slot: 2) }
        let expected = try sum(masks, count: size.count, blockElements: size.block)
        let start = Field64Vector(unreduced: [UInt64](repeating: .max, count: size.count))
        for operation in [MaskExpansion.Operation.add, .subtract] {
            var wanted = start
            if operation == .add { try wanted.add(expected) } else { try wanted.subtract(expected) }
            let expansion = MaskExpansion(
                masks: masks, operation: operation, threads: threads, blockElements: size.block)
            var (byBlocks, byMasks, chosen) = (start, start, start)
            expansion.applyByBlocks(to: &byBlocks, threads: threads)
            expansion.applyByMasks(to: &byMasks, threads: min(threads, masks.count))
            expansion.apply(to: &chosen)
            #expect(byBlocks == wanted)
            #expect(byMasks == wanted)
            #expect(chosen == wanted)
        }
    }

    /// Long enough that threads are started, for both ways of sharing the work.
    @Test(arguments: [(3 * MaskStream.blockElements + 5, 2), (20_000, 15)])
    func threadsAreStartedForLongVectorsAndGiveTheSameElements(count: Int, maskCount: Int) throws {
        var random = SystemRandom()
        let masks = try (0..<maskCount).map { try sampleMask(party: $0, slot: 1) }
        let expected = try sum(masks, count: count, blockElements: MaskStream.blockElements)
        for threads in [1, 2, 5] {
            var vector = Field64Vector(count: count)
            vector.add(masks: masks, threads: threads)
            #expect(vector == expected)
            let share = try AggregateShare(of: masks, count: count, threads: threads, using: &random)
            #expect(share.vector == expected)
            vector.subtract(masks: masks, threads: threads)
            #expect(vector == Field64Vector(count: count))
            let explicit = try ExplicitShare(
                masking: expected, with: (0..<2).map { try sampleMask(party: 1, slot: $0) }, threads: threads)
            #expect(explicit.vector.count == count)
        }
    }

    @Test func anyBlockIsHadByItself() throws {
        let mask = try sampleMask(party: 1, slot: 1)
        let whole = definition(mask, count: 2000, blockElements: 600)
        for block in [3, 0, 2, 1] {
            var tiles = MaskTiles(XofMaskSource(masks: [mask]))
            var words: [UInt64] = []
            let count = min(600, 2000 - 600 * block)
            tiles.expand(maskCount: 1, block: block, count: count) { span, offset in
                #expect(offset == words.count)
                for index in 0..<span.count { words.append(span[index]) }
                return span.count
            }
            #expect(words == Array(whole[600 * block..<600 * block + count]))
        }
    }
}
