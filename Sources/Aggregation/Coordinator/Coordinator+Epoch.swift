// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Gathering, proposing and setting up epochs (protocol section 4), and what follows a loss.
extension Coordinator {
    /// Waits for the first cohort, or for the deadline.
    mutating func gather(_ since: ContinuousClock.Instant?, _ now: ContinuousClock.Instant) throws {
        // Whoever has gone again is not waited with.
        guard !connected.isEmpty else { return phase = .gathering(since: nil) }
        let first = since ?? now
        phase = .gathering(since: first)
        let present = connected.count
        if present >= settings.cohort { return try propose(Set(connected.keys), now) }
        guard now >= first + settings.cohortWait else { return }
        if present >= Limits.membersMin { return try propose(Set(connected.keys), now) }
        finish(
            .aborted,
            "only \(present) of \(settings.cohort) parties came within \(settings.cohortWait): \(names(connected.keys)); "
                + "at least \(Limits.membersMin) are needed: start the missing clients and run again")
    }

    /// Between rounds: ends the run, opens a round, or changes the epoch.
    mutating func decideNext(_ now: ContinuousClock.Instant) throws {
        guard let plan else { return try propose(Set(connected.keys), now) }
        let members = Set(plan.members)
        let absent = members.filter { connected[$0] == nil || registry[$0] == nil }
        if absent.contains(where: { !isLost($0, now) && registry[$0] != nil }) { return }
        if endIfDue() { return }
        let mayChange = openedBase != RoundContext.base(kind: nextKind, paramsHash: chain.paramsHash)
        if plan.committee.hasStandbys, !mayChange, !planIsStale { return try goOnUnderBase(plan, now) }
        let roomFor = settings.slots.membersMax(
            upTo: members.count + 1, gammaPercent: configuration.gammaPercent)
        let hasRoom = members.count < roomFor
        let newcomers =
            mayChange && hasRoom ? welcome.subtracting(members).filter { !isOnProbation($0, now) } : []
        let rest = members.subtracting(absent).filter { !isOnProbation($0, now) }
        let out = mayChange && canGoOn(with: rest) ? absent.union(members.subtracting(rest)) : absent
        // The repetition after an overflow belongs to the epoch whose members are locked to its set.
        let used = !plan.rounds.contains(lastRound + 1) && overflowedSet == nil
        let next = members.subtracting(out).union(newcomers)
        if plan.committee.hasStandbys, !used, !planIsStale, newcomers.isEmpty || !canGoOn(with: next) {
            guard needsNewEpoch(plan, without: out, now), canGoOn(with: next) else {
                return try goOnUnderBase(plan, now)
            }
        } else if out.isEmpty, newcomers.isEmpty, !used, !planIsStale {
            return try openRound(plan, now)
        }
        try propose(next, now)
    }

    /// Who is connected and could be in an epoch.
    var welcome: Set<PartyID> { Set(connected.keys.filter { registry[$0] != nil }).subtracting(leftOut) }

    /// Leaves parties out of epochs, until they connect anew and their probation is over.
    private mutating func leaveOut(_ parties: Set<PartyID>, _ now: ContinuousClock.Instant) {
        leftOut.formUnion(parties)
        strike(parties, now, firstIsFree: true)
    }

    /// Ends the run when its last round is applied, or when it cannot get further. Returns whether it has ended.
    private mutating func endIfDue() -> Bool {
        if chain.converged {
            finish(.converged, "the parameters stopped changing after \(chain.appliedRounds) rounds")
        } else if chain.closed {
            finish(.complete, "all \(chain.appliedRounds) rounds are applied")
        } else if skipsInARow >= settings.skipsMax {
            finish(
                .aborted,
                "\(skipsInARow) rounds in a row found fewer than \(configuration.cohortMin) uploads; "
                    + "see the clients' logs for why they stayed silent")
        }
        return hasEnded
    }

