// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Quantization

/// Steps R0 to R2' on the coordinator's side (protocol section 5).
extension Coordinator {
    /// The kind of the next round.
    var nextKind: RoundKind { chain.appliedRounds >= configuration.rounds ? .closing : .training }

    /// R0: opens a round for everybody in the epoch.
    mutating func openRound(_ plan: EpochPlan, _ now: ContinuousClock.Instant) throws {
        lastRound += 1
        let kind = nextKind
        let encoding = configuration.encoding(kind: kind, scale: chain.scale)
        let wait = uploadWait(plan)
        let open = RoundOpen(
            epochHash: plan.epochHash, round: lastRound, kind: kind, modelHash: chain.modelHash,
            encodingHash: encoding.hash, deadlineSeconds: max(1, Int(wait.components.seconds)))
        let round = openedRound(open, plan)
        let isFresh = openedBase != round.context.base
        openedBase = round.context.base
        noteOpened(plan)
        note(.roundOpened(open.encoded()))
        output.append(.beginSums(round.context))
        output.append(.report(.roundOpened(round.context)))
        broadcast(.roundOpen(open), plan)
        var collecting = CollectingRound(
            round: round, deadline: now + settings.uploadDeadline, onlySet: overflowedSet)
        if plan.committee.hasStandbys { collecting.patience = now + wait }
        // Who trained for this base before only sends again, and a closing round has no training.
        if plan.committee.hasStandbys, kind == .training, isFresh { collecting.pace = (now, []) }
        phase = .collecting(collecting)
    }

    /// The context that follows from a round's opening and the present chain.
    func openedRound(_ open: RoundOpen, _ plan: EpochPlan) -> OpenedRound {
        let encoding = configuration.encoding(kind: open.kind, scale: chain.scale)
        let context = RoundContext(
            epochHash: plan.epochHash, round: open.round, kind: open.kind, modelHash: open.modelHash,
            paramsHash: chain.paramsHash, encodingHash: encoding.hash, elements: encoding.elements,
            cohortMin: configuration.cohortMin)
        return OpenedRound(open: open, context: context, plan: plan)
    }

