// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Quantization

/// Everything a round is bound to: every key, mask and signature of it names the resulting ctx (protocol section 5).
public struct RoundContext: Equatable, Sendable {
    public let epochHash: Digest
    public let round: UInt64
    public let kind: RoundKind
    public let modelHash: Digest
    /// What the update was computed from: paramsHash, or H("closing", paramsHash).
    public let base: Digest
    public let encodingHash: Digest
    /// D, the field elements of one vector.
    public let elements: Int
    public let cohortMin: Int
    /// H("round", …).
    public let ctx: Digest

    /// Computes the context of a round.
    public init(
        epochHash: Digest, round: UInt64, kind: RoundKind, modelHash: Digest, paramsHash: Digest,
        encodingHash: Digest, elements: Int, cohortMin: Int
    ) {
        self.epochHash = epochHash
        self.round = round
        self.kind = kind
        self.modelHash = modelHash
        self.base = Self.base(kind: kind, paramsHash: paramsHash)
        self.encodingHash = encodingHash
        self.elements = elements
        self.cohortMin = cohortMin
        ctx =
            LabeledBytes("round").fixed(epochHash).u64(round).fixed(modelHash).fixed(encodingHash)
            .u64(UInt64(elements)).u32(UInt32(cohortMin)).hash
    }

    /// Computes the base of a round over the given parameters.
    public static func base(kind: RoundKind, paramsHash: Digest) -> Digest {
        switch kind {
        case .training: paramsHash
        case .closing: LabeledBytes("closing").fixed(paramsHash).hash
        }
    }
}

/// Computes the root of a result: RFC 9162 over `id ‖ u8 role ‖ leaf`, U in member order, then by slot the helper that
/// answered (protocol section 5, step R4).
public func resultRoot(
    survivors: [(id: PartyID, leaf: Digest)], helpers: [(id: PartyID, leaf: Digest)]
) -> Digest {
    var tree = MerkleTreeHasher()
    for entry in survivors { tree.add(leaf: entry.id.bytes + [VectorRole.participant.rawValue] + entry.leaf.bytes) }
    for entry in helpers { tree.add(leaf: entry.id.bytes + [VectorRole.helper.rawValue] + entry.leaf.bytes) }
    return tree.root
}
