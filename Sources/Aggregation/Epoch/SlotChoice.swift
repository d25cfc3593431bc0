// SPDX-License-Identifier: MIT

import Identity
import Messages

/// How a coordinator fills the helper slots of its epochs (protocol section 4, step E2). Members compute what follows from it
/// themselves.
public enum SlotChoice: Equatable, Sendable {
    /// Every member is the helper of one slot.
    case all
    /// These pairs, which the sites' policies name as well; an epoch needs all of them.
    case pinned([EpochProposal.Pair])
    /// Pairs drawn by lot from four members on; with three, as `all`.
    case sampled

    /// The mode of an epoch with so many members.
    public func mode(members count: Int) -> SlotMode {
        switch self {
        case .all: .all
        case .pinned: .pinned
        case .sampled: count < Limits.membersMinWithStandbys ? .all : .sampled
        }
    }

    /// The committee of an epoch with so many members; nil when there is none.
    public func committee(members count: Int, gammaPercent: Int) -> Committee? {
        guard count >= Limits.membersMin else { return nil }
        switch (self, mode(members: count)) {
        case (.pinned(let pairs), _):
            guard count >= Limits.membersMinWithStandbys, pairs.count >= Committee.slotsMin(members: count),
                2 * pairs.count <= count
            else { return nil }
            return .withStandbys(members: count, slots: pairs.count, gammaPercent: gammaPercent)
        case (_, .sampled): return .sampled(members: count, gammaPercent: gammaPercent)
        default: return .all(members: count, gammaPercent: gammaPercent)
        }
    }

    /// The slots that a proposal names.
    var pairs: [EpochProposal.Pair] {
        if case .pinned(let pairs) = self { pairs } else { [] }
    }

    /// Whom every epoch needs.
    var pinnedHolders: Set<PartyID> { Set(pairs.flatMap { [$0.primary, $0.standby] }) }

    /// The most members, up to `count`, whose statements fit into one control message (`EpochReadyBundle`).
    public func membersMax(upTo count: Int, gammaPercent: Int) -> Int {
        guard case .all = mode(members: count) else {
            var members = min(count, Limits.membersMax)
            while members > Limits.membersMaxInAll,
                let committee = committee(members: members, gammaPercent: gammaPercent),
                members * EpochReadySize.bytes(slots: committee.slotCount) > Limits.frameBytesMax
            {
                members -= max(1, members / 64)
            }
            return members
        }
        return min(count, Limits.membersMaxInAll)
    }

    /// How large a signed EpochReady is at most, with its place in a bundle.
    private enum EpochReadySize {
        /// 34 bytes a seed hash; 72 of a signature, 70 of epoch and check key, and less than 40 of framing.
        static func bytes(slots: Int) -> Int { 34 * slots + 182 }
    }
}
