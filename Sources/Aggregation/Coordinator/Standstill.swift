// SPDX-License-Identifier: MIT

import Identity

/// What an epoch with standbys cannot go on without, unless somebody returns (protocol section 6).
enum Standstill: Equatable, Sendable {
    /// Neither holder of the slot is there.
    case slot(Int, holders: Set<PartyID>)
    /// Too few members are left for a sum, or for a certificate.
    case tooFew(needed: Int, missing: Set<PartyID>)

    var missing: Set<PartyID> {
        switch self {
        case .slot(_, let holders): holders
        case .tooFew(_, let missing): missing
        }
    }

    var isSlot: Bool {
        if case .slot = self { true } else { false }
    }
}

extension Coordinator {
    /// Whether a member can do its part in the running epoch, or may still come back in time to do it.
    private func isThere(_ party: PartyID, _ now: ContinuousClock.Instant) -> Bool {
        !isLost(party, now) && registry[party] != nil
    }

    /// What a round of an epoch with standbys lacks, or the next one when none is open; nil when it can go on.
    func standstill(
        of suspended: WaitingForReturn.Suspended, _ plan: EpochPlan, _ now: ContinuousClock.Instant
    ) -> Standstill? {
        for (slot, pair) in plan.slots.enumerated() where !suspended.holdsPartial(of: slot) {
            if !pair.holders.contains(where: { isThere($0, now) }) { return .slot(slot, holders: Set(pair.holders)) }
        }
        let needs: [(needed: Int, done: [PartyID], of: [PartyID])]
        let quorum = plan.committee.quorum
        switch suspended {
        case .nothing:
            let set = overflowedSet.map { $0.indices.map { plan.members[$0] } }
            needs = [
                (set?.count ?? configuration.cohortMin, [], set ?? plan.members), (quorum, [], plan.members),
            ]
        case .collecting(let round):
            let needed = round.onlySet?.count ?? round.round.context.cohortMin
            needs = [(needed, Array(round.uploads.keys), round.expected), (quorum, [], plan.members)]
        case .voting(let round): needs = [(quorum, Array(round.votes.keys), plan.members)]
        case .answering: needs = []
        }
        for (needed, done, members) in needs {
            let missing = Set(members.filter { !isThere($0, now) }).subtracting(done)
            if members.count - missing.count < needed { return .tooFew(needed: needed, missing: missing) }
        }
        return nil
    }

    /// An epoch with standbys cannot go on: it is left for another one where nothing can be opened in it, otherwise the run
    /// waits for whom it lacks.
    mutating func stand(
        still standstill: Standstill, _ suspended: WaitingForReturn.Suspended, _ plan: EpochPlan,
        _ now: ContinuousClock.Instant
    ) {
        if mayLeave(suspended, now) { return leave(plan, suspended, for: standstill, now) }
        waitForReturn(standstill.missing, suspended, now, for: standstill)
    }

    /// When it is known what becomes of a slot whose holders are both disconnected and not lost yet; nil when there is none.
    func slotsAreKnown(_ plan: EpochPlan) -> ContinuousClock.Instant? {
        let away = plan.slots.filter { pair in !pair.holders.contains { connected[$0] != nil && !keyless.contains($0) }
        }
        return away.compactMap { pair in pair.holders.compactMap { lossDeadlines[$0] }.max() }.min()
    }

    /// Fixes no set before an instant: an epoch whose slot turns out to be lost can be left until then, and not any more once
    /// its members vote.
    mutating func hold(_ round: CollectingRound, until known: ContinuousClock.Instant) {
        var held = round
        held.deadline = max(round.deadline, known)
        held.patience = round.patience.map { max($0, known) }
        phase = .collecting(held)
    }