    /// A party opened a stream for a vector.
    public mutating func vectorOffered(
        _ stream: StreamID, _ header: StreamHeader, from party: PartyID, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            switch (header, machine.phase) {
            case (.upload(let header), .collecting(var round)):
                if let refusal = round.refusal(of: header, from: party) {
                    return machine.output.append(.refuse(stream, refusal))
                }
                if let earlier = round.streams.offer(stream, from: party) {
                    machine.output.append(.refuse(earlier, .notExpected))
                }
                machine.grant(&round.streams, now)
                machine.phase = .collecting(round)
            case (.partial(let header), .answering(var round)):
                if let refusal = round.refusal(of: header, from: party) {
                    return machine.output.append(.refuse(stream, refusal))
                }
                if let earlier = round.streams.offer(stream, from: party) {
                    machine.output.append(.refuse(earlier, .notExpected))
                }
                machine.grant(&round.streams, now)
                machine.phase = .answering(round)
            default:
                machine.output.append(.refuse(stream, machine.lateRefusal(header, party)))
            }
            try machine.advance(now)
        }
    }

    /// A vector that comes after its phase: it is held if it is in the set, and too late otherwise.
    private func lateRefusal(_ header: StreamHeader, _ party: PartyID) -> VectorRefusal {
        guard case .upload(let upload) = header, let voting = phase.voting, upload.ctx == voting.round.context.ctx,
            let index = voting.round.plan.index(of: party)
        else { return .notExpected }
        return voting.set.contains(index) ? .alreadyHeld : .notExpected
    }

    private mutating func grant(_ streams: inout VectorStreams, _ now: ContinuousClock.Instant) {
        for stream in streams.takeGrants(atMost: settings.grantsMax, now: now) { output.append(.grant(stream)) }
    }

    /// A vector came in whole: canonical elements of the right number, with this leaf and trailer.
    public mutating func vectorEnded(
        _ stream: StreamID, leaf: Digest, trailer: Envelope, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            switch machine.phase {
            case .collecting(var round):
                let took = round.streams.since[stream].map { now - $0 } ?? .zero
                guard let party = round.streams.end(stream) else {
                    return machine.output.append(.refuse(stream, .notExpected))
                }
                machine.takeUpload(&round, stream, party, leaf, trailer, now)
                round.sending.append(took)
                machine.grant(&round.streams, now)
                machine.phase = .collecting(round)
            case .answering(var round):
                guard let party = round.streams.end(stream) else {
                    return machine.output.append(.refuse(stream, .notExpected))
                }
                machine.takePartial(&round, stream, party, leaf, trailer, now)
                guard !machine.hasEnded else { return }
                machine.grant(&round.streams, now)
                machine.phase = .answering(round)
            default: machine.output.append(.refuse(stream, .notExpected))
            }
            try machine.advance(now)
        }
    }

    /// A vector did not come in whole, or was not one.
    public mutating func vectorFailed(
        _ stream: StreamID, _ misbehavior: PeerMisbehavior?, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            var party: PartyID?
            switch machine.phase {
            case .collecting(var round):
                party = round.streams.end(stream)
                if let party, misbehavior != nil { round.failed.insert(party) }
                machine.grant(&round.streams, now)
                machine.phase = .collecting(round)
            case .answering(var round):
                party = round.streams.end(stream)
                machine.grant(&round.streams, now)
                machine.phase = .answering(round)
            default: break
            }
            if let party, let misbehavior { machine.output.append(.reject(party, misbehavior)) }
            try machine.advance(now)
        }
    }

    private mutating func takeUpload(
        _ round: inout CollectingRound, _ stream: StreamID, _ party: PartyID, _ leaf: Digest, _ trailer: Envelope,
        _ now: ContinuousClock.Instant
    ) {
        let context = round.round.context
        do {
            guard let key = round.round.plan.key(of: party) else {
                throw PeerMisbehavior.notEntitled(message: "Upload")
            }
            let upload: Upload
            do { upload = try Signed<Upload>(opening: trailer, signedBy: key, using: verifier).value } catch {
                throw PeerMisbehavior.invalid(error)
            }
            guard upload.epochHash == context.epochHash, upload.ctx == context.ctx else {
                throw PeerMisbehavior.wrongRound(message: "Upload")
            }
            guard upload.leaf == leaf else { throw PeerMisbehavior.leafMismatch(party: party) }
            guard round.uploads[party] == nil else { return output.append(.refuse(stream, .alreadyHeld)) }
            round.uploads[party] = leaf
            if let began = round.pace?.began { round.pace?.times.append(now - began) }
            late[party] = nil
            stalledSince = nil
            round.silent[party] = nil
            round.failed.remove(party)
            output.append(.accept(stream, isPartial: false))
        } catch {
            round.failed.insert(party)
            output.append(.refuse(stream, .invalid))
            if let misbehavior = error as? PeerMisbehavior { output.append(.reject(party, misbehavior)) }
        }
    }

    /// A participant uploads nothing in this round.
    mutating func stayedSilent(_ silence: Silence, _ party: PartyID) {
        guard case .collecting(var round) = phase, silence.ctx == round.round.context.ctx,
            round.uploads[party] == nil
        else { return discard("Silence", from: party) }
        guard round.round.plan.index(of: party) != nil else {
            return reject(party, .notEntitled(message: "Silence"))
        }
        round.silent[party] = silence.cause
        late[party] = nil
        phase = .collecting(round)
    }

    /// R1 ends when everybody has spoken or the deadline has passed; a lost member ends the epoch in mode `all`.
    mutating func advanceCollecting(_ round: CollectingRound, _ now: ContinuousClock.Instant) throws {
        let plan = round.round.plan
        let lost = Set(plan.members.filter { isLost($0, now) || registry[$0] == nil })
        if plan.committee.hasStandbys {
            if let standstill = standstill(of: .collecting(round), plan, now) {
                return stand(still: standstill, .collecting(round), plan, now)
            }
            if let known = slotsAreKnown(plan) { return hold(round, until: known) }
        } else {
            guard lost.isEmpty, !planIsStale else { return try continueWithout(lost, .collecting(round), now) }
        }
        let waiting = round.expected.filter {
            round.uploads[$0] == nil && round.silent[$0] == nil && !lost.contains($0)
        }
        let needed = round.onlySet?.count ?? round.round.context.cohortMin
        if goesOnWithoutTheLate(round, waiting, needed, now) { return try fixSurvivors(round, now) }
        guard waiting.allSatisfy(round.failed.contains) || now >= round.deadline else { return }
        strike(waiting, now)
        if round.uploads.count >= needed { return try fixSurvivors(round, now) }
        let barred = round.silent.filter {
            [.answeredUnderThisBase, .cannotRepeat, .mayBeOpenedElsewhere].contains($0.value)
        }
        if round.expected.count - barred.count < needed {
            return finish(
                .aborted,
                "possible second opening: \(names(barred.keys)) answered or uploaded under these parameters before or cannot "
                    + "send the same bytes again, and without them fewer than \(needed) are left; \(engineersDecide)"
            )
        }
        try skip(round, now)
    }

    /// R2: stores the sum of the uploads and the set, then tells everybody.
    private mutating func fixSurvivors(_ round: CollectingRound, _ now: ContinuousClock.Instant) throws {
        let plan = round.round.plan
        let indices = plan.members.indices.filter { round.uploads[plan.members[$0]] != nil }
        let set = SurvivorSet(indices, of: plan.members.count)
        let leaves = indices.compactMap { round.uploads[plan.members[$0]] }
        if let pace = round.pace { uploadPace.take(pace.times, members: round.expected.count) }
        let survivors = try Signed(
            signing: Survivors(
                epochHash: plan.epochHash, ctx: round.round.context.ctx, bitmap: set.bitmap), with: signer)
        abandonStreams()
        output.append(.storeUploadSum(round.round.context))
        note(.survivorsFixed(StoredEnvelope(survivors.envelope), leaves: leaves))
        broadcast(.survivors(survivors.envelope), plan)
        phase = .voting(
            VotingRound(
                round: round.round, set: set, survivors: survivors.envelope, leaves: leaves,
                deadline: now + voteWait, began: now,
                sending: Pace.ofTwoThirds(round.sending.sorted(), of: round.sending.count) ?? .zero))
    }

    /// "Skip": gives the open round up; its set was never sent.
    private mutating func skip(_ round: CollectingRound, _ now: ContinuousClock.Instant) throws {
        let plan = round.round.plan
        let reason: AbortReason = now >= round.deadline ? .deadline : .belowCohortMinimum
        let context = round.round.context
        let skip = try Signed(
            signing: Skip(epochHash: plan.epochHash, ctx: context.ctx, round: context.round, reason: reason),
            with: signer)
        abandonStreams()
        let index = chain.index
        chain.skip(ctx: context.ctx, reason: reason)
        note(.skipped(StoredEnvelope(skip.envelope), chain))
        history.append(
            HistoryItem(index: index, epochHash: plan.epochHash, step: .skip(round.round.open, skip.envelope)))
        broadcast(.skip(skip.envelope), plan)
        output.append(.report(.roundSkipped(context.round, reason)))
        skipsInARow += 1
        phase = .between
    }

    /// R2': a member votes. Two votes of one member under one base for different sets are evidence: the run stops.
    mutating func voted(_ envelope: Envelope, _ party: PartyID) {
        guard let voting = phase.voting ?? phase.suspendedVoting else { return discard(Vote.name, from: party) }
        guard let key = voting.round.plan.key(of: party) else { return reject(party, .notEntitled(message: Vote.name)) }
        let signed: Signed<Vote>
        do {
            signed = try Signed<Vote>(opening: envelope, signedBy: key, using: verifier)
        } catch {
            return reject(party, .invalid(error))
        }
        if let first = voting.statements[party], first.value.contradicts(signed.value) {
            reject(
                party, .conflictingStatements(of: party.hex, first: first.envelope, second: envelope))
            return finish(
                .verificationFailed,
                "conflicting statements: \(name(party)) has signed two votes for different sets under one base; "
                    + "show the evidence to the sites")
        }
        switch phase {
        case .voting(var round):
            if round.take(signed, of: party) { stalledSince = nil }
            phase = .voting(round)
        case .waiting(var waiting):
            // It counts when the round goes on, and bars the way out of the epoch when it does not.
            guard case .voting(var round) = waiting.suspended else { return }
            round.take(signed, of: party)
            waiting.suspended = .voting(round)
            phase = .waiting(waiting)
        default: return
        }
        if envelope.payload != voting.expectedVote.encoded() { reject(party, .wrongRound(message: Vote.name)) }
    }

    /// R2' ends when all have voted and every helper has answered a ping within the last second.
    mutating func advanceVoting(_ voting: VotingRound, _ now: ContinuousClock.Instant) throws {
        let plan = voting.round.plan
        if plan.committee.hasStandbys { return advanceVotingWithStandbys(voting, now) }
        let lost = Set(plan.members.filter { isLost($0, now) || registry[$0] == nil })
        guard lost.isEmpty, !planIsStale else { return try continueWithout(lost, .voting(voting), now) }
        guard voting.votes.count >= plan.committee.quorum else {
            guard now >= voting.deadline else { return }
            let silent = Set(plan.members.filter { voting.votes[$0] == nil })
            strike(silent, now)
            return try continueWithout(silent, .voting(voting), now)
        }
        let stale = plan.members.filter { (connected[$0]?.pongAt ?? now - .seconds(9)) <= now - .seconds(1) }
        if stale.isEmpty { return certify(voting, now) }
        // All are asked, not the stale ones alone: whose last answer is almost a second old would be stale when theirs come.
        guard let pinged = voting.pingedAt else {
            var asked = voting
            asked.pingedAt = now
            phase = .voting(asked)
            return output.append(.ping(plan.members))
        }
        if now >= pinged + .seconds(1) {
            if now >= voting.deadline {
                strike(stale, now)
                return try continueWithout(Set(stale), .voting(voting), now)
            }
            var asked = voting
            asked.pingedAt = now
            phase = .voting(asked)
            output.append(.ping(plan.members))
        }
    }
}