    /// Whether a member of the epoch has been away for too long.
    func isLost(_ party: PartyID, _ now: ContinuousClock.Instant) -> Bool {
        guard !keyless.contains(party) else { return true }
        guard connected[party] == nil else { return false }
        guard let deadline = lossDeadlines[party] else { return true }
        return now >= deadline
    }

    /// Tells whether some parties could form an epoch that can still open a sum under the present base.
    func canGoOn(with members: Set<PartyID>) -> Bool { canGoOn(with: members, barred: barred) }

    /// The same, with what some epochs would be if they were closed.
    func canGoOn(with members: Set<PartyID>, barred: Set<PartyID>) -> Bool {
        guard
            let committee = settings.slots.committee(
                members: members.count, gammaPercent: configuration.gammaPercent),
            settings.slots.pinnedHolders.isSubset(of: members)
        else { return false }
        return members.count >= max(Limits.membersMin, Committee.minMembersDefault(largestEpoch: largestEpoch))
            && members.subtracting(barred).count >= committee.cohortMin
    }

    /// E1: proposes an epoch of these members, or waits for more.
    mutating func propose(_ wanted: Set<PartyID>, _ now: ContinuousClock.Instant) throws {
        let able = wanted.filter { registry[$0] != nil && connected[$0] != nil }
        // Members of the last epoch come first where there are more than an epoch can have.
        let inOrder = able.sorted {
            (plan?.index(of: $0) == nil ? 1 : 0, $0) < (plan?.index(of: $1) == nil ? 1 : 0, $1)
        }
        let room = settings.slots.membersMax(upTo: able.count, gammaPercent: configuration.gammaPercent)
        let members = settings.slots.pinnedHolders.intersection(able).union(inOrder.prefix(room))
        guard canGoOn(with: members),
            let committee = settings.slots.committee(
                members: members.count, gammaPercent: configuration.gammaPercent)
        else {
            let missing = Set(plan?.members ?? []).subtracting(members)
            return waitForReturn(missing, .nothing, now)
        }
        abandonStreams()
        planIsStale = false
        lastEpoch += 1
        largestEpoch = max(largestEpoch, members.count)
        configuration.cohortMin = committee.cohortMin
        let proposal = EpochProposal(
            federation: settings.federation, epoch: lastEpoch, round: lastRound + 1, modelHash: chain.modelHash,
            paramsHash: chain.paramsHash, appliedRounds: chain.appliedRounds,
            members: members.compactMap { registry[$0] }, mode: settings.slots.mode(members: members.count),
            slotCount: committee.slotCount, pinned: settings.slots.pairs, configuration: configuration)
        let signed = try Signed(signing: proposal, with: signer)
        guard let draft = try? EpochDraft(signed) else {
            preconditionFailure("the coordinator proposes only committees that exist")
        }
        note(.epochProposed(epoch: lastEpoch, proposal: StoredEnvelope(signed.envelope)))
        output.append(.report(.epochProposed(epoch: lastEpoch, members: draft.members)))
        output.append(.sendDirectory(draft.members))
        for member in draft.members {
            if needsHandover(member) { output.append(.sendHandover(member, handoverHeader)) }
            showNotVoted(to: member)
            output.append(.send(member, .epochProposal(signed.envelope)))
        }
        lossDeadlines = lossDeadlines.filter { draft.index(of: $0.key) != nil }
        phase = .settingUp(
            EpochSetUp(draft: draft, proposal: signed.envelope, deadline: now + settings.setUpDeadline))
    }

    /// Whether a party must be handed the model before an epoch: it neither was in the last one, where every result went
    /// to it, nor stood where the chain stands when it connected.
    func needsHandover(_ party: PartyID) -> Bool {
        guard chain.index > 0, let hello = connected[party]?.hello else { return false }
        if plan?.index(of: party) != nil, followsChain.contains(party) { return false }
        return hello.position?.run != configuration.run || hello.position?.chainIndex != chain.index
    }

