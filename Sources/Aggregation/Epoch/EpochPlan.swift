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
}

/// Derives from a signed proposal everything that its epoch fixes (protocol section 4).
public struct EpochPlan: Equatable, Sendable {
    public let proposal: EpochProposal
    /// H("proposal", payload).
    public let proposalHash: Digest
    /// H("helpers", mode, beacon or zeros, ordered slots).
    public let helpersHash: Digest
    /// H("epoch", proposalHash, helpersHash).
    public let epochHash: Digest
    /// Member identities, in PartyID order.
    public let members: [PartyID]
    public let slots: [Slot]
    public let committee: Committee

    /// Derives the plan of an `all` epoch.
    ///
    /// - Throws: `RefusalLine.slotMode` for a mode or slot count that this version does not know.
    public init(_ signed: Signed<EpochProposal>) throws(RefusalLine) {
        let proposal = signed.value
        let members = proposal.members.map(\.id)
        guard proposal.mode == .all, proposal.slotCount == members.count else { throw .slotMode }
        self.proposal = proposal
        self.members = members
        proposalHash = EpochProposal.hash(payload: signed.envelope.payload)
        slots = members.map { Slot(primary: $0) }
        helpersHash = Self.helpersHash(mode: .all, beacon: .zero, slots: slots)
        epochHash = Self.epochHash(proposalHash: proposalHash, helpersHash: helpersHash)
        committee = .all(members: members.count, gammaPercent: proposal.configuration.gammaPercent)
    }

    /// Finds a member's index, or nil for a party outside the epoch.
    public func index(of party: PartyID) -> Int? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle] < party { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low] == party ? low : nil
    }

    /// The key of a member, or nil for a party outside the epoch.
    public func key(of party: PartyID) -> PublicKey? {
        index(of: party).map { proposal.members[$0].key }
    }

    /// The slots in which a party is primary or standby.
    public func slots(heldBy party: PartyID) -> [Int] {
        slots.indices.filter { slots[$0].isHeld(by: party) }
    }

    /// The rounds of the epoch.
    public var rounds: Range<UInt64> {
        proposal.round..<(proposal.round + UInt64(proposal.configuration.roundsPerEpoch))
    }

    /// Computes `H("helpers", mode, beacon or 32 zero bytes, ordered slots)`.
    public static func helpersHash(mode: SlotMode, beacon: Digest, slots: [Slot]) -> Digest {
        let list = slots.flatMap { $0.primary.bytes + ($0.standby?.bytes ?? []) }
        return LabeledBytes("helpers").u8(mode.rawValue).fixed(beacon).fixed(list).hash
    }

    /// Computes `H("epoch", proposalHash, helpersHash)`.
    public static func epochHash(proposalHash: Digest, helpersHash: Digest) -> Digest {
        LabeledBytes("epoch").fixed(proposalHash).fixed(helpersHash).hash
    }
}
