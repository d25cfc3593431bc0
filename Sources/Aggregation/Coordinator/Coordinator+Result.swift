// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Quantization

/// Steps R3 and R4 on the coordinator's side (protocol section 5).
extension Coordinator {
    /// R2': makes the certificate; `advanceAnswering` sends it.
    mutating func certify(_ voting: VotingRound, _ now: ContinuousClock.Instant) {
        let votes = voting.round.plan.members.compactMap { voting.votes[$0] }
        if let began = voting.began { votePace.take(now - began) }
        phase = .answering(
            AnsweringRound(
                voting: voting, certificate: VoteCertificate(ctx: voting.round.context.ctx, votes: votes),
                deadline: now + partialWait(voting),
                isCrossChecked: settings.crossCheck && voting.round.plan.committee.hasStandbys))
    }

    /// Sends the certificate in two steps: first to as many helpers as may answer without barring the way back, should one
    /// die then (the others still form an epoch with enough uploaders that have answered nothing); when these have
    /// answered, to all others at once, as from there on only the lost one's return helps and the time should be short.
    private mutating func sendCertificates(_ round: inout AnsweringRound, _ now: ContinuousClock.Instant) {
        let plan = round.round.plan
        let rest = Committee.all(members: plan.members.count - 1, gammaPercent: configuration.gammaPercent)
        let first = max(0, min(rest.memberCount - rest.cohortMin, plan.members.count))
        var next: [PartyID] = []
        if round.certified.isEmpty, first > 0 {
            next = Array(plan.members.prefix(first))
        } else if round.certified.allSatisfy({ round.hasAnswered($0) }) {
            next = plan.members.filter { !round.certified.contains($0) }
        }
        guard !next.isEmpty else { return }
        note(.certified(next))
        round.certified.formUnion(next)
        answeredUnderBase.formUnion(next)
        for member in next where connected[member] != nil {
            round.askedAt[member] = now
            output.append(.send(member, .certificate(round.certificate)))
        }
    }

    /// R3: an aggregate share came in whole.
    mutating func takePartial(
        _ round: inout AnsweringRound, _ stream: StreamID, _ party: PartyID, _ leaf: Digest, _ trailer: Envelope,
        _ now: ContinuousClock.Instant
    ) {
        let context = round.round.context
        let plan = round.round.plan
        do {
            guard let key = plan.key(of: party) else { throw PeerMisbehavior.notEntitled(message: "Partial") }
            let partial: Partial
            do { partial = try Signed<Partial>(opening: trailer, signedBy: key, using: verifier).value } catch {
                throw PeerMisbehavior.invalid(error)
            }
            guard partial.epochHash == context.epochHash, partial.ctx == context.ctx,
                partial.survivorsHash == round.voting.set.hash(epochHash: context.epochHash)
            else { throw PeerMisbehavior.wrongRound(message: "Partial") }
            guard plan.slots.indices.contains(partial.slot), plan.slots[partial.slot].isHeld(by: party) else {
                throw PeerMisbehavior.notEntitled(message: "Partial")
            }
            guard partial.leaf == leaf else { throw PeerMisbehavior.leafMismatch(party: party) }
            if let held = round.partials[partial.slot] {
                output.append(.refuse(stream, .alreadyHeld))
                return compare(held, (party, leaf, trailer), partial.slot, &round)
            }
            round.partials[partial.slot] = (party, leaf, trailer)
            if let asked = round.askedAt[party] {
                round.slowestPartial = max(round.slowestPartial ?? .zero, now - asked)
            }
            stalledSince = nil
            output.append(.accept(stream, isPartial: true))
        } catch {
            output.append(.refuse(stream, .invalid))
            if let misbehavior = error as? PeerMisbehavior { output.append(.reject(party, misbehavior)) }
        }
    }