    /// E5: a participant holds its keys.
    mutating func epochReady(_ envelope: Envelope, from party: PartyID, _ now: ContinuousClock.Instant) throws {
        guard case .settingUp(var setUp) = phase, let plan = setUp.plan else {
            return discard(EpochReady.name, from: party)
        }
        guard let key = plan.key(of: party) else {
            return reject(party, .notEntitled(message: EpochReady.name))
        }
        let signed: Signed<EpochReady>
        do {
            signed = try Signed<EpochReady>(opening: envelope, signedBy: key, using: verifier)
        } catch {
            return reject(party, .invalid(error))
        }
        guard signed.value.epochHash == plan.epochHash else {
            return reject(party, .wrongEpoch(message: EpochReady.name))
        }
        guard signed.value.seedHashes.count == plan.slots.count else {
            return reject(party, .resultInconsistent(field: "seed_hashes"))
        }
        if let first = setUp.ready[party] {
            guard first.value != signed.value else { return }
            return try contradicted(party, first.envelope, envelope, setUp, now)
        }
        setUp.ready[party] = signed
        if setUp.ready.count == plan.members.count, setUp.bundle == nil {
            if let differing = minority(setUp) {
                for party in differing { output.append(.report(.memberLost(party, phase: "check keys differ"))) }
                phase = .settingUp(setUp)
                leaveOut(differing, now)
                let rest = Set(plan.members).subtracting(differing)
                return canGoOn(with: rest) ? try propose(rest, now) : waitForReturn(differing, .nothing, now)
            }
            let statements = plan.members.compactMap { setUp.ready[$0]?.envelope }
            setUp.bundle = statements
            broadcast(.epochReadyBundle(statements), plan)
        }
        phase = .settingUp(setUp)
    }

    /// Two signed statements of a member of one set-up: it is left out before anything was uploaded.
    mutating func contradicted(
        _ party: PartyID, _ first: Envelope, _ second: Envelope, _ setUp: EpochSetUp, _ now: ContinuousClock.Instant
    ) throws {
        reject(party, .conflictingStatements(of: party.hex, first: first, second: second))
        leaveOut([party], now)
        try propose(Set(setUp.members).subtracting([party]), now)
    }

    /// The members whose check key is not that of the most, or nil when all are equal. Somebody gave different shares to
    /// different members; without comparing those nobody can tell who, so that whoever differs is left out.
    private func minority(_ setUp: EpochSetUp) -> Set<PartyID>? {
        let groups = Dictionary(grouping: setUp.members) { setUp.ready[$0]?.value.readyHash }
        guard groups.count > 1, let largest = groups.values.max(by: { ($0.count, $1[0]) < ($1.count, $0[0]) }) else {
            return nil
        }
        return Set(setUp.members).subtracting(largest)
    }

    /// E5: a helper holds what every participant stated.
    mutating func slotReady(_ envelope: Envelope, from party: PartyID, _ now: ContinuousClock.Instant) throws {
        guard case .settingUp(var setUp) = phase, let plan = setUp.plan else {
            return discard(SlotReady.name, from: party)
        }
        guard let key = plan.key(of: party) else {
            return reject(party, .notEntitled(message: SlotReady.name))
        }
        do {
            let signed = try Signed<SlotReady>(opening: envelope, signedBy: key, using: verifier)
            guard signed.value.epochHash == plan.epochHash else {
                return reject(party, .wrongEpoch(message: SlotReady.name))
            }
        } catch {
            return reject(party, .invalid(error))
        }
        guard setUp.bundle != nil else {
            return reject(party, .outOfPhase(message: SlotReady.name, phase: "before EpochReadyBundle"))
        }
        setUp.slotReady.insert(party)
        phase = .settingUp(setUp)
    }

