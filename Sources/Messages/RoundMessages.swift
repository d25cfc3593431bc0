// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives

/// Opens a round (protocol section 5, step R0). Unsigned: everything in it is compared with the receiver's own view.
public struct RoundOpen: Equatable, Sendable {
    public let epochHash: Digest
    public let round: UInt64
    public let kind: RoundKind
    public let modelHash: Digest
    public let encodingHash: Digest
    /// Seconds within which an upload should begin.
    public let deadlineSeconds: Int

    /// Makes the message.
    public init(
        epochHash: Digest, round: UInt64, kind: RoundKind, modelHash: Digest, encodingHash: Digest,
        deadlineSeconds: Int
    ) {
        self.epochHash = epochHash
        self.round = round
        self.kind = kind
        self.modelHash = modelHash
        self.encodingHash = encodingHash
        self.deadlineSeconds = deadlineSeconds
    }

    /// Parses the bytes that `encoded()` made.
    public init(encoded bytes: [UInt8]) throws(InvalidMessage) {
        try self.init(wire: WireRoundOpen(wire: bytes, "RoundOpen"))
    }

    /// Encodes the message alone, for storage.
    public func encoded() -> [UInt8] { wire.wireBytes() }
}

extension RoundOpen {
    init(wire: WireRoundOpen) throws(InvalidMessage) {
        let fields = Fields(message: "RoundOpen")
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        round = UInt64(try fields.range(wire.round, "round", 1...Limits.roundsMax))
        kind = try fields.code(wire.kind, "kind")
        modelHash = try fields.digest(wire.modelHash, "model_hash")
        encodingHash = try fields.digest(wire.encodingHash, "encoding_hash")
        deadlineSeconds = try fields.range(wire.deadlineSeconds, "deadline_seconds", 1...86_400)
    }

    var wire: WireRoundOpen {
        .with {
            $0.epochHash = epochHash.data
            $0.round = round
            $0.kind = UInt32(kind.rawValue)
            $0.modelHash = modelHash.data
            $0.encodingHash = encodingHash.data
            $0.deadlineSeconds = UInt32(deadlineSeconds)
        }
    }
}

/// Commits a participant to the vector that it uploaded (protocol section 5, step R1).
public struct Upload: SignedPayload {
    public static let name = "Upload"

    public let epochHash: Digest
    public let ctx: Digest
    public let leaf: Digest

    /// Makes the trailer of an upload.
    public init(epochHash: Digest, ctx: Digest, leaf: Digest) {
        self.epochHash = epochHash
        self.ctx = ctx
        self.leaf = leaf
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireUpload(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        ctx = try fields.digest(wire.ctx, "ctx")
        leaf = try fields.digest(wire.leaf, "leaf")
    }

    public func encoded() -> [UInt8] {
        WireUpload.with {
            $0.epochHash = epochHash.data
            $0.ctx = ctx.data
            $0.leaf = leaf.data
        }.wireBytes()
    }
}

/// Fixes whose uploads a round sums (protocol section 5, step R2); signed by the coordinator.
public struct Survivors: SignedPayload {
    public static let name = "Survivors"

    public let epochHash: Digest
    public let ctx: Digest
    /// The bitmap; its length is checked against the epoch by who receives it.
    public let bitmap: [UInt8]

    /// Makes the message.
    public init(epochHash: Digest, ctx: Digest, bitmap: [UInt8]) {
        self.epochHash = epochHash
        self.ctx = ctx
        self.bitmap = bitmap
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireSurvivors(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        ctx = try fields.digest(wire.ctx, "ctx")
        try fields.bounded(wire.bitmap.count, "bitmap", atMost: Limits.membersMax / 8 + 1)
        bitmap = [UInt8](wire.bitmap)
    }

    public func encoded() -> [UInt8] {
        WireSurvivors.with {
            $0.epochHash = epochHash.data
            $0.ctx = ctx.data
            $0.bitmap = Data(bitmap)
        }.wireBytes()
    }
}

/// Binds a member to one set under one base (protocol section 5, step R2').
public struct Vote: SignedPayload {
    public static let name = "Vote"

    public let epochHash: Digest
    public let ctx: Digest
    public let base: Digest
    public let survivorsHash: Digest

    /// Makes the vote.
    public init(epochHash: Digest, ctx: Digest, base: Digest, survivorsHash: Digest) {
        self.epochHash = epochHash
        self.ctx = ctx
        self.base = base
        self.survivorsHash = survivorsHash
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireVote(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        ctx = try fields.digest(wire.ctx, "ctx")
        base = try fields.digest(wire.base, "base")
        survivorsHash = try fields.digest(wire.survivorsHash, "survivors_hash")
    }

    public func encoded() -> [UInt8] {
        WireVote.with {
            $0.epochHash = epochHash.data
            $0.ctx = ctx.data
            $0.base = base.data
            $0.survivorsHash = survivorsHash.data
        }.wireBytes()
    }
}

/// Carries a quorum of votes to the helpers (protocol section 5, step R2').
public struct VoteCertificate: Equatable, Sendable {
    public let ctx: Digest
    public let votes: [Envelope]

