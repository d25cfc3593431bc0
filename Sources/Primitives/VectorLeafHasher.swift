// SPDX-License-Identifier: MIT

/// Computes the leaf of a vector as its bytes arrive in pieces of any size: the RFC 9162 root of its 64 KiB chunks, the
/// last one shorter, of an empty vector SHA-256 of nothing (protocol section 2, "Bytes").
public struct VectorLeafHasher: Sendable {
    /// The bytes of every chunk but the last.
    public static let chunkBytes = 64 * 1024

    private var tree = MerkleTreeHasher()
    private var chunk = SHA256Hasher()
    private var chunkCount = 0

    /// Starts an empty vector.
    public init() {}

    /// Appends bytes of the vector.
    public mutating func update(_ bytes: [UInt8]) {
        update(bytes[...])
    }

    /// Appends bytes of the vector.
    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            if chunkCount == 0 { chunk.update([0x00]) }
            let piece = rest.prefix(Self.chunkBytes - chunkCount)
            chunk.update(piece)
            chunkCount += piece.count
            rest = rest.dropFirst(piece.count)
            if chunkCount == Self.chunkBytes {
                tree.add(leafHash: chunk.finalizeAndRestart())
                chunkCount = 0
            }
        }
    }

    /// Returns the leaf of everything appended so far; more can be appended afterwards.
    public func finalize() -> Digest {
        guard chunkCount > 0 else { return tree.root }
        var whole = tree
        whole.add(leafHash: chunk.finalize())
        return whole.root
    }

    /// Hashes a whole vector in one step.
    public static func leaf(of bytes: [UInt8]) -> Digest {
        var hasher = VectorLeafHasher()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
