// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// What happens to the coordinator from outside: connections, messages, time.
extension Coordinator {
    /// A party's connection stands and it has said Hello.
    public mutating func partyConnected(
        _ party: PartyID, hello: Hello, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            guard machine.registry[party] != nil else {
                machine.output.append(.reject(party, .notEntitled(message: "Hello")))
                return
            }
            machine.dropStreams(of: party)
            machine.connected[party] = ConnectedParty(hello: hello, released: hello.released, pongAt: now)
            machine.lossDeadlines[party] = nil
            machine.leftOut.remove(party)
            guard !machine.endIfBehind() else { return }
            machine.noticeLostKeys(party, hello)
            machine.bringUpToDate(party, hello)
            try machine.advance(now)
        }
    }

    /// A party's connection is gone.
    public mutating func partyDisconnected(
        _ party: PartyID, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            guard machine.connected.removeValue(forKey: party) != nil else { return }
            machine.dropStreams(of: party)
            if machine.presentMembers.contains(party) {
                machine.lossDeadlines[party] = now + machine.settings.lostAfter
            }
            try machine.advance(now)
        }
    }

    /// The transport heard from a party, as an answer to a ping.
    public mutating func pong(from party: PartyID, now: ContinuousClock.Instant) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            machine.connected[party]?.pongAt = now
            try machine.advance(now)
        }
    }

    /// A party joined the federation, or one was revoked. While helpers answer in a round that all members have voted for,
    /// the change waits for the sum; `registry` says what is in effect.
    public mutating func registryChanged(
        _ members: [EpochProposal.Member], cohort: Int? = nil, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            if let cohort { machine.settings.cohort = max(cohort, Limits.membersMin) }
            machine.nextRegistry = Dictionary(uniqueKeysWithValues: members.map { ($0.id, $0) })
            try machine.advance(now)
        }
    }

    /// A deadline may have passed.
    public mutating func tick(now: ContinuousClock.Instant) throws -> [CoordinatorAction] {
        try collect(now) { try $0.advance(now) }
    }

    /// The operator ends the run.
    public mutating func stop(_ sentence: String, now: ContinuousClock.Instant) -> [CoordinatorAction] {
        collect(now) { $0.finish(.aborted, sentence) }
    }

    /// A party says something.
    public mutating func handle(
        _ message: ControlMessage, from party: PartyID, now: ContinuousClock.Instant
    ) throws -> [CoordinatorAction] {
        try collect(now) { machine in
            guard machine.connected[party] != nil else {
                machine.output.append(.reject(party, .notEntitled(message: message.name)))
                return
            }
            switch message {
            case .hello(let hello):
                machine.connected[party]?.released = hello.released
                machine.reconsider(by: party)
            case .notVoted(let envelope): machine.notVoted(envelope, party)
            case .notVotedRefusal(let refusal): machine.notVotedRefused(refusal, party)
            case .epochRefusal(let refusal): try machine.proposalRefused(refusal, by: party, now)
            case .beaconCommit(let envelope): try machine.beaconCommitted(envelope, by: party, now)
            case .beaconReveal(let envelope): try machine.beaconRevealed(envelope, by: party, now)
            case .epochReady(let envelope): try machine.epochReady(envelope, from: party, now)
            case .slotReady(let envelope): try machine.slotReady(envelope, from: party, now)
            case .slotDispute(let dispute): try machine.slotDisputed(dispute, by: party, now)
            case .silence(let silence): machine.stayedSilent(silence, party)
            case .vote(let envelope): machine.voted(envelope, party)
            case .applied(let applied): machine.partyApplied(applied, party)
            default: machine.output.append(.reject(party, .notEntitled(message: message.name)))
            }
            try machine.advance(now)
        }
    }

    /// The parties that the present phase cannot do without.
    var presentMembers: Set<PartyID> {
        switch phase {
        case .settingUp(let setUp): Set(setUp.members)
        default: Set(plan?.members ?? [])
        }
    }

    /// The moment at which `tick` is due at the latest, or nil when only messages matter.
    public var nextDeadline: ContinuousClock.Instant? { nextDeadline(lossesAfter: nil) }

    /// The moment after the last `tick` at which another is due; a loss that was noticed then is not due again.
    public func nextDeadline(after lastTick: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        nextDeadline(lossesAfter: lastTick)
    }

    private func nextDeadline(lossesAfter lastTick: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
        var deadlines = lossDeadlines.values.filter { deadline in lastTick.map { deadline > $0 } ?? true }
        switch phase {
        case .gathering(let since): if let since { deadlines.append(since + settings.cohortWait) }
        case .settingUp(let setUp): deadlines.append(setUp.deadline)
        case .collecting(let round): deadlines.append(min(round.patience ?? round.deadline, round.deadline))
        case .voting(let round):
            let interval = round.round.plan.committee.hasStandbys ? Self.pongWait : .seconds(1)
            deadlines.append(round.pingedAt.map { $0 + interval } ?? round.deadline)
        case .answering(let round): deadlines += round.requests.isEmpty ? [round.deadline] : round.requestDeadlines
        case .publishing(let round): deadlines.append(round.deadline)
        case .waiting(let waiting): deadlines += [waiting.deadline] + [waiting.votesKnownAt].compactMap { $0 }
        case .closing(let closing): deadlines.append(closing.deadline)
        case .between, .summing, .ended: break
        }
        return deadlines.min()
    }

    /// Does whatever the present state demands, until nothing more follows.
    mutating func advance(_ now: ContinuousClock.Instant) throws {
        // A member without a loss deadline that is not connected is lost; a deadline that has passed is due no more.
        lossDeadlines = lossDeadlines.filter { $0.value > now }
        for _ in 0..<16 {
            takeRegistry()
            let before = phase.name + "/\(lastEpoch)/\(lastRound)"
            switch phase {
            case .gathering(let since): try gather(since, now)
            case .settingUp(let setUp): try advanceSetUp(setUp, now)
            case .between: try decideNext(now)
            case .collecting(let round): try advanceCollecting(round, now)
            case .voting(let round): try advanceVoting(round, now)
            case .answering(let round): try advanceAnswering(round, now)
            case .publishing(let round): advancePublishing(round, now)
            case .closing(let closing): try advanceClosing(closing, now)
            case .waiting(let waiting): try advanceWaiting(waiting, now)
            case .summing, .ended: return
            }
            if before == phase.name + "/\(lastEpoch)/\(lastRound)" { return }
        }
    }

    /// A member of the running epoch that comes back without its keys can do nothing in it: a new epoch is due.
    private mutating func noticeLostKeys(_ party: PartyID, _ hello: Hello) {
        guard let plan, plan.index(of: party) != nil, hello.position?.epoch != plan.proposal.epoch else { return }
        if case .settingUp = phase { return }
        if plan.committee.hasStandbys, isUsable(plan) {
            keyless.insert(party)
        } else {
            planIsStale = true
        }
    }

    /// Whether members still hold the keys of an epoch: no later one was proposed.
    func isUsable(_ plan: EpochPlan) -> Bool { !planIsStale && plan.proposal.epoch == lastEpoch }

    /// Sends a party that connects what it missed, in order, and what the present phase asks of it.
    private mutating func bringUpToDate(_ party: PartyID, _ hello: Hello) {
        let missed = missedSteps(party, hello)
        for item in missed ?? [] { resend(item, to: party) }
        if missed == nil {
            followsChain.remove(party)
        } else if plan?.index(of: party) != nil {
            followsChain.insert(party)
        }
        askNotVoted([party])
        switch phase {
        case .publishing(var publishing) where hello.position?.chainIndex == historyEnd && missed?.isEmpty == true:
            // It applied the result before the connection broke, or before the server stopped.
            publishing.applied.insert(party)
            phase = .publishing(publishing)
        case .settingUp(let setUp) where setUp.draft.index(of: party) != nil:
            // A party that comes back may listen elsewhere: its peers have to know where, to finish the exchange.
            output.append(.sendDirectory(setUp.members))
            if needsHandover(party) { output.append(.sendHandover(party, handoverHeader)) }
            showNotVoted(to: party)
            output.append(.send(party, .epochProposal(setUp.proposal)))
            if let bundle = setUp.draw.commitBundle { output.append(.send(party, .beaconCommits(bundle))) }
            if let bundle = setUp.draw.revealBundle { output.append(.send(party, .beaconReveals(bundle))) }
            if let bundle = setUp.bundle { output.append(.send(party, .epochReadyBundle(bundle))) }
        case .collecting(let round): resume(round.round, nil, party)
        case .voting(let round): resume(round.round, round.survivors, party)
        case .answering(let round), .summing(let round):
            resume(round.round, round.voting.survivors, party)
            if round.certified.contains(party) { output.append(.send(party, .certificate(round.certificate))) }
        case .waiting(let waiting):
            switch waiting.suspended {
            case .collecting(let round): resume(round.round, nil, party)
            case .voting(let round): resume(round.round, round.survivors, party)
            case .answering(let round):
                resume(round.round, round.voting.survivors, party)
                if round.certified.contains(party) { output.append(.send(party, .certificate(round.certificate))) }
            case .nothing: break
            }
        default: break
        }
    }

    private mutating func resume(_ round: OpenedRound, _ survivors: Envelope?, _ party: PartyID) {
        guard round.plan.index(of: party) != nil else { return }
        output.append(.send(party, .roundOpen(round.open)))
        if let survivors { output.append(.send(party, .survivors(survivors))) }
    }

    /// What a party has missed, oldest first, or nil when it cannot follow the chain from where it stands.
    private func missedSteps(_ party: PartyID, _ hello: Hello) -> [HistoryItem]? {
        guard let position = hello.position, position.run == configuration.run, position.chainIndex <= historyEnd
        else { return chain.index == 0 && history.isEmpty ? [] : nil }
        if position.chainIndex == historyEnd { return [] }
        guard let plan, plan.proposal.epoch == position.epoch, plan.index(of: party) != nil else { return nil }
        let missed = history.filter { $0.index >= position.chainIndex }
        guard missed.first?.index == position.chainIndex,
            missed.allSatisfy({ $0.epochHash == plan.epochHash })
        else { return nil }
        return missed
    }

    /// The chain index after the last step that is in the history.
    var historyEnd: UInt64 { history.last.map { $0.index + 1 } ?? chain.index }

    private mutating func resend(_ item: HistoryItem, to party: PartyID) {
        switch item.step {
        case .result(let header, let trailer):
            output.append(.sendResult(party, header, trailer: trailer))
        case .skip(let open, let envelope):
            output.append(.send(party, .roundOpen(open)))
            output.append(.send(party, .skip(envelope)))
        }
    }

    var handoverHeader: HandoverHeader {
        HandoverHeader(
            configuration: configuration, chainIndex: chain.index, appliedRounds: chain.appliedRounds,
            previousModelHash: chain.previousModelHash, middle: chain.middle, paramsHash: chain.paramsHash,
            scale: chain.scale, elements: configuration.parameterCount)
    }
}
