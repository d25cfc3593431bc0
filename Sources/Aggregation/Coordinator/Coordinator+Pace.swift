// SPDX-License-Identifier: MIT

import Identity
import Messages

/// R1 in an epoch with standbys: a slow member is left out, not waited for (protocol section 5).
///
/// In mode `all` nobody is, as every member has to vote and to answer and a loss ends the epoch: there a round waits for
/// everybody until `uploadDeadline`.
extension Coordinator {
    /// How long the next round waits for more than enough uploads.
    func uploadWait(_ plan: EpochPlan) -> Duration {
        guard plan.committee.hasStandbys else { return settings.uploadDeadline }
        return uploadPace.wait(within: min(settings.uploadWaitMin, settings.uploadDeadline)...settings.uploadDeadline)
    }

    /// How long a set waits for the votes of a quorum.
    var voteWait: Duration {
        votePace.wait(
            within: settings.voteDeadline...max(settings.voteDeadline, settings.voteDeadlineMax),
            first: settings.voteDeadline)
    }

    /// How long a helper has for its partial.
    ///
    /// A partial is as long as an upload, and so is what it takes to send it: that counts while nothing is known of partials.
    /// A holder that another one can do for has less time than one whose loss ends the epoch.
    func partialWait(_ voting: VotingRound) -> Duration {
        let hasStandbys = voting.round.plan.committee.hasStandbys
        let least = hasStandbys ? min(settings.partialDeadlineMin, settings.partialDeadline) : settings.partialDeadline
        let most = max(settings.partialDeadline, settings.uploadDeadline)
        let sending = voting.sending * Pace.factor
        return partialPace.wait(
            within: max(least, min(sending, most))...most, first: min(max(sending, settings.partialDeadline), most))
    }

    /// Whether a round has to wait for a member that has not spoken yet.
    func isWaitedFor(_ party: PartyID, round: UInt64) -> Bool { late[party].map { $0.waitedFor <= round } ?? true }

    /// Whether a round has enough uploads and waits for none of the members that have not spoken. With fewer than are needed
    /// it waits for everybody until its deadline, so that no round is skipped for having waited less.
    mutating func goesOnWithoutTheLate(
        _ round: CollectingRound, _ waiting: [PartyID], _ needed: Int, _ now: ContinuousClock.Instant
    ) -> Bool {
        guard !waiting.isEmpty, round.patience != nil || round.isOverdue else { return false }
        let number = round.round.context.round
        let isOver = round.patience.map { now >= $0 } ?? false
        guard round.uploads.count >= needed else {
            if isOver { wait(for: round, until: nil) }
            return false
        }
        // Everybody is slower than in the rounds before: the others may be as little behind as they were then.
        guard !round.isOverdue else {
            wait(for: round, until: now + settings.uploadWaitMin)
            return false
        }
        let awaited = waiting.filter { isWaitedFor($0, round: number) && !round.failed.contains($0) }
        guard awaited.isEmpty || isOver else { return false }
        strike(waiting.filter(round.failed.contains), now)
        noteLate(awaited, round: number)
        return true
    }

    /// How long a result may take to be applied by everybody.
    func applyWait(_ round: OpenedRound) -> Duration {
        let isPatient = !round.plan.committee.hasStandbys || round.context.kind == .closing
        return isPatient ? settings.applyDeadline : min(settings.applyDeadline, settings.uploadWaitMin)
    }

    /// Counts a round that goes on without these.
    mutating func noteLate(_ members: [PartyID], round: UInt64) {
        for party in members { late[party, default: Lateness()].miss(round: round) }
        if !members.isEmpty { output.append(.report(.membersLate(members, round: round))) }
    }

    /// Has a round wait on; nil stands for as long as there are not enough uploads.
    private mutating func wait(for round: CollectingRound, until patience: ContinuousClock.Instant?) {
        var patient = round
        patient.patience = patience
        patient.isOverdue = patience == nil
        phase = .collecting(patient)
    }
}
