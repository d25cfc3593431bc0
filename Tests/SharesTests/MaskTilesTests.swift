// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Synchronization
import Testing

@testable import Shares

/// Streams below the seed: the words of every mask are given, and each reading is recorded.
private struct ScriptedSource: MaskSource, ~Copyable {
    /// Words of each mask, rejected ones included.
    let scripts: [[UInt64]]
    let read: Mutex<[Int]>
    var mask: [Int]

    init(_ scripts: [[UInt64]]) {
        self.scripts = scripts
        read = Mutex(scripts.map { _ in 0 })
        mask = scripts.map { _ in 0 }
    }

    mutating func start(_ stream: Int, mask: Int, block: Int) {
        self.mask[stream] = mask
        read.withLock { $0[mask] = 0 }
    }

    mutating func read(_ stream: Int, into tile: inout SecretWords, count: Int) {
        let mask = mask[stream]
        let start = read.withLock { $0[mask] }
        tile.withMutableWords(count) { words in
            for index in 0..<count { words[index] = scripts[mask][start + index] }
        }
        read.withLock { $0[mask] += count }
    }
}

@Suite struct MaskTilesTests {
    private static let tile = MaskTileSize.elements
    /// Two whole tiles and a part of one.
    private static let count = 2 * tile + 100

    /// Where words are rejected, counted among the words drawn: alone, at the last word of a tile, of a whole read, of
    /// the block, among the words that replace rejected ones, and many in a row.
    static let rejections: [[Int]] = [
        [], [0], [tile - 1], [tile], [tile - 1, tile], [count - 1], [count - 1, count, count + 1],
        [0, tile - 1, 2 * tile - 1, count - 1], Array(tile - 3..<tile + 3), Array(0..<tile + 1),
        [tile - 1, tile + 1, tile + 3], [count - 1, count + 1],
    ]

    /// Words with given rejected places: as many as a block of `count` elements needs, then one that must not be read.
    private func script(_ mask: Int, rejecting places: [Int], count: Int) -> (words: [UInt64], kept: [UInt64]) {
        let rejected = Set(places)
        var words: [UInt64] = []
        var kept: [UInt64] = []
        while kept.count < count {
            if rejected.contains(words.count) {
                words.append(words.count.isMultiple(of: 2) ? Field64.modulus : .max)
            } else {
                kept.append(Field64.modulus - 1 - UInt64(kept.count * 7 + mask))
                words.append(kept[kept.count - 1])
            }
        }
        return (words, kept)
    }

    @Test(arguments: rejections)
    func rejectedWordsShiftTheirOwnStreamOnlyAndNoWordIsReadInVain(places: [Int]) throws {
        let scripts = (0..<3).map { script($0, rejecting: $0 == 1 ? places : places.map { $0 / 2 }, count: Self.count) }
        var expected = Field64Vector(count: Self.count)
        for script in scripts { try expected.add(contentsOf: script.kept.span) }

        var tiles = MaskTiles(ScriptedSource(scripts.map(\.words)))
        let checked = CheckedBlock(index: 0, sum: PrimeFieldVector(Field64Vector(count: Self.count)))
        let sum = Mutex([UInt64](repeating: 0, count: Self.count))
        tiles.expand(maskCount: 3, block: 0, count: Self.count) { words, offset in
            checked.add(words, at: offset)
            var accepted = 0
            sum.withLock { sum in
                for index in 0..<words.count where words[index] < Field64.modulus {
                    sum[offset + accepted] =
                        (Field64(reducing: sum[offset + accepted]) + Field64(reducing: words[index])).canonical
                    accepted += 1
                }
            }
            return accepted
        }
        #expect(
            tiles.source.read.withLock { $0 } == scripts.map(\.words.count), "read exactly as far as needed")
        #expect(sum.withLock { $0 } == expected.canonicalWords())
        #expect(checked.value.isEqual(to: expected), "GMP skips the same words")
    }

    @Test func manyMasksShareABoundedNumberOfStreams() throws {
        let masks = MaskTileSize.openStreamsMax + 3
        let scripts = (0..<masks).map { script($0, rejecting: [], count: 5) }
        var tiles = MaskTiles(ScriptedSource(scripts.map(\.words)))
        var taken = 0
        tiles.expand(maskCount: masks, block: 0, count: 5) { words, _ in
            taken += 1
            return words.count
        }
        #expect(taken == masks)
        #expect(tiles.source.mask.max().map { $0 >= MaskTileSize.openStreamsMax } == true)
        #expect(
            tiles.source.mask[MaskTileSize.openStreamsMax...].allSatisfy { $0 == 0 }, "no further stream was opened")
    }
}
