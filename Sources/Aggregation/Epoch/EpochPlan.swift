// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// A helper slot: who holds one mask of everybody (protocol section 3).
public struct Slot: Equatable, Sendable {
    public let primary: PartyID
    /// nil in mode `all`.
    public let standby: PartyID?

    /// Makes a slot.
    public init(primary: PartyID, standby: PartyID? = nil) {
        self.primary = primary
        self.standby = standby
    }

    /// The parties that may answer for the slot.
    public func isHeld(by party: PartyID) -> Bool { party == primary || party == standby }

    /// The primary, then the standby if there is one.
    public var holders: [PartyID] { [primary] + [standby].compactMap { $0 } }
}

/// Everything that an epoch fixes: a proposal and the slots that were named or drawn for it (protocol section 4).
public struct EpochPlan: Equatable, Sendable {
    public let draft: EpochDraft
    /// What the slots were drawn from; 32 zero bytes in the modes without a draw.
    public let beacon: Digest
    /// H("helpers", mode, beacon or zeros, ordered slots).
    public let helpersHash: Digest
    /// H("epoch", proposalHash, helpersHash).
    public let epochHash: Digest
    public let slots: [Slot]
    /// By slot, primary then standby.
    public let holders: [PartyID]

    /// Derives the plan of an epoch whose slots follow from its proposal; nil in mode `sampled`.
    public init?(_ draft: EpochDraft) {
        guard let slots = draft.fixedSlots else { return nil }
        self.init(draft, slots, beacon: .zero)
    }

    /// Derives the plan of a `sampled` epoch from its beacon; nil in the other modes.
    public init?(_ draft: EpochDraft, beacon: Digest) {
        guard draft.proposal.mode == .sampled else { return nil }
        self.init(draft, SlotBeacon.slots(of: draft, beacon: beacon), beacon: beacon)
    }

    private init(_ draft: EpochDraft, _ slots: [Slot], beacon: Digest) {
        self.draft = draft
        self.beacon = beacon
        self.slots = slots
        holders = slots.flatMap(\.holders)
        helpersHash = Self.helpersHash(mode: draft.proposal.mode, beacon: beacon, slots: slots)
        epochHash = Self.epochHash(proposalHash: draft.proposalHash, helpersHash: helpersHash)
    }

    public var proposal: EpochProposal { draft.proposal }
    /// H("proposal", payload).
    public var proposalHash: Digest { draft.proposalHash }
    /// Member identities, in PartyID order.
    public var members: [PartyID] { draft.members }
    public var committee: Committee { draft.committee }

    /// Finds a member's index, or nil for a party outside the epoch.
    public func index(of party: PartyID) -> Int? { draft.index(of: party) }

    /// The key of a member, or nil for a party outside the epoch.
    public func key(of party: PartyID) -> PublicKey? { draft.key(of: party) }

    /// The slot that a party holds as primary or standby, or nil. Nobody holds two.
    public func slot(heldBy party: PartyID) -> Int? {
        slots.firstIndex { $0.isHeld(by: party) }
    }

    /// With whom a member exchanges seeds: a holder with everybody, the others with the holders.
    public func seedPeers(of party: PartyID) -> [PartyID] {
        let peers = slot(heldBy: party) == nil ? holders.sorted() : members
        return peers.filter { $0 != party }
    }

    /// The rounds of the epoch.
    public var rounds: Range<UInt64> {
        proposal.round..<(proposal.round + UInt64(proposal.configuration.roundsPerEpoch))
    }

    /// Computes `H("helpers", mode, beacon or 32 zero bytes, ordered slots)`.
    public static func helpersHash(mode: SlotMode, beacon: Digest, slots: [Slot]) -> Digest {
        let list = slots.flatMap { $0.holders.flatMap(\.bytes) }
        return LabeledBytes("helpers").u8(mode.rawValue).fixed(beacon).fixed(list).hash
    }

    /// Computes `H("epoch", proposalHash, helpersHash)`.
    public static func epochHash(proposalHash: Digest, helpersHash: Digest) -> Digest {
        LabeledBytes("epoch").fixed(proposalHash).fixed(helpersHash).hash
    }
}