    /// E5: a helper shows that a participant stated another seed than it sent: out before anything was uploaded.
    mutating func slotDisputed(_ dispute: SlotDispute, by party: PartyID, _ now: ContinuousClock.Instant) throws {
        guard case .settingUp(let setUp) = phase, let plan = setUp.plan else {
            return discard("SlotDispute", from: party)
        }
        guard plan.index(of: party) != nil, let key = plan.key(of: dispute.party) else {
            return reject(party, .notEntitled(message: "SlotDispute"))
        }
        guard
            let seed = try? Signed<SlotSeedStatement>(opening: dispute.slotSeed, signedBy: key, using: verifier).value,
            let ready = try? Signed<EpochReady>(opening: dispute.epochReady, signedBy: key, using: verifier).value,
            seed.epochHash == plan.epochHash, ready.epochHash == plan.epochHash,
            ready.seedHashes.indices.contains(seed.slot), ready.seedHashes[seed.slot] != seed.seedHash
        else { return reject(party, .resultInconsistent(field: "dispute")) }
        try contradicted(dispute.party, dispute.slotSeed, dispute.epochReady, setUp, now)
    }

    /// E1: a party refuses. A newcomer that somebody has not confirmed is left out; otherwise the refuser is, unless it is the
    /// first time that it has lost its keys since: a new epoch gives it others.
    mutating func proposalRefused(
        _ refusal: EpochRefusal, by party: PartyID, _ now: ContinuousClock.Instant
    ) throws {
        // A party outside the proposal may have got it from a peer, which returns the one it holds for a seed of another.
        guard case .settingUp(let setUp) = phase, setUp.draft.proposalHash == refusal.proposalHash,
            setUp.draft.index(of: party) != nil
        else { return discard("EpochRefusal", from: party) }
        if refusal.line == .peersMissing {
            var asked = setUp
            asked.unreached[party] = Set(refusal.parties).intersection(setUp.members)
            phase = .settingUp(asked)
            return
        }
        output.append(.report(.proposalRefused(by: party, refusal.line, refusal.detail)))
        if refusal.line == .keysLost, forgetful.insert(party).inserted {
            return try propose(Set(setUp.members), now)
        }
        let settled = Set(plan?.members ?? [])
        let newcomers = Set(refusal.parties).intersection(setUp.members).subtracting(settled).subtracting([party])
        let isAboutNewcomers = refusal.line == .unknownMember || refusal.line == .changedKey
        let out = isAboutNewcomers && !settled.isEmpty && !newcomers.isEmpty ? newcomers : [party]
        leaveOut(out, now)
        if isAboutNewcomers { for newcomer in out.subtracting([party]) { unconfirmed[newcomer] = party } }
        let rest = Set(setUp.members).subtracting(out)
        if canGoOn(with: rest) { return try propose(rest, now) }
        if out.isDisjoint(with: settled), !settled.isEmpty {
            return waitForReturn(settled.subtracting(connected.keys), .nothing, now)
        }
        finish(
            refusal.line == .modelHash ? .verificationFailed : .aborted,
            "\(name(party)) refused epoch \(setUp.draft.proposal.epoch): \(refusal.detail); "
                + "without it too few are left: mend that and run again")
    }

    /// A member's record has changed: the newcomers that it had not confirmed may be in the next epoch. That a member
    /// changes its mind ends the newcomer's probation once only, so that it cannot have epochs set up in vain for ever.
    mutating func reconsider(by party: PartyID) {
        for newcomer in unconfirmed.filter({ $0.value == party }).keys {
            unconfirmed[newcomer] = nil
            leftOut.remove(newcomer)
            if confirmations[newcomer, default: []].insert(party).inserted { probation[newcomer] = nil }
        }
    }

