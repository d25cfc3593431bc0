// SPDX-License-Identifier: MIT

#if SUMMAND_RULE_SWITCHES
    import Synchronization
#endif

/// The rules of protocol sections 4 to 6 that a run of the simulator can go without, to show that it notices (`docs/TESTING.md`).
///
/// The switch exists in a build for that purpose alone; in every other one `isRemoved` is the constant `false`.
package enum Rule: String, CaseIterable, Sendable {
    /// E1, line 1: an epoch's number is larger than any before.
    case epochNumber
    /// E1, line 2: its first round is larger than any acted in.
    case roundNumber
    /// E1, line 3: every member is confirmed in the site's own record.
    case memberRecord
    /// E1, line 6: an epoch has at least two thirds of the members of the largest one.
    case minMembers
    /// E1, line 7: the number of slots is the one that n and γ demand.
    case slotCount
    /// E1, line 9: cohortMin is at least what n and γ demand.
    case cohortMinProposed
    /// E1, line 10: what is handed over leads to the model of the proposal.
    case modelOfHandover
    /// E2: a member takes part in 32 draws in a day.
    case drawLimit
    /// E2: once a nonce is shown, nobody has another commit.
    case commitsHeld
    /// E2: a nonce is the one that was committed to.
    case revealMatchesCommit
    /// E5: what everybody states is what was sent here.
    case readyCompared
    /// R0: modelHash is the one that the member computes.
    case modelOfRound
    /// R0: the encoding of a round is the one that the member computes.
    case encodingOfRound
    /// R0: a round's number does not go back, and keeps its ctx.
    case roundOrder
    /// Rule (a): one set under one base of an epoch.
    case lock
    /// Rule (a): the lock is durable before the vote.
    case lockBeforeVote
    /// Rule (b): the update that is kept is the one that is encoded.
    case sameUpdate
    /// Rule (b): nothing is uploaded under a base that was left.
    case spentBase
    /// Rule (c): who has answered under a base uploads nothing there in a later epoch.
    case answeredElsewhere
    /// Rule (c): the base is closed in the epoch before.
    case closing
    /// Rule (c): nothing is uploaded in two epochs under one base when one of them has standbys.
    case standbyElsewhere
    /// Rule (c): an epoch with standbys is left with the word of n − q + f + 1 members.
    case notVotedNeeded
    /// Rule (c): who has voted does not sign that it has not.
    case notVotedAfterVote
    /// Rule (c): that a base is closed is durable before the word goes out.
    case closedBeforeBytes
    /// R1: a vector that is sent again has the leaf of the first.
    case leafAgain
    /// R1: the upload is recorded before its bytes leave.
    case uploadBeforeBytes
    /// R2: a set has at least cohortMin members.
    case cohortMin
    /// R2: a second set in a round is evidence.
    case oneSurvivors
    /// R3: a certificate has q votes.
    case quorum
    /// R3: its votes are of distinct members.
    case distinctVoters
    /// R3: a helper records that it answers before its bytes leave.
    case answerBeforeBytes
    /// R4: the check holds before a sum is applied.
    case checkBeforeApply
    /// R4: a result is over the set that was voted for.
    case resultOfLockedSet
    /// "Skip": not after Survivors.
    case skipAfterSurvivors
    /// "Skip": not after a vote that a restart left only the lock of.
    case skipAfterLock
    /// Handover: f + 1 others have computed the model themselves.
    case confirmedHandover
    /// E3: the keys are stored before the bytes that rest on them.
    case keysBeforeBytes
    /// Coordinator: a proposal is stored before it is sent.
    case proposalBeforeBytes
    /// Coordinator: the set is stored before it is sent.
    case survivorsBeforeBytes
    /// Coordinator: a Skip is stored before it is sent.
    case skipBeforeBytes

    #if SUMMAND_RULE_SWITCHES
        /// The rules that this process goes without, a bit each.
        private static let removed = Atomic<UInt64>(0)

        /// Whether this build can remove rules.
        package static let canBeRemoved = true

        private var bit: UInt64 { 1 << UInt64(Self.allCases.firstIndex(of: self) ?? 63) }

        /// Goes without these rules and with all others from here on, in the whole process.
        package static func remove(_ rules: Set<Rule>) {
            removed.store(rules.reduce(0) { $0 | $1.bit }, ordering: .sequentiallyConsistent)
        }

        /// Whether the machines go without this rule.
        var isRemoved: Bool { Self.removed.load(ordering: .relaxed) & bit != 0 }
    #else
        /// Whether this build can remove rules.
        package static let canBeRemoved = false

        /// Does nothing: this build keeps its rules.
        package static func remove(_ rules: Set<Rule>) {}

        /// No rule is ever removed in this build.
        @inline(__always) var isRemoved: Bool { false }
    #endif
}
