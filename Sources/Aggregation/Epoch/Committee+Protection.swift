// SPDX-License-Identifier: MIT

extension Committee {
    /// Whether each slot has a standby: modes `pinned` and `sampled`.
    public var hasStandbys: Bool { slotCount < memberCount }

    /// How many corrupt members, in the worst choice of them, the coordinator needs to open a single update (protocol
    /// section 1, "What holds"): the least of three terms.
    ///
    /// - One party of every slot; in `all` that is every other member.
    /// - f + 1 witnesses; not in `all`, where nothing opens without the single answer of every honest member.
    /// - `cohortMin` − 1 members: then the sum of a round may hold one honest input alone.
    public var corruptToOpen: Int {
        hasStandbys ? min(slotCount, corruptMax + 1, cohortMin - 1) : min(memberCount - 1, cohortMin - 1)
    }

    /// Says in plain words what protects an epoch.
    public var protection: String { hasStandbys ? protectionWithStandbys : protectionOfAll }

    /// The numbers that every member computes itself, in words.
    public var numbers: String {
        "\(slotCount) slots, f = \(corruptMax), a certificate of \(quorum) votes, sums over at least \(cohortMin) sites"
    }

    private var protectionOfAll: String {
        let corrupt = corruptToOpen
        let sites = "\(memberCount) sites, \(slotCount) helper slots (all). "
        let exposed =
            corrupt >= memberCount - 1
            ? "every other site" : "\(corrupt) of the other \(memberCount - 1) sites"
        return sites + "The coordinator can open a single update only if it has corrupted \(exposed)."
    }

    private var protectionWithStandbys: String {
        let safe = corruptToOpen - 1
        let who =
            corruptToOpen < slotCount
            ? "\(corruptToOpen) of the sites" : "the primary or the standby of every slot"
        return "\(memberCount) sites, \(slotCount) helper slots with standby. "
            + "The coordinator can open a single update only if it has corrupted \(who) "
            + "(safe up to \(safe) corrupt site\(safe == 1 ? "" : "s"))."
    }
}