    /// Completes an epoch, or proposes a new one without whoever is lost or silent.
    mutating func advanceSetUp(_ setUp: EpochSetUp, _ now: ContinuousClock.Instant) throws {
        let members = Set(setUp.members)
        if let drawn = setUp.plan, setUp.slotReady.count == members.count {
            if plan.map({ $0.epochHash != drawn.epochHash }) ?? true {
                history.removeAll { $0.epochHash != plan?.epochHash }
            }
            plan = drawn
            overflowedSet = nil
            keyless = []
            note(.epochReady(epoch: drawn.proposal.epoch))
            output.append(.report(.epochReady(epoch: drawn.proposal.epoch, committee: drawn.committee)))
            followsChain = members
            failedSetUps = 0
            forgetful = []
            stalledSince = nil
            leftOut = leftOut.filter { connected[$0] != nil }
            phase = .between
            return
        }
        var out = members.filter { isLost($0, now) || registry[$0] == nil }
        if now >= setUp.deadline {
            guard setUp.hasAsked || setUp.bundle != nil || setUp.plan == nil else { return askWhoIsMissing(setUp, now) }
            out.formUnion(setUp.whoIsMissing())
            failedSetUps += 1
            guard failedSetUps < settings.setUpsMax else {
                return finish(
                    .aborted,
                    "\(failedSetUps) epochs in a row could not be set up; the sites do not reach one another, last: "
                        + "\(names(out.isEmpty ? members : out)); check firewalls between the sites")
            }
            if out.isEmpty { return try propose(members, now) }
            leaveOut(out, now)
        } else {
            strike(out.subtracting(plan?.members ?? []), now, firstIsFree: true)
        }
        guard !out.isEmpty else { return }
        for party in out { output.append(.report(.memberLost(party, phase: phase.name))) }
        let rest = members.subtracting(out)
        if canGoOn(with: rest) {
            try propose(rest, now)
        } else {
            waitForReturn(out, .nothing, now)
        }
    }

    /// Sends the proposal again: whoever is not complete answers with the members that it has not exchanged keys with.
    private mutating func askWhoIsMissing(_ setUp: EpochSetUp, _ now: ContinuousClock.Instant) {
        var asked = setUp
        asked.hasAsked = true
        asked.deadline = now + .seconds(2)
        phase = .settingUp(asked)
        broadcast(.epochProposal(setUp.proposal), setUp.members)
    }

    /// A member of the running epoch is lost: a new epoch goes on without it, or the run waits for it.
    mutating func continueWithout(
        _ lost: Set<PartyID>, _ suspended: WaitingForReturn.Suspended, _ now: ContinuousClock.Instant
    ) throws {
        guard let plan else { return }
        for party in lost { output.append(.report(.memberLost(party, phase: phase.name))) }
        let rest = Set(plan.members).subtracting(lost).filter { connected[$0] != nil }
        if canGoOn(with: rest) {
            try propose(rest, now)
        } else {
            waitForReturn(Set(plan.members).subtracting(rest), suspended, now)
        }
    }

    /// Waits for members without whom the run cannot go on: at most `rejoinWait` from the moment at which one of them did
    /// something last, so that one which stays connected and silent ends the run like one that is gone.
    mutating func waitForReturn(
        _ missing: Set<PartyID>, _ suspended: WaitingForReturn.Suspended, _ now: ContinuousClock.Instant,
        for standstill: Standstill? = nil
    ) {
        abandonStreams()
        // Who was revoked does not come back.
        let missing = missing.filter { registry[$0] != nil }
        let since = stalledSince ?? now
        stalledSince = since
        let deadline = since + (standstill?.isSlot == true ? settings.slotWait : settings.rejoinWait)
        let votesKnownAt: ContinuousClock.Instant? =
            if case .voting(let round) = suspended, round.round.plan.committee.hasStandbys, round.deadline > now {
                round.deadline
            } else {
                nil
            }
        phase = .waiting(
            WaitingForReturn(
                missing: missing, deadline: deadline, suspended: suspended.withoutStreams, standstill: standstill,
                votesKnownAt: votesKnownAt))
        output.append(.report(.waitingForReturn(missing.sorted(), deadline: deadline)))
    }