    /// Between rounds, in an epoch with standbys that has to be kept: opens the next round in it, or waits.
    mutating func goOnUnderBase(_ plan: EpochPlan, _ now: ContinuousClock.Instant) throws {
        guard plan.rounds.contains(lastRound + 1) || overflowedSet != nil else {
            if mayLeave(.nothing, now) { return leave(plan, .nothing, now) }
            return finish(
                .aborted,
                "possible second opening: the rounds of epoch \(plan.proposal.epoch) are used up, and too few of its members "
                    + "are here to rule out a sum in it; \(engineersDecide)")
        }
        if let standstill = standstill(of: .nothing, plan, now) {
            return stand(still: standstill, .nothing, plan, now)
        }
        try openRound(plan, now)
    }

    /// Whether an epoch with standbys should give way to one without those that are gone, now that its base has moved: when
    /// a slot has lost one of its two holders, when keys are lost, or when one more loss would leave too few.
    func needsNewEpoch(_ plan: EpochPlan, without out: Set<PartyID>, _ now: ContinuousClock.Instant) -> Bool {
        guard keyless.isEmpty else { return true }
        let margin = max(plan.committee.quorum, configuration.cohortMin)
        return plan.holders.contains(where: out.contains) || (!out.isEmpty && plan.members.count - out.count <= margin)
    }

    /// Waits in an epoch with standbys: goes on as soon as nothing is lacking, or ends the run and says what was.
    mutating func advanceWaiting(
        _ waiting: WaitingForReturn, _ plan: EpochPlan, _ now: ContinuousClock.Instant
    ) throws {
        let isOver = now >= waiting.deadline
        if let known = waiting.votesKnownAt, now >= known {
            var waiting = waiting
            waiting.votesKnownAt = nil
            phase = .waiting(waiting)
        }
        let present = standstill(of: waiting.suspended, plan, now)
        if present == nil, !isOver, !needsSuccessor(waiting.suspended, plan) {
            return try goOn(waiting.suspended, now)
        }
        if let present, !isOver, mayLeave(waiting.suspended, now) {
            return leave(plan, waiting.suspended, for: present, now)
        }
        let able = isOver ? welcome.subtracting(waiting.missing) : welcome
        if canGoOn(with: able) { return try propose(able, now) }
        guard isOver else { return }
        finish(.aborted, sentence(waiting, present ?? waiting.standstill, plan))
    }

    /// Whether what was suspended can only go on in another epoch: no round is open, and those of this one are used up.
    private func needsSuccessor(_ suspended: WaitingForReturn.Suspended, _ plan: EpochPlan) -> Bool {
        guard case .nothing = suspended else { return false }
        return !plan.rounds.contains(lastRound + 1) && overflowedSet == nil
    }

    private func sentence(_ waiting: WaitingForReturn, _ standstill: Standstill?, _ plan: EpochPlan) -> String {
        let remedy = remedy(waiting.missing.filter { connected[$0] == nil })
        let kept = barred.isEmpty ? "" : "; \(secondOpening(waiting.suspended, plan))"
        switch standstill {
        case .slot(let slot, _):
            let pair = plan.slots[slot]
            let standby = pair.standby.map { " and its standby \(name($0))" } ?? ""
            return "slot \(slot) is lost: its primary \(name(pair.primary))\(standby) are both gone or silent\(kept): "
                + remedy
        case .tooFew(let needed, let missing):
            return "missing: \(names(missing)); fewer than \(needed) of \(plan.members.count) sites are left\(kept): "
                + remedy
        case nil where needsSuccessor(waiting.suspended, plan):
            return
                "missing: \(names(waiting.missing)); the rounds of epoch \(plan.proposal.epoch) are used up, and another "
                + "one is not possible without them\(kept): \(remedy)"
        case nil:
            return "connected and silent: \(names(waiting.missing)) for \(settings.rejoinWait)\(kept): \(remedy)"
        }
    }
}

extension WaitingForReturn.Suspended {
    /// Whether a slot's partial is held already.
    func holdsPartial(of slot: Int) -> Bool {
        if case .answering(let round) = self { round.partials[slot] != nil } else { false }
    }
}
