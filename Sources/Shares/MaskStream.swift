// SPDX-License-Identifier: MIT

public import FiniteField
import Primitives

/// One mask, compressed to its key: Mask_{i,s} of protocol section 5, of any length.
///
/// Block β of 2^16 elements is expanded from `XOF(seed = RK, dst = "summand/v1 mask", binder = ctx ‖ id ‖ u32 s ‖ u32 β)`, so
/// that blocks can be had one by one.
public struct MaskStream: Sendable, Equatable {
    /// Elements of a whole block.
    public static let blockElements = 1 << 16
    /// The length of a ctx.
    public static let contextBytes = 32
    /// The length of a party's id.
    public static let partyBytes = 16

    /// The ctx of the round.
    public let context: [UInt8]
    /// The id of the party whose vector the mask hides.
    public let party: [UInt8]
    /// The slot that holds the mask.
    public let slot: UInt32

    private let key: MaskKey

    /// Names a mask.
    ///
    /// - Parameters:
    ///   - context: ctx, 32 bytes.
    ///   - party: the id of the party that the mask belongs to, 16 bytes.
    /// - Throws: `wrongLength`.
    public init(key: MaskKey, context: [UInt8], party: [UInt8], slot: UInt32) throws(ShareError) {
        guard context.count == Self.contextBytes else {
            throw .wrongLength(of: .context, expected: Self.contextBytes, actual: context.count)
        }
        guard party.count == Self.partyBytes else {
            throw .wrongLength(of: .party, expected: Self.partyBytes, actual: party.count)
        }
        self.key = key
        self.context = context
        self.party = party
        self.slot = slot
    }

    /// Expands the first `count` elements.
    public func mask(count: Int) -> Field64Vector {
        Field64Vector(
            unreduced: (0..<Self.blockCount(of: count)).flatMap { block in
                words(ofBlock: block, count: Self.range(of: block, count: count).count)
            })
    }

    /// Expands the first `count` elements of one block, at most 2^16, canonical.
    func words(ofBlock block: Int, count: Int) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: count)
        open(block: block).read(into: &words, count: count)
        return words
    }

    /// Opens one block's stream at its beginning.
    func open(block index: Int) -> OpenBlock {
        OpenBlock(
            XofHmacSha256Aes128(
                seed: key.secret, dst: "summand/v1 mask",
                binder: context + party + Self.bigEndian(slot) + Self.bigEndian(UInt32(index))))
    }

    /// How many blocks a vector of `count` elements has.
    static func blockCount(of count: Int) -> Int {
        (count + blockElements - 1) / blockElements
    }

    /// Where a block lies in a vector of `count` elements.
    static func range(of block: Int, count: Int) -> Range<Int> {
        block * blockElements..<min((block + 1) * blockElements, count)
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}

/// A block's stream that is being read; a reference, so that many of them lie in an array.
final class OpenBlock {
    private var stream: XofHmacSha256Aes128

    init(_ stream: consuming XofHmacSha256Aes128) {
        self.stream = stream
    }

    /// Writes the next `count` elements over the first `count` of `words`.
    func read(into words: inout [UInt64], count: Int) {
        stream.nextFieldWords(into: &words, count: count)
    }
}
