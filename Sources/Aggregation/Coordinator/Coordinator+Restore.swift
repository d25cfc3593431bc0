// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Takes a run up again from what was recorded (protocol section 5, rule (d): a reopened round has the same ctx).
extension Coordinator {
    /// Takes the numbers of earlier runs: members refuse an epoch or a round that is not larger than all before it, and an
    /// epoch of less than two thirds of the largest.
    mutating func goOnCounting(from facts: some Sequence<CoordinatorFact>) throws {
        for fact in facts {
            switch fact {
            case .epochProposed(let epoch, let envelope):
                lastEpoch = max(lastEpoch, epoch)
                largestEpoch = max(largestEpoch, try EpochProposal(payload: envelope.payload).members.count)
            case .roundOpened(let bytes): lastRound = max(lastRound, try RoundOpen(encoded: bytes).round)
            default: break
            }
        }
    }

    mutating func restore(_ facts: some Sequence<CoordinatorFact>, _ now: ContinuousClock.Instant) throws {
        var replay = Replay(coordinatorKey: signer.publicKey, verifier: verifier)
        for fact in facts { try replay.take(fact, &self) }
        guard let plan, !hasEnded else { return }
        let isAbandoned = openEpochs.contains { $0.plan.epochHash == plan.epochHash && $0.isAbandoned }
        planIsStale = lastEpoch != plan.proposal.epoch || isAbandoned
        // The server was away itself: its members get as long as a lost member gets.
        for member in plan.members { lossDeadlines[member] = now + settings.rejoinWait }
        guard let open = replay.open else {
            phase =
                isAbandoned && lastEpoch == plan.proposal.epoch
                ? .closing(EpochClosing(missing: [], standstill: nil, deadline: now + settings.rejoinWait)) : .between
            return
        }
        let round = openedRound(open, plan)
        openedBase = round.context.base
        guard let survivors = replay.survivors, let set = replay.set(plan) else {
            output.append(.beginSums(round.context))
            phase = .collecting(
                CollectingRound(round: round, deadline: now + settings.uploadDeadline, onlySet: overflowedSet))
            return
        }
        if let result = replay.result {
            publish(round, result, set, now)
        } else {
            output.append(.beginSums(round.context))
            phase = .voting(
                VotingRound(
                    round: round, set: set, survivors: survivors.envelope, leaves: replay.leaves,
                    deadline: now + settings.rejoinWait))
        }
    }

    /// Ends a run whose record is an older copy of what it was: it would propose epochs and open rounds that members have
    /// been in, and they would refuse each one. Nobody is ahead of a coordinator that stores every step before it tells
    /// it, so that one honest member which is shows it; there is one among more than those that may be corrupt.
    mutating func endIfBehind() -> Bool {
        guard let plan else { return false }
        let ahead = plan.members.filter { member in
            guard let position = connected[member]?.hello.position else { return false }
            return position.run == configuration.run && position.chainIndex > historyEnd
        }
        guard ahead.count > plan.committee.corruptMax else { return false }
        let most = ahead.compactMap { connected[$0]?.hello.position?.chainIndex }.max() ?? 0
        finish(
            .aborted,
            "the server's record of this run is an older copy: it has \(historyEnd) steps, and \(names(ahead)) have up to "
                + "\(most); put the newest one back, with its -wal file and sums, and run again; if it is gone, begin anew "
                + "in another directory with init")
        return true
    }

    /// What the shell must do after `init` before the first event: the open round's sums, or its result.
    public mutating func resume() -> [CoordinatorAction] {
        defer { output = [] }
        return output
    }
}

/// Collects what is known of the round that was open when the server stopped.
private struct Replay {
    let coordinatorKey: PublicKey
    let verifier: any Verifier
    var proposals: [UInt64: Envelope] = [:]
    var beacons: [UInt64: Digest] = [:]
    var open: RoundOpen?
    var survivors: Signed<Survivors>?
    var leaves: [Digest] = []
    var result: Signed<RoundResult>?