    /// Makes the certificate.
    public init(ctx: Digest, votes: [Envelope]) {
        self.ctx = ctx
        self.votes = votes
    }
}

/// Commits a helper to the aggregate share that it sent (protocol section 5, step R3).
public struct Partial: SignedPayload {
    public static let name = "Partial"

    public let epochHash: Digest
    public let ctx: Digest
    public let survivorsHash: Digest
    public let slot: Int
    public let leaf: Digest

    /// Makes the trailer of an aggregate share.
    public init(epochHash: Digest, ctx: Digest, survivorsHash: Digest, slot: Int, leaf: Digest) {
        self.epochHash = epochHash
        self.ctx = ctx
        self.survivorsHash = survivorsHash
        self.slot = slot
        self.leaf = leaf
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WirePartial(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        ctx = try fields.digest(wire.ctx, "ctx")
        survivorsHash = try fields.digest(wire.survivorsHash, "survivors_hash")
        slot = try fields.range(wire.slot, "slot", 0...UInt64(Limits.membersMax))
        leaf = try fields.digest(wire.leaf, "leaf")
    }

    public func encoded() -> [UInt8] {
        WirePartial.with {
            $0.epochHash = epochHash.data
            $0.ctx = ctx.data
            $0.survivorsHash = survivorsHash.data
            $0.slot = UInt32(slot)
            $0.leaf = leaf.data
        }.wireBytes()
    }
}

/// Publishes a round's sum and who made it (protocol section 5, step R4); signed by the coordinator.
public struct RoundResult: SignedPayload {
    public static let name = "Result"

    public let epochHash: Digest
    public let ctx: Digest
    public let bitmap: [UInt8]
    /// By slot: the helper that answered.
    public let answered: [PartyID]
    /// Leaves of the uploads of U, in member order.
    public let uploadLeaves: [Digest]
    /// Leaves of the aggregate shares, by slot.
    public let partialLeaves: [Digest]
    /// RFC 9162 root over `id ‖ u8 role ‖ leaf`.
    public let root: Digest
    /// H(S), the leaf of the sum.
    public let sumHash: Digest

    /// Makes the trailer of a result.
    public init(
        epochHash: Digest, ctx: Digest, bitmap: [UInt8], answered: [PartyID], uploadLeaves: [Digest],
        partialLeaves: [Digest], root: Digest, sumHash: Digest
    ) {
        self.epochHash = epochHash
        self.ctx = ctx
        self.bitmap = bitmap
        self.answered = answered
        self.uploadLeaves = uploadLeaves
        self.partialLeaves = partialLeaves
        self.root = root
        self.sumHash = sumHash
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireResult(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        ctx = try fields.digest(wire.ctx, "ctx")
        try fields.bounded(wire.bitmap.count, "bitmap", atMost: Limits.membersMax / 8 + 1)
        bitmap = [UInt8](wire.bitmap)
        answered = try fields.parties(wire.answered, "answered", atMost: Limits.membersMax)
        uploadLeaves = try fields.digests(wire.uploadLeaves, "upload_leaves", atMost: Limits.membersMax)
        partialLeaves = try fields.digests(wire.partialLeaves, "partial_leaves", atMost: Limits.membersMax)
        root = try fields.digest(wire.root, "root")
        sumHash = try fields.digest(wire.sumHash, "sum_hash")
    }

    public func encoded() -> [UInt8] {
        WireResult.with {
            $0.epochHash = epochHash.data
            $0.ctx = ctx.data
            $0.bitmap = Data(bitmap)
            $0.answered = answered.map(\.data)
            $0.uploadLeaves = uploadLeaves.map(\.data)
            $0.partialLeaves = partialLeaves.map(\.data)
            $0.root = root.data
            $0.sumHash = sumHash.data
        }.wireBytes()
    }
}

/// Gives up a round whose set was never sent (protocol section 5, "Skip"); signed by the coordinator.
public struct Skip: SignedPayload {
    public static let name = "Skip"

    public let epochHash: Digest
    public let ctx: Digest
    public let round: UInt64
    public let reason: AbortReason

    /// Makes the message.
    public init(epochHash: Digest, ctx: Digest, round: UInt64, reason: AbortReason) {
        self.epochHash = epochHash
        self.ctx = ctx
        self.round = round
        self.reason = reason
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireSkip(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        ctx = try fields.digest(wire.ctx, "ctx")
        round = UInt64(try fields.range(wire.round, "round", 1...Limits.roundsMax))
        reason = try fields.code(wire.reason, "reason")
    }

    public func encoded() -> [UInt8] {
        WireSkip.with {
            $0.epochHash = epochHash.data
            $0.ctx = ctx.data
            $0.round = round
            $0.reason = UInt32(reason.rawValue)
        }.wireBytes()
    }
}
