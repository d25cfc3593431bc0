// SPDX-License-Identifier: MIT

import Identity
import Messages

/// Steps R2' and R3 in an epoch whose slots have standbys (protocol sections 5 and 6): a quorum votes, primaries answer, and
/// the standby does for one that is gone or silent.
extension Coordinator {
    /// R2' ends when a quorum has voted and one holder of each slot has answered a ping within the last second: its
    /// primary, unless that is silent.
    mutating func advanceVotingWithStandbys(_ voting: VotingRound, _ now: ContinuousClock.Instant) {
        let plan = voting.round.plan
        if let standstill = standstill(of: .voting(voting), plan, now) {
            return stand(still: standstill, .voting(voting), plan, now)
        }
        guard voting.votes.count >= plan.committee.quorum else {
            guard now >= voting.deadline else { return }
            let silent = Set(plan.members.filter { voting.votes[$0] == nil })
            strike(silent.filter { connected[$0] != nil }, now)
            return waitForReturn(silent, .voting(voting), now)
        }
        let stale = plan.slots.filter { slot in !slot.holders.contains { isFresh($0, now) } }
        let isWaiting = voting.pingedAt.map { now < $0 + Self.pongWait }
        // A primary that is here is waited for a little, so that not the quicker of two is asked.
        let isUnsure = isWaiting != false && plan.slots.contains { mayAnswer($0.primary) && !isFresh($0.primary, now) }
        if stale.isEmpty, !isUnsure { return certify(voting, now) }
        guard isWaiting != true else { return }
        if voting.pingedAt != nil, now >= voting.deadline {
            let holders = Set(stale.flatMap(\.holders))
            strike(holders.filter { connected[$0] != nil }, now)
            return waitForReturn(holders, .voting(voting), now)
        }
        var asked = voting
        asked.pingedAt = now
        phase = .voting(asked)
        output.append(.ping(plan.holders.filter { connected[$0] != nil }.sorted()))
    }

    /// How long holders of slots have for an answer to a ping. Less than the second in which it is of use.
    static var pongWait: Duration { .milliseconds(500) }

    /// Whether a helper is connected and holds its keys.
    private func mayAnswer(_ party: PartyID) -> Bool { connected[party] != nil && !keyless.contains(party) }

    /// Whether a party was heard from within the last second.
    private func isFresh(_ party: PartyID, _ now: ContinuousClock.Instant) -> Bool {
        !keyless.contains(party) && (connected[party].map { $0.pongAt > now - .seconds(1) } ?? false)
    }

    /// R3: asks one holder of each slot, the other one when that is gone or its time is over.
    mutating func advanceAnsweringWithStandbys(_ answering: AnsweringRound, _ now: ContinuousClock.Instant) {
        var round = answering
        let plan = round.round.plan
        var next: [PartyID] = []
        var silent: Set<PartyID> = []
        for (slot, pair) in plan.slots.enumerated() where round.partials[slot] == nil {
            guard let asked = round.requests[slot]?.asked.last else {
                let first = pair.holders.first { isFresh($0, now) } ?? pair.primary
                next.append(first)
                request(first, slot, &round, now)
                if round.isCrossChecked, let other = pair.holders.first(where: { $0 != first }), mayAnswer(other) {
                    next.append(other)
                    round.requests[slot]?.asked.append(other)
                }
                continue
            }
            let isLate = round.requests[slot].map { now >= $0.deadline } ?? true
            guard isLate || isLost(asked, now) else { continue }
            if isLate { strike([asked].filter { connected[$0] != nil }, now) }
            if let other = pair.holders.first(where: { round.requests[slot]?.asked.contains($0) == false }) {
                next.append(other)
                request(other, slot, &round, now)
            } else if isLate {
                silent.formUnion(pair.holders)
            }
        }
        certify(next, &round)
        phase = .answering(round)
        if let standstill = standstill(of: .answering(round), plan, now) {
            stand(still: standstill, .answering(round), plan, now)
        } else if !silent.isEmpty {
            waitForReturn(silent, .answering(round), now)
        }
    }

    private mutating func request(
        _ helper: PartyID, _ slot: Int, _ round: inout AnsweringRound, _ now: ContinuousClock.Instant
    ) {
        let earlier = round.requests[slot]?.asked ?? []
        round.requests[slot] = SlotRequest(asked: earlier + [helper], deadline: now + partialWait(round.voting))
        round.askedAt[helper] = now
        let pair = round.round.plan.slots[slot]
        // A standby that is asked first, as it was heard from last, is no sign of a primary that is gone.
        if helper == pair.standby, !earlier.isEmpty || connected[pair.primary] == nil {
            output.append(.report(.standbyAsked(slot: slot, helper)))
        }
    }

    /// Sends the certificate to helpers; from then on they may have answered.
    private mutating func certify(_ helpers: [PartyID], _ round: inout AnsweringRound) {
        guard !helpers.isEmpty else { return }
        note(.certified(helpers.sorted()))
        round.certified.formUnion(helpers)
        broadcast(.certificate(round.certificate), helpers.sorted())
    }
}
