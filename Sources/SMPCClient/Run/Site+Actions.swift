// SPDX-License-Identifier: MIT

import Aggregation
import FoundationEssentials
import Identity
import Learning
import Messages
import Primitives
import Programs

/// What the machine asks for.
extension Site {
    /// Performs actions in the order given, each finished before the next begins.
    func perform(_ actions: [MemberAction]) async throws {
        for action in actions { try await perform(action) }
    }

    private func perform(_ action: MemberAction) async throws {
        switch action {
        case .answer(let order): makeShare(order)
        case .connectPeers(let peers): await connect(peers)
        case .deleteUpdate: try deleteUpdate()
        case .disconnectPeers: await mesh.disconnect()
        case .makeUpdate(let context, let number): try await makeUpdate(context, number)
        case .makeVector(let order): makeVector(order)
        case .record(let fact): try await record(fact)
        case .recordMembers(let record): try recordMembers(record)
        case .reject(let misbehavior): try reject(misbehavior)
        case .send(let message):
            report(message)
            await send(message)
        case .sendPeer(let peer, let message): await mesh.send(message, to: peer)
        case .sendPartial(let header, let trailer): sendPartial(header, trailer)
        case .sendUpload(let header, let trailer): sendUpload(header, trailer)
        case .stop(let stop): stopped = stop
        case .storeKeys(let keys): try store.keysFile.write(keys)
        case .takeHandover(let header): try takeHandover(header)
        case .takeInitial(let configuration): try takeInitial(configuration)
        case .verifyResult(let order): try await verify(order)
        case .wipeKeys: try store.keysFile.remove()
        }
    }

    /// Keeps the record, and what `members confirm` has added to it since the machine last saw it.
    private func recordMembers(_ record: MemberRecord) throws {
        let kept = try store.updateMembers { stored in
            let before = stored
            stored = record
            stored.keepConfirmations(of: before)
        }
        member.membersChanged(kept)
    }

    private func record(_ fact: MemberFact) async throws {
        var values: [SiteValue: [UInt8]] = [:]
        if activity.count(fact, now: member.unixSeconds) {
            values[.activity] = [UInt8](try JSONEncoder().encode(activity))
        }
        switch fact {
        case .applied: values[.pendingRecord] = log.pendingBytes
        case .epochTaken: values[.configuration] = member.plan?.proposal.configuration.encoded()
        case .epochReady:
            peerPaths = PeerPaths(await mesh.paths)
            values[.roster] = Array(roster.utf8)
            values[.peerPaths] = peerPaths?.encoded
        default: break
        }
        try store.append(fact, values)
        guard case .epochReady = fact else { return }
        try announceEpoch()
        if let peerPaths { progress.note("connections to other sites: \(peerPaths.text)") }
    }

    /// The fingerprint of the members of the present epoch, for people to compare.
    private var roster: String {
        Roster.fingerprint(spkiHashes: member.plan?.proposal.members.map(\.key.spkiHash) ?? [])
    }

    /// Says who is in the epoch and what protects it, from this site's own plan.
    func announceEpoch() throws {
        guard let plan = member.plan else { return }
        let names = plan.proposal.members.map(\.name).joined(separator: ", ")
        progress.note("epoch \(plan.proposal.epoch): \(plan.members.count) members: \(names)")
        progress.note("roster \(roster) (compare it with the other sites by telephone)")
        progress.note(plan.committee.protection)
        progress.note("computed here: \(plan.committee.numbers)\(ownPlace(plan))")
        let configuration = plan.proposal.configuration
        guard describedRun != configuration.run else { return }
        describedRun = configuration.run
        describeData(configuration)
    }

    /// Says how much of the data is this site's. Beside the events: after a restart the data are read first, and the open
    /// round does not wait for that.
    private func describeData(_ configuration: RunConfiguration) {
        let (learner, progress) = (learner, progress)
        Task {
            do {
                let data = try await OwnThread.run { _ in
                    try learner.training(configuration, InitialModel.spec(of: configuration)).data
                }
                progress.note(
                    "data \(learner.description): \(data.training.count) of \(data.trainingTotal) samples to train on, "
                        + "\(data.test.count) of \(data.testTotal) to test on")
            } catch {
                progress.warning("the data cannot be read: \(error)")
            }
        }
    }

    /// What this site itself is in an epoch with standbys.
    private func ownPlace(_ plan: EpochPlan) -> String {
        guard plan.committee.hasStandbys, let slot = plan.slot(heldBy: identity.id) else { return "" }
        let part = plan.slots[slot].primary == identity.id ? "primary" : "standby"
        return "; this site is the \(part) of slot \(slot)"
    }

    private func connect(_ peers: [PartyID]) async {
        guard let plan = member.plan else { return }
        progress.status("epoch \(plan.proposal.epoch): exchanging keys with \(peers.count) members")
        await mesh.connect(to: plan.proposal.members.filter { peers.contains($0.id) })
    }

    /// Counts and logs what was refused; two statements that contradict each other are kept.
    private func reject(_ misbehavior: PeerMisbehavior) throws {
        guard case .conflictingStatements(let party, let first, let second) = misbehavior else {
            logger.warning("refused", metadata: ["reason": "\(misbehavior)"])
            return
        }
        let paths = [try store.saveEvidence("first", first), try store.saveEvidence("second", second)]
        progress.warning("two signed statements of \(party) contradict each other; kept as \(paths[0]) and \(paths[1])")
    }