extension CollectingRound {
    /// Why an upload is not taken, or nil.
    func refusal(of header: VectorHeader, from party: PartyID) -> VectorRefusal? {
        guard header.ctx == round.context.ctx, header.elements == round.context.elements,
            expected.contains(party)
        else { return .notExpected }
        return uploads[party] == nil ? nil : .alreadyHeld
    }

    /// Whose vectors may be in the set.
    var expected: [PartyID] { onlySet.map { $0.indices.map { round.plan.members[$0] } } ?? round.plan.members }
}

extension VotingRound {
    /// Keeps a vote, and says whether it is the first of its member that counts. The members of the certificate compare the
    /// bytes: so must whoever puts a vote into it.
    @discardableResult
    mutating func take(_ vote: Signed<Vote>, of party: PartyID) -> Bool {
        if vote.value.isUnder(round.context) { statements[party] = statements[party] ?? vote }
        guard vote.envelope.payload == expectedVote.encoded() else { return false }
        defer { votes[party] = vote.envelope }
        return votes[party] == nil
    }

    /// The one vote that counts.
    var expectedVote: Vote {
        let context = round.context
        return Vote(
            epochHash: context.epochHash, ctx: context.ctx, base: context.base,
            survivorsHash: set.hash(epochHash: context.epochHash))
    }
}
