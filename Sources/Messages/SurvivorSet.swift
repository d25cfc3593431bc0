// SPDX-License-Identifier: MIT

import Primitives

/// A set of members of an epoch: bit i, least significant bit of byte 0 first, is member i in PartyID order
/// (protocol section 4).
public struct SurvivorSet: Hashable, Sendable {
    /// The members of the epoch, in the set or not.
    public let memberCount: Int
    /// ⌈memberCount / 8⌉ bytes; unused bits are zero.
    public let bitmap: [UInt8]

    /// Makes the set of the given member indices, each in `0..<memberCount`.
    public init(_ indices: some Sequence<Int>, of memberCount: Int) {
        var bitmap = [UInt8](repeating: 0, count: (memberCount + 7) / 8)
        for index in indices {
            precondition((0..<memberCount).contains(index), "member index \(index) of \(memberCount)")
            bitmap[index / 8] |= 1 << (index % 8)
        }
        self.memberCount = memberCount
        self.bitmap = bitmap
    }

    /// Parses a bitmap, or returns nil when its length is wrong or an unused bit is set.
    public init?(bitmap: [UInt8], of memberCount: Int) {
        guard memberCount > 0, bitmap.count == (memberCount + 7) / 8 else { return nil }
        let used = memberCount % 8
        guard used == 0 || bitmap[bitmap.count - 1] >> used == 0 else { return nil }
        self.memberCount = memberCount
        self.bitmap = bitmap
    }

    /// Tells whether member `index` is in the set.
    public func contains(_ index: Int) -> Bool {
        index >= 0 && index < memberCount && bitmap[index / 8] >> (index % 8) & 1 == 1
    }

    /// The member indices of the set, ascending.
    public var indices: [Int] { (0..<memberCount).filter(contains) }

    /// The number of members in the set.
    public var count: Int { bitmap.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Computes H(U) = H("survivors", epochHash, bitmap) (protocol section 5).
    public func hash(epochHash: Digest) -> Digest {
        LabeledBytes("survivors").fixed(epochHash).variable(bitmap).hash
    }
}