    /// R3 ends when every slot has answered.
    mutating func advanceAnswering(_ round: AnsweringRound, _ now: ContinuousClock.Instant) throws {
        let plan = round.round.plan
        if round.partials.count == plan.slots.count, !awaitsComparison(round, now) {
            reportComparison(round)
            if let slowest = round.slowestPartial { partialPace.take(slowest) }
            phase = .summing(round)
            return output.append(.makeSum(round.round.context))
        }
        if plan.committee.hasStandbys { return advanceAnsweringWithStandbys(round, now) }
        let missing = plan.members.filter { !round.hasAnswered($0) }
        let lost = Set(missing.filter { isLost($0, now) || registry[$0] == nil || now >= round.deadline })
        strike(lost.filter { connected[$0] != nil }, now)
        guard lost.isEmpty, !planIsStale else { return try continueWithout(lost, .answering(round), now) }
        var round = round
        sendCertificates(&round, now)
        phase = .answering(round)
    }

    /// R4: the shell has made the sum and stored it durably.
    public mutating func sumMade(
        ctx: Digest, sumHash: Digest, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            guard case .summing(let round) = machine.phase, round.round.context.ctx == ctx else { return }
            let result = try machine.signResult(round, sumHash)
            machine.note(.resultMade(StoredEnvelope(result.envelope)))
            machine.publish(round.round, result, round.voting.set, now)
            try machine.advance(now)
        }
    }

    private func signResult(_ round: AnsweringRound, _ sumHash: Digest) throws -> Signed<RoundResult> {
        let plan = round.round.plan
        let partials = plan.slots.indices.compactMap { round.partials[$0] }
        let survivors = zip(round.voting.set.indices, round.voting.leaves).map { (id: plan.members[$0], leaf: $1) }
        let helpers = partials.map { (id: $0.helper, leaf: $0.leaf) }
        let result = RoundResult(
            epochHash: plan.epochHash, ctx: round.round.context.ctx, bitmap: round.voting.set.bitmap,
            answered: partials.map(\.helper), uploadLeaves: round.voting.leaves,
            partialLeaves: partials.map(\.leaf), root: resultRoot(survivors: survivors, helpers: helpers),
            sumHash: sumHash)
        return try Signed(signing: result, with: signer)
    }

    /// Sends a stored result to everybody and has it applied here.
    mutating func publish(
        _ round: OpenedRound, _ result: Signed<RoundResult>, _ set: SurvivorSet, _ now: ContinuousClock.Instant
    ) {
        let header = ResultHeader(open: round.open, ctx: round.context.ctx, elements: round.context.elements)
        history.append(
            HistoryItem(
                index: chain.index, epochHash: round.plan.epochHash, step: .result(header, result.envelope)))
        for member in round.plan.members where connected[member] != nil {
            output.append(.sendResult(member, header, trailer: result.envelope))
        }
        let application = SumApplication(
            round.context, configuration, chain, members: round.plan.members.count, cohort: set.count)
        output.append(
            .apply(application, survivors: set.indices.map { round.plan.members[$0] }, result: result.value))
        phase = .publishing(
            PublishingRound(round: round, result: result, set: set, deadline: now + applyWait(round)))
    }

    /// The coordinator's own model has taken the sum in.
    public mutating func sumApplied(
        ctx: Digest, paramsHash: Digest, scale: RoundScale, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            guard let round = machine.beginOwnApplication(ctx) else { return }
            let context = round.round.context
            let before = machine.chain.paramsHash
            machine.chain.apply(
                context, survivorsHash: round.set.hash(epochHash: context.epochHash),
                sumHash: round.result.value.sumHash, paramsHash: paramsHash, scale: scale)
            if machine.chain.paramsHash != before {
                machine.answeredUnderBase = []
                machine.openEpochs = []
                machine.overflowedSet = nil
            }
            machine.skipsInARow = 0
            machine.note(.applied(machine.chain))
            machine.output.append(
                .report(
                    .roundApplied(
                        context, cohort: round.set.count, dropouts: round.round.plan.members.count - round.set.count)))
            try machine.advance(now)
        }
    }

    /// The guards show that a sum did not fit: nothing was applied, and the same set sends again in the scale of a first round,
    /// which the digits of honest members fit. An overflow there ends the run: repeating would never end.
    public mutating func sumOverflowed(
        ctx: Digest, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            guard let round = machine.beginOwnApplication(ctx) else { return }
            let context = round.round.context
            let wasFirst = machine.chain.scale.isFirst
            machine.chain.overflow(
                context, survivorsHash: round.set.hash(epochHash: context.epochHash),
                sumHash: round.result.value.sumHash, firstScale: machine.configuration.initialScale)
            machine.overflowedSet = round.set
            machine.skipsInARow = 0
            machine.note(.overflowed(machine.chain))
            machine.output.append(.report(.roundOverflowed(context.round)))
            guard !wasFirst else {
                return machine.finish(
                    .verificationFailed,
                    "the sum of round \(context.round) overflowed in an encoding that honest updates always fit: one of "
                        + "the \(round.set.count) sites in it sent something else, and nothing was applied")
            }
            try machine.advance(now)
        }
    }

    /// The weights of a sum are not positive together, which honest ones always are: nothing is applied, and as the members
    /// refuse the sum too, the run ends.
    public mutating func sumRefused(ctx: Digest, now: ContinuousClock.Instant) throws -> [CoordinatorAction] {
        collect(now) { machine in
            guard let round = machine.beginOwnApplication(ctx) else { return }
            machine.finish(
                .verificationFailed,
                "the weights in the sum of round \(round.round.context.round) do not add up to a positive number: one of "
                    + "the \(round.set.count) sites in it sent something else than its own, and nothing was applied")
        }
    }

    /// The round that is being published, unless the coordinator has taken its sum in already.
    private mutating func beginOwnApplication(_ ctx: Digest) -> PublishingRound? {
        guard case .publishing(var round) = phase, round.round.context.ctx == ctx, !round.ownApplied else { return nil }
        round.ownApplied = true
        phase = .publishing(round)
        return round
    }

    /// Whether a report is the first of a member for the round that is being applied; others count for nothing.
    public func awaitsReport(_ applied: Applied, from party: PartyID) -> Bool {
        guard case .publishing(let round) = phase, applied.ctx == round.round.context.ctx else { return false }
        return round.round.plan.index(of: party) != nil && !round.applied.contains(party)
    }

    /// A member reports that it has applied the round.
    mutating func partyApplied(_ applied: Applied, _ party: PartyID) {
        guard case .publishing(var round) = phase, applied.ctx == round.round.context.ctx else {
            return discard("Applied", from: party)
        }
        guard round.round.plan.index(of: party) != nil else {
            return reject(party, .notEntitled(message: "Applied"))
        }
        round.applied.insert(party)
        phase = .publishing(round)
    }

    /// R4 ends when everybody that is connected has applied, or the deadline has passed.
    mutating func advancePublishing(_ round: PublishingRound, _ now: ContinuousClock.Instant) {
        guard round.ownApplied else { return }
        let waiting = round.round.plan.members.filter {
            !round.applied.contains($0) && registry[$0] != nil && !isLost($0, now)
                && (round.round.context.kind == .closing || isWaitedFor($0, round: round.round.context.round))
        }
        guard waiting.isEmpty || now >= round.deadline else { return }
        if round.round.plan.committee.hasStandbys { noteLate(waiting, round: round.round.context.round) }
        phase = .between
    }
}

extension AnsweringRound {
    /// Whether the slot of a member has its partial; of a member without one, nothing is awaited.
    func hasAnswered(_ member: PartyID) -> Bool {
        round.plan.slot(heldBy: member).map { partials[$0] != nil } ?? true
    }

    /// When those who were asked and have not answered are late.
    var requestDeadlines: [ContinuousClock.Instant] {
        requests.filter { partials[$0.key] == nil || (isCrossChecked && !checked.contains($0.key)) }
            .map(\.value.deadline)
    }

    /// Why an aggregate share is not taken, or nil.
    func refusal(of header: VectorHeader, from party: PartyID) -> VectorRefusal? {
        guard header.ctx == round.context.ctx, header.elements == round.context.elements,
            round.plan.slots.indices.contains(header.slot), round.plan.slots[header.slot].isHeld(by: party)
        else { return .notExpected }
        guard let held = partials[header.slot] else { return nil }
        return isCrossChecked && held.helper != party && !checked.contains(header.slot) ? nil : .alreadyHeld
    }
}