    /// Tells people what this site refuses or leaves out.
    private func report(_ message: ControlMessage) {
        switch message {
        case .epochRefusal(let refusal) where refusal.line == .peersMissing:
            let names = member.plan?.proposal.members.filter { refusal.parties.contains($0.id) }.map(\.name) ?? []
            progress.warning("epoch \(refusal.epoch): keys are not exchanged with \(names.joined(separator: ", ")) yet")
        case .epochRefusal(let refusal) where refusal.line == .ownEntryMissing:
            progress.status(
                "epoch \(refusal.epoch) is one of other sites: they may have to confirm this one (smpc-client members confirm)"
            )
        case .epochRefusal(let refusal): progress.warning("epoch \(refusal.epoch) refused: \(refusal.detail)")
        case .silence(let silence): progress.warning("silent in this round: \(silence.cause.explanation)")
        case .slotDispute(let dispute):
            progress.warning("member \(dispute.party.hex) stated another seed than it sent; the coordinator is told")
        default: break
        }
    }

    // MARK: Parameters

    private func takeInitial(_ configuration: RunConfiguration) throws {
        let first = try initial.parameters(of: configuration)
        try take(first)
        log.begin(isNewRun: true)
        progress.note(
            "run \(Hexadecimal.encode(configuration.run).prefix(8)): \(configuration.model), "
                + "\(first.values.count) parameters, \(configuration.rounds) rounds")
    }

    private func takeHandover(_ header: HandoverHeader) throws {
        guard let handedOver, handedOver.hash == header.paramsHash else {
            throw ProgramError(.failed, "the parameters that were handed over are gone", subject: "handover")
        }
        try take(handedOver)
        self.handedOver = nil
        if header.appliedRounds > 0 { log.interrupt() } else { log.begin(isNewRun: true) }
        progress.note("taken over the model after round \(header.appliedRounds)")
    }

    private func take(_ first: Parameters) throws {
        try store.write(first, hash: first.hash)
        parameters = first
    }

    /// The parameters of the chain's position, read from disk after a restart.
    func presentParameters(_ configuration: RunConfiguration) throws -> Parameters? {
        guard let hash = member.ledger.chain?.paramsHash else { return nil }
        if let parameters { return parameters }
        let read = try store.parameters(hash, layout: InitialModel.spec(of: configuration).layout)
        parameters = read
        log.begin(isNewRun: false)
        return read
    }

    /// Checks the sum that arrived, applies it, and reports what it cost.
    private func verify(_ order: ResultOrder) async throws {
        guard let sum, let plan = member.plan, let present = try presentParameters(order.configuration) else { return }
        let context = order.context
        training?.task.cancel()
        training = nil
        let outcome = try? await OwnThread.run { _ in try order.applied(sum.vector, to: present.values) }
        switch outcome ?? .refused {
        case .applied(let applied): try await take(applied, order, present, plan)
        case .overflowed: try await passOver(order)
        case .refused:
            let path = try store.saveEvidence("result", sum.trailer)
            progress.warning("the sum of round \(context.round) fails its check; the signed result is kept as \(path)")
            try await perform(member.resultVerified(ctx: context.ctx, .checkFailed))
        }
    }

    /// Nothing is applied: the update that is kept will be encoded again.
    private func passOver(_ order: ResultOrder) async throws {
        let context = order.context
        let actions = member.resultVerified(ctx: context.ctx, .overflowed)
        guard let chain = member.ledger.chain, !actions.isEmpty else { return }
        progress.note("round \(context.round) overflowed: nothing is applied; the same update is sent again")
        try await perform(actions)
        share = nil
        answer = nil
        let period = costs.close(base: context.base)
        await send(.applied(period.applied(ctx: context.ctx, modelHash: chain.modelHash)))
    }

    private func take(_ applied: AppliedSum, _ order: ResultOrder, _ present: Parameters, _ plan: EpochPlan)
        async throws
    {
        let context = order.context
        let next = try Parameters(layout: present.layout, values: applied.parameters)
        let hash = next.hash
        try store.write(next, hash: hash)
        let before = member.ledger.chain?.paramsHash ?? hash
        let actions = member.resultVerified(
            ctx: context.ctx, .applied(paramsHash: hash, scale: applied.scale))
        guard let chain = member.ledger.chain, !actions.isEmpty else { return }
        let period = costs.close(base: context.base)
        log.applied(
            order, before: before, chain: chain, plan: plan, sum: applied, period: period)
        try await perform(actions)
        parameters = next
        share = nil
        answer = nil
        try saveModel(next, chain)
        try store.dropParameters(except: [hash, before])
        await send(.applied(period.applied(ctx: context.ctx, modelHash: chain.modelHash)))
    }

    private func saveModel(_ parameters: Parameters, _ chain: ModelChain) throws {
        let model = StoredModel(
            parameters: parameters,
            metadata: ["round": "\(chain.appliedRounds)", "params_hash": chain.paramsHash.hex])
        try ModelFile(path: store.directory.model).write(model)
    }
}
