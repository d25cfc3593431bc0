// SPDX-License-Identifier: MIT

import Primitives

/// Expands one block of many masks tile by tile; what one thread needs for that, made once.
///
/// All streams of a block stay open, and each gives its part of a tile before the next tile begins, so that the elements
/// that they are added to stay in the first-level cache, beside one tile of key stream. In the loop over the tiles nothing
/// is allocated.
struct MaskTiles<Source: MaskSource & ~Copyable>: ~Copyable {
    private(set) var source: Source
    private var tile = SecretWords(count: MaskTileSize.elements)

    init(_ source: consuming Source) {
        self.source = source
    }

    /// Hands out the elements of the first `maskCount` masks in one block of `count` elements.
    ///
    /// - Parameter take: gets words of one mask's stream and the place in the block where they go; takes those that are
    ///   below the modulus, one behind the other, and returns how many these are. Words of one mask come in order.
    mutating func expand(maskCount: Int, block: Int, count: Int, _ take: (Span<UInt64>, Int) -> Int) {
        for first in stride(from: 0, to: maskCount, by: MaskTileSize.openStreamsMax) {
            let open = min(maskCount - first, MaskTileSize.openStreamsMax)
            for stream in 0..<open { source.start(stream, mask: first + stream, block: block) }
            for start in stride(from: 0, to: count, by: MaskTileSize.elements) {
                let end = min(start + MaskTileSize.elements, count)
                for stream in 0..<open {
                    // Almost always one turn: another follows when words were rejected, once in 2^32.
                    var next = start
                    while next < end {
                        source.read(stream, into: &tile, count: end - next)
                        next += tile.withWords(end - next) { take($0, next) }
                    }
                }
            }
        }
    }
}

/// The bounds of the expansion.
enum MaskTileSize {
    /// Elements of a tile: a page of 4 KiB; with larger ones sums in memory, outside the caches, are a tenth slower.
    static let elements = 512
    /// How many streams a thread has open at a time.
    static let openStreamsMax = 64
}

/// Where the words of masks come from: key streams, or a test that knows better.
protocol MaskSource: ~Copyable {
    /// Starts stream number `stream`, below `openStreamsMax`, at the beginning of one mask's block.
    mutating func start(_ stream: Int, mask: Int, block: Int)
    /// Writes the stream's next words over the first `count` of a tile, rejected ones included.
    mutating func read(_ stream: Int, into tile: inout SecretWords, count: Int)
}

/// The key streams of masks.
struct XofMaskSource: MaskSource, ~Copyable {
    private let masks: [MaskStream]
    private var streams: XofStreams
    private var binder = [UInt8](repeating: 0, count: MaskStream.binderBytes)

    init(masks: [MaskStream]) {
        self.masks = masks
        streams = XofStreams(count: min(masks.count, MaskTileSize.openStreamsMax))
    }

    mutating func start(_ stream: Int, mask: Int, block: Int) {
        masks[mask].writeBinder(block: block, over: &binder)
        streams.start(stream, seed: masks[mask].key.secret, dst: MaskStream.domain, binder: binder)
    }

    mutating func read(_ stream: Int, into tile: inout SecretWords, count: Int) {
        streams.read(stream, into: &tile, count: count)
    }
}
