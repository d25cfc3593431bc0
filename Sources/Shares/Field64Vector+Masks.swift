// SPDX-License-Identifier: MIT

public import FiniteField

extension Field64Vector {
    /// Adds whole masks, all at once, without ever holding one.
    public mutating func add(masks: [MaskStream]) throws(ShareError) {
        for block in 0..<MaskStream.blockCount(of: count) { try add(masks: masks, block: block) }
    }

    /// Subtracts whole masks, all at once, without ever holding one.
    public mutating func subtract(masks: [MaskStream]) throws(ShareError) {
        for block in 0..<MaskStream.blockCount(of: count) {
            try combine(masks, block: block) { vector, words, offset throws(FieldError) in
                try vector.subtract(contentsOf: words, at: offset)
            }
        }
    }

    /// Adds one block of masks.
    mutating func add(masks: [MaskStream], block: Int) throws(ShareError) {
        try combine(masks, block: block) { vector, words, offset throws(FieldError) in
            try vector.add(contentsOf: words, at: offset)
        }
    }

    /// Elements of a tile: it stays in the first-level cache while all streams are added to it.
    private static var tileElements: Int { 2048 }
    /// How many streams are open at a time.
    private static var openStreamsMax: Int { 64 }

    /// Combines one block with the same block of all masks, tile by tile.
    private mutating func combine(
        _ masks: [MaskStream], block: Int,
        _ operation: (inout Field64Vector, Span<UInt64>, Int) throws(FieldError) -> Void
    ) throws(ShareError) {
        let range = MaskStream.range(of: block, count: count)
        var tile = [UInt64](repeating: 0, count: Swift.min(Self.tileElements, range.count))
        for first in stride(from: 0, to: masks.count, by: Self.openStreamsMax) {
            let streams = masks[first..<Swift.min(first + Self.openStreamsMax, masks.count)].map {
                $0.open(block: block)
            }
            for offset in stride(from: range.lowerBound, to: range.upperBound, by: Self.tileElements) {
                let length = Swift.min(Self.tileElements, range.upperBound - offset)
                for stream in streams {
                    stream.read(into: &tile, count: length)
                    do { try operation(&self, tile.span.extracting(0..<length), offset) } catch { throw .field(error) }
                }
            }
        }
    }
}
