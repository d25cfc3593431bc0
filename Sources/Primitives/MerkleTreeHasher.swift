// SPDX-License-Identifier: MIT

/// Computes a Merkle tree root (RFC 9162, section 2.1.1) over leaves that arrive one by one, in O(log n) memory.
public struct MerkleTreeHasher: Sendable {
    /// Roots of the complete subtrees so far, largest first; bit k of `count` set means one of 2^k leaves is there.
    private var subtrees: [Digest] = []

    /// The number of leaves added.
    public private(set) var count: UInt64 = 0

    /// Starts an empty tree.
    public init() {}

    /// Appends a leaf of the given bytes.
    public mutating func add(leaf bytes: [UInt8]) {
        add(leafHash: Self.leafHash(bytes))
    }

    /// Appends a leaf whose hash `SHA-256(0x00 ‖ bytes)` is known already.
    public mutating func add(leafHash: Digest) {
        var node = leafHash
        var carries = count
        while carries & 1 == 1 {
            node = Self.nodeHash(subtrees.removeLast(), node)
            carries >>= 1
        }
        subtrees.append(node)
        count += 1
    }

    /// The root over the leaves so far; of none, the SHA-256 of nothing.
    public var root: Digest {
        guard var node = subtrees.last else { return SHA256.hash([]) }
        for subtree in subtrees.dropLast().reversed() {
            node = Self.nodeHash(subtree, node)
        }
        return node
    }

    /// Hashes one leaf: `SHA-256(0x00 ‖ bytes)`.
    public static func leafHash(_ bytes: [UInt8]) -> Digest {
        SHA256.hash([0x00] + bytes)
    }

    /// Hashes one inner node: `SHA-256(0x01 ‖ left ‖ right)`.
    public static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        SHA256.hash([0x01] + left.bytes + right.bytes)
    }
}
