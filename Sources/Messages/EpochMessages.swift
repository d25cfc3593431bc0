// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives

/// Refuses a proposal and names the check that it failed (protocol section 4, step E1). Unsigned: a courtesy to C.
public struct EpochRefusal: Equatable, Sendable {
    public let epoch: UInt64
    public let proposalHash: Digest
    public let line: RefusalLine
    /// A sentence for people.
    public let detail: String
    /// The members that the line speaks of.
    public let parties: [PartyID]

    /// Makes a refusal; the detail is cut at the limit.
    public init(epoch: UInt64, proposalHash: Digest, line: RefusalLine, detail: String, parties: [PartyID] = []) {
        self.epoch = epoch
        self.proposalHash = proposalHash
        self.line = line
        self.detail = cut(detail)
        self.parties = parties
    }
}

/// States which seed a participant gave a slot (protocol section 4, step E3); the seed itself travels beside it.
public struct SlotSeedStatement: SignedPayload {
    public static let name = "SlotSeed"

    public let epochHash: Digest
    public let slot: Int
    /// H("slot-seed", seed).
    public let seedHash: Digest

    /// Makes a statement about a seed.
    public init(epochHash: Digest, slot: Int, seedHash: Digest) {
        self.epochHash = epochHash
        self.slot = slot
        self.seedHash = seedHash
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireSlotSeedStatement(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        slot = try fields.range(wire.slot, "slot", 0...UInt64(Limits.membersMax))
        seedHash = try fields.digest(wire.seedHash, "seed_hash")
    }

    public func encoded() -> [UInt8] {
        WireSlotSeedStatement.with {
            $0.epochHash = epochHash.data
            $0.slot = UInt32(slot)
            $0.seedHash = seedHash.data
        }.wireBytes()
    }
}

/// Hands a slot's seed to a helper, peer to peer (protocol section 4, step E3).
public struct SlotSeed: Sendable {
    public let statement: Envelope
    /// 32 bytes.
    public let seed: SecretBytes

    /// Makes the message.
    public init(statement: Envelope, seed: SecretBytes) {
        self.statement = statement
        self.seed = seed
    }
}

/// States which check-key share a helper gives (protocol section 4, step E3).
public struct SlotSeedAckStatement: SignedPayload {
    public static let name = "SlotSeedAck"

    public let epochHash: Digest
    /// H("g", g).
    public let checkShareHash: Digest

    /// Makes a statement about a check-key share.
    public init(epochHash: Digest, checkShareHash: Digest) {
        self.epochHash = epochHash
        self.checkShareHash = checkShareHash
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireSlotSeedAckStatement(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        checkShareHash = try fields.digest(wire.checkShareHash, "check_share_hash")
    }

    public func encoded() -> [UInt8] {
        WireSlotSeedAckStatement.with {
            $0.epochHash = epochHash.data
            $0.checkShareHash = checkShareHash.data
        }.wireBytes()
    }
}

/// Acknowledges a seed and hands over the helper's check-key share, peer to peer (protocol section 4, step E3).
public struct SlotSeedAck: Sendable {
    public let statement: Envelope
    /// g of the helper, 32 bytes.
    public let checkShare: SecretBytes

    /// Makes the message.
    public init(statement: Envelope, checkShare: SecretBytes) {
        self.statement = statement
        self.checkShare = checkShare
    }
}

/// Refuses a seed of another epoch and returns the proposal held here (protocol section 4, step E3).
public struct SlotReject: Equatable, Sendable {
    /// The epoch that the rejecting side holds, 0 for none.
    public let epoch: UInt64
    public let proposal: Envelope?

    /// Makes a rejection.
    public init(epoch: UInt64, proposal: Envelope?) {
        self.epoch = epoch
        self.proposal = proposal
    }
}

/// Says that a participant holds every key of the epoch (protocol section 4, step E5).
public struct EpochReady: SignedPayload {
    public static let name = "EpochReady"

    public let epochHash: Digest
    /// Whether this party computed the epoch's modelHash itself.
    public let own: Bool
    /// H("ready", G).
    public let readyHash: Digest
    /// H("slot-seed", seed) by slot.
    public let seedHashes: [Digest]

    /// Makes the statement.
    public init(epochHash: Digest, own: Bool, readyHash: Digest, seedHashes: [Digest]) {
        self.epochHash = epochHash
        self.own = own
        self.readyHash = readyHash
        self.seedHashes = seedHashes
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireEpochReady(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        own = try fields.range(wire.own, "own", 0...1) == 1
        readyHash = try fields.digest(wire.readyHash, "ready_hash")
        seedHashes = try fields.digests(wire.seedHashes, "seed_hashes", atMost: Limits.membersMax)
    }

    public func encoded() -> [UInt8] {
        WireEpochReady.with {
            $0.epochHash = epochHash.data
            $0.own = own ? 1 : 0
            $0.readyHash = readyHash.data
            $0.seedHashes = seedHashes.map(\.data)
        }.wireBytes()
    }
}

/// Says that a helper holds what every EpochReady states (protocol section 4, step E5).
public struct SlotReady: SignedPayload {
    public static let name = "SlotReady"

    public let epochHash: Digest

    /// Makes the statement.
    public init(epochHash: Digest) { self.epochHash = epochHash }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireSlotReady(wire: payload, Self.name)
        epochHash = try Fields(message: Self.name).digest(wire.epochHash, "epoch_hash")
    }

    public func encoded() -> [UInt8] {
        WireSlotReady.with { $0.epochHash = epochHash.data }.wireBytes()
    }
}

/// Names a participant whose two signed statements differ (protocol section 4, step E5).
public struct SlotDispute: Equatable, Sendable {
    public let party: PartyID
    public let slotSeed: Envelope
    public let epochReady: Envelope

    /// Makes the evidence.
    public init(party: PartyID, slotSeed: Envelope, epochReady: Envelope) {
        self.party = party
        self.slotSeed = slotSeed
        self.epochReady = epochReady
    }
}

/// Drops from a sentence what receivers refuse, such as the control characters of a file's name, and cuts it at the limit,
/// on a character's boundary.
func cut(_ sentence: String) -> String {
    var result = sentence.filter { $0.unicodeScalars.allSatisfy(MemberName.prints) }
    while result.utf8.count > Limits.sentenceBytesMax { result.removeLast() }
    return result
}