    init(coordinatorKey: PublicKey, verifier: any Verifier) {
        self.coordinatorKey = coordinatorKey
        self.verifier = verifier
    }

    mutating func take(_ fact: CoordinatorFact, _ machine: inout Coordinator) throws {
        switch fact {
        case .runBegan: break
        case .epochProposed(let epoch, let proposal):
            machine.lastEpoch = epoch
            proposals[epoch] = proposal.envelope
            // A proposal ends whatever was open in the epoch before.
            closeRound()
        case .slotsDrawn(let epoch, let beacon): beacons[epoch] = beacon
        case .epochReady(let epoch): try becomeReady(epoch, &machine)
        case .roundOpened(let bytes):
            closeRound()
            let opened = try RoundOpen(encoded: bytes)
            open = opened
            machine.lastRound = opened.round
            guard let plan = machine.plan else { break }
            machine.openedBase = machine.openedRound(opened, plan).context.base
            machine.noteOpened(plan)
        case .epochAbandoned(let epochHash):
            machine.abandon(epochHash)
            closeRound()
        case .notVoted(let party, let envelope): machine.takeNotVoted(envelope.envelope, party)
        case .survivorsFixed(let envelope, let list):
            survivors = try Signed<Survivors>(opening: envelope.envelope, signedBy: coordinatorKey, using: verifier)
            leaves = list
        case .certified(let members): machine.answeredUnderBase.formUnion(members)
        case .resultMade(let envelope):
            result = try Signed<RoundResult>(opening: envelope.envelope, signedBy: coordinatorKey, using: verifier)
        case .applied(let chain): applied(chain, &machine)
        case .overflowed(let chain):
            let overflowed = machine.plan.flatMap { set($0) }
            applied(chain, &machine)
            machine.overflowedSet = overflowed
        case .skipped(let envelope, let chain):
            if let open, let plan = machine.plan {
                machine.history.append(
                    .init(
                        index: machine.chain.index, epochHash: plan.epochHash,
                        step: .skip(open, envelope.envelope)))
            }
            machine.chain = chain
            closeRound()
        case .runEnded: machine.phase = .ended
        case .runTakenUp: machine.phase = .gathering(since: nil)
        }
    }

    private mutating func becomeReady(_ epoch: UInt64, _ machine: inout Coordinator) throws {
        guard let envelope = proposals[epoch] else { return }
        let draft = try EpochDraft(Signed<EpochProposal>(opening: envelope, signedBy: coordinatorKey, using: verifier))
        guard let plan = EpochPlan(draft) ?? beacons[epoch].flatMap({ EpochPlan(draft, beacon: $0) }) else { return }
        machine.history.removeAll { $0.epochHash != machine.plan?.epochHash }
        machine.plan = plan
        machine.overflowedSet = nil
        machine.largestEpoch = max(machine.largestEpoch, plan.members.count)
        machine.configuration.cohortMin = plan.proposal.configuration.cohortMin
        proposals = [:]
        beacons = [:]
    }

    private mutating func applied(_ chain: ModelChain, _ machine: inout Coordinator) {
        if let open, let result, let plan = machine.plan {
            let header = ResultHeader(
                open: open, ctx: result.value.ctx, elements: machine.openedRound(open, plan).context.elements)
            machine.history.append(
                .init(
                    index: machine.chain.index, epochHash: plan.epochHash, step: .result(header, result.envelope)))
        }
        if machine.chain.paramsHash != chain.paramsHash {
            machine.answeredUnderBase = []
            machine.openEpochs = []
            machine.overflowedSet = nil
        }
        machine.chain = chain
        closeRound()
    }

    func set(_ plan: EpochPlan) -> SurvivorSet? {
        survivors.flatMap { SurvivorSet(bitmap: $0.value.bitmap, of: plan.members.count) }
    }

    private mutating func closeRound() {
        open = nil
        survivors = nil
        leaves = []
        result = nil
    }
}
