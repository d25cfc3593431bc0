// SPDX-License-Identifier: MIT

import FiniteField

extension PrimeFieldVector {
    /// Adds whole masks, all at once, without ever holding one, on the calling thread; for vectors over the prime of Field64.
    ///
    /// - Parameters:
    ///   - blockElements: elements of a block: other than 2^16 only in tests.
    ///   - observe: gets the words that were added, with their block and their place in it, rejected ones included.
    mutating func add(
        masks: [MaskStream], blockElements: Int = MaskStream.blockElements,
        observe: (Span<UInt64>, _ block: Int, _ offset: Int) -> Void = { _, _, _ in }
    ) {
        guard !masks.isEmpty else { return }
        var tiles = MaskTiles(XofMaskSource(masks: masks))
        for block in 0..<MaskStream.blockCount(of: count, blockElements: blockElements) {
            let range = MaskStream.range(of: block, count: count, blockElements: blockElements)
            tiles.expand(maskCount: masks.count, block: block, count: range.count) { words, offset in
                observe(words, block, offset)
                do { return try add(accepting: words, at: range.lowerBound + offset) } catch {
                    preconditionFailure("words of a block fit the block of a vector over Field64: \(error)")
                }
            }
        }
    }
}