    /// Goes on where the run stopped when the missing members are back, or ends it.
    mutating func advanceWaiting(_ waiting: WaitingForReturn, _ now: ContinuousClock.Instant) throws {
        let missing = waiting.missing.filter { connected[$0] == nil }
        let isOver = now >= waiting.deadline
        if let plan, isUsable(plan), plan.committee.hasStandbys { return try advanceWaiting(waiting, plan, now) }
        if missing.isEmpty, !waiting.missing.isEmpty, !planIsStale, !isOver { return try goOn(waiting.suspended, now) }
        let able = isOver ? welcome.subtracting(waiting.missing) : welcome
        if canGoOn(with: able) { return try propose(able, now) }
        guard isOver else { return }
        let who =
            !missing.isEmpty
            ? "missing: \(names(missing))"
            : waiting.missing.isEmpty
                ? "too few parties are connected" : "connected and silent: \(names(waiting.missing))"
        let opened = answeredUnderBase.isEmpty ? "" : " (some have answered in the open round and may not upload again)"
        finish(
            .aborted,
            "\(who) for \(settings.rejoinWait); an epoch of the \(connected.count) that are connected is too small to "
                + "keep a sum private\(opened): \(remedy(missing))")
    }

    func remedy(_ missing: Set<PartyID>) -> String {
        let revoked = missing.filter { registry[$0] == nil }
        guard revoked.isEmpty else { return "\(names(revoked)) cannot return, so begin a new run with other sites" }
        return "start the missing clients with their state directories, then run again"
    }

    /// Takes a suspended round up again; whatever was on its way is asked for again.
    mutating func goOn(_ suspended: WaitingForReturn.Suspended, _ now: ContinuousClock.Instant) throws {
        switch suspended {
        case .collecting(var round):
            // The time that it waited does not count: whoever came back needs some to upload.
            round.deadline = now + settings.uploadDeadline
            round.patience = round.round.plan.committee.hasStandbys ? now + uploadWait(round.round.plan) : nil
            round.pace = nil
            phase = .collecting(round)
            for member in round.round.plan.members where round.uploads[member] == nil && connected[member] != nil {
                output.append(.send(member, .roundOpen(round.round.open)))
            }
        case .voting(let round):
            phase = .voting(round.renewed(now + voteWait))
            broadcast(.survivors(round.survivors), round.round.plan)
        case .answering(let round):
            var renewed = round
            renewed.deadline = now + partialWait(round.voting)
            renewed.askedAt = [:]
            for slot in renewed.requests.keys { renewed.requests[slot]?.deadline = renewed.deadline }
            phase = .answering(renewed)
            for member in round.certified.sorted() where connected[member] != nil {
                output.append(.send(member, .certificate(round.certificate)))
            }
        case .nothing:
            guard let plan, isUsable(plan) else { return try propose(Set(connected.keys), now) }
            phase = .between
        }
    }

    /// Refuses every stream of the open round.
    mutating func abandonStreams() {
        let streams: [StreamID]
        switch phase {
        case .collecting(let round): streams = round.streams.all
        case .answering(let round): streams = round.streams.all
        default: streams = []
        }
        for stream in streams { output.append(.refuse(stream, .notExpected)) }
    }

    /// Forgets the streams of a party whose connection is gone.
    mutating func dropStreams(of party: PartyID) {
        switch phase {
        case .collecting(var round):
            round.streams.drop(party)
            phase = .collecting(round)
        case .answering(var round):
            round.streams.drop(party)
            phase = .answering(round)
        case .voting(var round):
            round.pingedAt = nil
            phase = .voting(round)
        default: break
        }
    }
}

extension VotingRound {
    /// The same round with a later deadline.
    func renewed(_ deadline: ContinuousClock.Instant) -> VotingRound {
        VotingRound(
            round: round, set: set, survivors: survivors, leaves: leaves, deadline: deadline,
            sending: sending, votes: votes, statements: statements)
    }
}

extension WaitingForReturn.Suspended {
    /// The same round without the streams that were on their way.
    var withoutStreams: WaitingForReturn.Suspended {
        switch self {
        case .collecting(var round):
            round.streams = VectorStreams()
            return .collecting(round)
        case .answering(var round):
            round.streams = VectorStreams()
            return .answering(round)
        case .voting, .nothing: return self
        }
    }
}
