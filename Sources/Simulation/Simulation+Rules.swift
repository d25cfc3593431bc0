// SPDX-License-Identifier: MIT

import Aggregation

extension Simulation {
    /// A rule that another one makes up for: only without both anything happens that must not.
    package struct Redundancy: Sendable {
        /// What holds in its place.
        package let cover: Rule
        /// How, for people.
        package let reason: String
    }

    /// Rules whose removal alone nothing notices.
    package static let redundant: [Rule: Redundancy] = [
        .roundNumber: Redundancy(
            cover: .roundOrder,
            reason: "who took the proposal all the same acts in none of the rounds whose numbers it has acted under")
    ]

    /// The rules to go without to have one missed, and how to say so.
    package static func removal(of rule: Rule) -> (removed: Set<Rule>, text: String) {
        guard let redundancy = redundant[rule] else { return ([rule], "`\(rule.rawValue)`") }
        return ([rule, redundancy.cover], "`\(rule.rawValue)` and `\(redundancy.cover.rawValue)`")
    }

    /// A seed that notices that a rule is gone, together with the one that makes up for it. `smpc-simulate --rules` tries it
    /// before all others.
    package static let noticing: [Rule: UInt64] = [
        .encodingOfRound: 5,
        .epochNumber: 139,
        .roundNumber: 45,
        .memberRecord: 28,
        .minMembers: 809,
        .slotCount: 220,
        .cohortMinProposed: 712,
        .modelOfHandover: 1637,
        .drawLimit: 227,
        .commitsHeld: 317,
        .revealMatchesCommit: 317,
        .readyCompared: 15,
        .modelOfRound: 45,
        .roundOrder: 21,
        .lock: 23,
        .lockBeforeVote: 21,
        .sameUpdate: 4,
        .spentBase: 88,
        .answeredElsewhere: 435,
        .closing: 5,
        .standbyElsewhere: 163,
        .notVotedNeeded: 225,
        .notVotedAfterVote: 225,
        .closedBeforeBytes: 195,
        .leafAgain: 476,
        .uploadBeforeBytes: 48,
        .cohortMin: 2,
        .oneSurvivors: 30,
        .quorum: 4,
        .distinctVoters: 4,
        .answerBeforeBytes: 40,
        .checkBeforeApply: 7,
        .resultOfLockedSet: 839,
        .skipAfterSurvivors: 33,
        .skipAfterLock: 26,
        .confirmedHandover: 51,
        .keysBeforeBytes: 2,
        .proposalBeforeBytes: 80,
        .survivorsBeforeBytes: 1839,
        .skipBeforeBytes: 6405,
    ]
}
