// SPDX-License-Identifier: MIT

public import FiniteField

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

    let key: MaskKey

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

    /// Expands the first `count` elements; nothing wipes them.
    public func mask(count: Int) -> Field64Vector {
        var mask = Field64Vector(count: count)
        mask.add(masks: [self])
        mask.canonicalize()
        return mask
    }

    /// The domain of the XOF that masks come from.
    static let domain = Array("summand/v1 mask".utf8)
    /// The length of the binder, ctx ‖ id ‖ u32 s ‖ u32 β.
    static let binderBytes = contextBytes + partyBytes + 8

    /// Writes the binder of one block over `binder`, `binderBytes` bytes.
    func writeBinder(block: Int, over binder: inout [UInt8]) {
        precondition(binder.count == Self.binderBytes, "a binder has \(Self.binderBytes) bytes")
        for index in 0..<Self.contextBytes { binder[index] = context[index] }
        for index in 0..<Self.partyBytes { binder[Self.contextBytes + index] = party[index] }
        for index in 0..<4 {
            let shift = 24 - 8 * index
            binder[Self.contextBytes + Self.partyBytes + index] = UInt8(truncatingIfNeeded: slot >> shift)
            binder[Self.contextBytes + Self.partyBytes + 4 + index] = UInt8(truncatingIfNeeded: block >> shift)
        }
    }

    /// How many blocks a vector of `count` elements has.
    static func blockCount(of count: Int, blockElements: Int = blockElements) -> Int {
        (count + blockElements - 1) / blockElements
    }

    /// Where a block lies in a vector of `count` elements.
    static func range(of block: Int, count: Int, blockElements: Int = blockElements) -> Range<Int> {
        min(block * blockElements, count)..<min((block + 1) * blockElements, count)
    }
}
