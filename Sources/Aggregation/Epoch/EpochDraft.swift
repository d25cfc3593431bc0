// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// What a signed proposal fixes before its slots are known (protocol section 4, steps E1 and E2).
public struct EpochDraft: Equatable, Sendable {
    public let proposal: EpochProposal
    /// H("proposal", payload).
    public let proposalHash: Digest
    /// Member identities, in PartyID order.
    public let members: [PartyID]
    public let committee: Committee

    /// Derives what follows from a proposal.
    ///
    /// - Throws: `RefusalLine.slotMode` for a mode that so many members cannot have, for another number of slots than
    ///   follows from n and γ, and for pairs that are none.
    public init(_ signed: Signed<EpochProposal>) throws(RefusalLine) {
        proposal = signed.value
        proposalHash = EpochProposal.hash(payload: signed.envelope.payload)
        members = signed.value.members.map(\.id)
        committee = try Self.committee(signed.value, members)
        guard proposal.slotCount == committee.slotCount else { throw .slotMode }
    }

    /// The committee that the proposal's mode, members and γ demand; what the coordinator says of its slots is compared
    /// with it.
    private static func committee(
        _ proposal: EpochProposal, _ members: [PartyID]
    ) throws(RefusalLine) -> Committee {
        let gamma = proposal.configuration.gammaPercent
        guard proposal.mode == .pinned || proposal.pinned.isEmpty else { throw .slotMode }
        switch proposal.mode {
        case .all: return .all(members: members.count, gammaPercent: gamma)
        case .sampled:
            guard members.count >= Limits.membersMinWithStandbys else { throw .slotMode }
            guard !Rule.slotCount.isRemoved else {
                return .withStandbys(members: members.count, slots: proposal.slotCount, gammaPercent: gamma)
            }
            return .sampled(members: members.count, gammaPercent: gamma)
        case .pinned:
            let holders = Set(proposal.pinned.flatMap { [$0.primary, $0.standby] })
            guard members.count >= Limits.membersMinWithStandbys, holders.count == 2 * proposal.pinned.count,
                holders.isSubset(of: members),
                proposal.pinned.count >= Committee.slotsMin(members: members.count) || Rule.slotCount.isRemoved
            else { throw .slotMode }
            return .withStandbys(members: members.count, slots: proposal.pinned.count, gammaPercent: gamma)
        }
    }

    /// The slots, where they follow from the proposal alone; nil in mode `sampled`, which draws them.
    public var fixedSlots: [Slot]? {
        switch proposal.mode {
        case .all: members.map { Slot(primary: $0) }
        case .pinned: proposal.pinned.map { Slot(primary: $0.primary, standby: $0.standby) }
        case .sampled: nil
        }
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
}
