// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Quantization

/// Steps R0 to R2' and R4 on the member's side (protocol section 5).
extension Member {
    /// R0: checks that the round is the one this member expects, and decides what it may upload.
    mutating func roundOpened(_ open: RoundOpen) -> [MemberAction] {
        if let round, round.open.isSameRound(as: open) { return repeatRound(round) }
        guard round?.verifying == nil else { return [.reject(.outOfPhase(message: "RoundOpen", phase: "verifying"))] }
        switch enter(open) {
        case .failure(let misbehavior): return [.reject(misbehavior)]
        case .success(let entered): return entered + decideUpload()
        }
    }

    /// Checks a round against this member's own view, records that it acts in it and advances the keys.
    ///
    /// - Parameter result: the ctx that a result names, when it is what brings the round; nothing changes for another one.
    private mutating func enter(
        _ open: RoundOpen, for result: Digest? = nil
    ) -> Result<[MemberAction], PeerMisbehavior> {
        guard case .ready(let plan, var keys) = phase, let chain = ledger.chain else {
            return .failure(.outOfPhase(message: "RoundOpen", phase: phase.name))
        }
        let context: RoundContext
        do { context = try expectedContext(open, plan, chain) } catch { return .failure(error) }
        guard result == nil || result == context.ctx else { return .failure(.wrongRound(message: "Result")) }
        if let last = ledger.lastRound,
            open.round < last.round || (open.round == last.round && context.ctx != last.ctx),
            !Rule.roundOrder.isRemoved
        {
            return .failure(.roundOutOfOrder(round: open.round))
        }
        guard let keyRound = keys.round, keyRound <= open.round else {
            return .failure(.roundOutOfOrder(round: open.round))
        }
        var actions: [MemberAction] = []
        if ledger.lastRound?.round != open.round { actions.append(note(.entered(round: open.round, ctx: context.ctx))) }
        if keyRound < open.round {
            keys.advance(to: open.round)
            actions.append(.storeKeys(keys))
            phase = .ready(plan, keys)
        }
        round = ParticipantRound(context: context, open: open, upload: .updating)
        return .success(actions)
    }

    /// Computes the context that a round must have, and compares what RoundOpen says with it.
    private func expectedContext(
        _ open: RoundOpen, _ plan: EpochPlan, _ chain: ModelChain
    ) throws(PeerMisbehavior) -> RoundContext {
        guard open.epochHash == plan.epochHash else { throw .wrongEpoch(message: "RoundOpen") }
        // After an overflow the rounds until its repetition is applied come on top.
        let isRepetition = ledger.overflowedBase == chain.paramsHash
        guard plan.rounds.contains(open.round) || (isRepetition && open.round >= plan.rounds.upperBound) else {
            throw .roundOutOfOrder(round: open.round)
        }
        let configuration = plan.proposal.configuration
        let expectedKind: RoundKind = chain.appliedRounds >= configuration.rounds ? .closing : .training
        guard open.kind == expectedKind, !chain.closed, !chain.converged else {
            throw .outOfPhase(message: "RoundOpen", phase: "round kind \(open.kind)")
        }
        guard open.modelHash == chain.modelHash || Rule.modelOfRound.isRemoved else { throw .modelMismatch }
        let encoding = configuration.encoding(kind: open.kind, scale: chain.scale)
        guard open.encodingHash == encoding.hash || Rule.encodingOfRound.isRemoved else { throw .encodingMismatch }
        return RoundContext(
            epochHash: plan.epochHash, round: open.round, kind: open.kind, modelHash: open.modelHash,
            paramsHash: chain.paramsHash, encodingHash: open.encodingHash, elements: encoding.elements,
            cohortMin: configuration.cohortMin)
    }

    /// "One base, one set", rules (b) and (c): an update, the update that is kept, or nothing.
    private mutating func decideUpload() -> [MemberAction] {
        guard case .ready(let plan, _) = phase, let context = round?.context else { return [] }
        if rules.policy.refusal(roundsToday: activity.rounds) != nil { return stayedSilent(.policy) }
        if !ledger.ownsChain, ledger.othersOwning < plan.committee.corruptMax + 1, !Rule.confirmedHandover.isRemoved {
            return stayedSilent(.unconfirmedHandover)
        }
        switch ledger.uploadPermission(epochHash: plan.epochHash, base: context.base) {
        case .silent(let cause):
            return stayedSilent(cause)
        case .newUpdate:
            return [.makeUpdate(context, number: (ledger.chain?.appliedRounds ?? 0) + 1)]
        case .keptUpdate(let closing):
            let facts = closing.map { note(.closed(epochHash: $0, base: context.base)) }
            return facts + encode()
        }
    }

    private mutating func stayedSilent(_ cause: SilenceCause) -> [MemberAction] {
        guard let ctx = round?.context.ctx else { return [] }
        round?.upload = .silent(cause)
        return [.send(.silence(Silence(ctx: ctx, cause: cause)))]
    }

    /// The shell has trained and durably kept the update.
    public mutating func updateMade(for base: Digest) -> [MemberAction] {
        guard let chain = ledger.chain, ledger.keptUpdateBase != base || Rule.sameUpdate.isRemoved,
            base == chain.paramsHash || base == RoundContext.base(kind: .closing, paramsHash: chain.paramsHash)
        else { return [] }
        let kept = note(.updateKept(base: base))
        guard let round, round.context.base == base, case .updating = round.upload else { return [kept] }
        return [kept] + encode()
    }

    /// The shell could not make an update.
    public mutating func updateFailed(for base: Digest) -> [MemberAction] {
        guard let round, round.context.base == base, case .updating = round.upload else { return [] }
        return stayedSilent(.noUpdate)
    }

    private mutating func encode() -> [MemberAction] {
        guard case .ready(let plan, let keys) = phase, let context = round?.context, let checkKey = keys.checkKey,
            let chain = ledger.chain
        else { return [] }
        round?.upload = .encoding
        let order = VectorOrder(
            context: context,
            encoding: plan.proposal.configuration.encoding(kind: context.kind, scale: chain.scale),
            participant: rules.id,
            memberCount: plan.members.count, roundKeys: keys.ownKeys.map { $0.roundKey(ctx: context.ctx) },
            check: VectorCheck(key: checkKey, ctx: context.ctx),
            expectedLeaf: ledger.leaf(ofUploadIn: context.ctx))
        return [.makeVector(order)]
    }

    /// The shell has made the vector: R1, the commitment is recorded before the first byte goes out.
    public mutating func vectorMade(ctx: Digest, leaf: Digest) throws -> [MemberAction] {
        guard let context = round?.context, context.ctx == ctx, case .encoding = round?.upload else { return [] }
        if let committed = ledger.leaf(ofUploadIn: ctx), committed != leaf, !Rule.leafAgain.isRemoved {
            return stayedSilent(.cannotRepeat)
        }
        let trailer = try Signed(
            signing: Upload(epochHash: context.epochHash, ctx: ctx, leaf: leaf), with: signer
        ).envelope
        round?.upload = .uploaded(trailer)
        var actions: [MemberAction] = []
        if ledger.leaf(ofUploadIn: ctx) == nil {
            actions += keepWitnesses()
            actions.append(
                note(.uploaded(epochHash: context.epochHash, base: context.base, ctx: ctx, leaf: leaf)))
        }
        actions.append(.sendUpload(VectorHeader(ctx: ctx, slot: 0, elements: context.elements), trailer: trailer))
        return actions
    }

    /// The shell cannot make the vector from the update that is kept.
    public mutating func vectorFailed(ctx: Digest) -> [MemberAction] {
        guard let context = round?.context, context.ctx == ctx, case .encoding = round?.upload else { return [] }
        return stayedSilent(ledger.hasUploaded(under: context.base) ? .cannotRepeat : .noUpdate)
    }

    /// The same round again, after a broken connection: says again what was said.
    private func repeatRound(_ round: ParticipantRound) -> [MemberAction] {
        switch round.upload {
        case .updating, .encoding: []
        case .uploaded(let trailer):
            [
                .sendUpload(
                    VectorHeader(ctx: round.context.ctx, slot: 0, elements: round.context.elements), trailer: trailer)
            ]
        case .silent(let cause): [.send(.silence(Silence(ctx: round.context.ctx, cause: cause)))]
        }
    }

    /// R2 and R2': locks this member to the set and votes for it, once and for good.
    mutating func survivorsFixed(_ envelope: Envelope) throws -> [MemberAction] {
        let signed: Signed<Survivors>
        do { signed = try open(envelope, as: Survivors.self) } catch { return [.reject(error)] }
        if let skip = lastSkip, skip.ctx == signed.value.ctx {
            return evidence(.conflictingStatements(of: "coordinator", first: skip.envelope, second: envelope))
        }
        guard case .ready(let plan, _) = phase, let round else {
            return [.reject(.outOfPhase(message: "Survivors", phase: phase.name))]
        }
        let context = round.context
        guard signed.value.epochHash == plan.epochHash else { return [.reject(.wrongEpoch(message: "Survivors"))] }
        guard signed.value.ctx == context.ctx else { return [.reject(.wrongRound(message: "Survivors"))] }
        guard let set = SurvivorSet(bitmap: signed.value.bitmap, of: plan.members.count) else {
            return [.reject(.resultInconsistent(field: "bitmap"))]
        }
        if let held = round.survivors {
            guard held.set != set else { return [.send(.vote(held.vote))] }
            if !Rule.oneSurvivors.isRemoved {
                return evidence(.conflictingStatements(of: "coordinator", first: held.envelope, second: envelope))
            }
        }
        if let held = round.verifying, held.set != set {
            return evidence(.conflictingStatements(of: "coordinator", first: held.trailer, second: envelope))
        }
        guard set.count >= context.cohortMin || Rule.cohortMin.isRemoved else {
            return [.reject(.setTooSmall(count: set.count, cohortMin: context.cohortMin))]
        }
        return try vote(for: set, envelope, plan, context)
    }

    private mutating func vote(
        for set: SurvivorSet, _ envelope: Envelope, _ plan: EpochPlan, _ context: RoundContext
    ) throws -> [MemberAction] {
        let hash = set.hash(epochHash: plan.epochHash)
        guard ledger.mayVote(epochHash: plan.epochHash, base: context.base, survivorsHash: hash) else {
            return [.reject(.secondSet)]
        }
        let vote = Vote(epochHash: plan.epochHash, ctx: context.ctx, base: context.base, survivorsHash: hash)
        let signed = try Signed(signing: vote, with: signer)
        round?.survivors = (envelope, set, hash, signed.envelope)
        var actions: [MemberAction] = []
        if ledger.lockedRound != context.ctx {
            actions.append(
                note(.locked(epochHash: plan.epochHash, base: context.base, ctx: context.ctx, survivorsHash: hash)))
        }
        return actions + [.send(.vote(signed.envelope))]
    }

    /// "Skip": passes over the round, unless its set was fixed or it has a result, which a Skip contradicts.
    mutating func skipped(_ envelope: Envelope) -> [MemberAction] {
        let signed: Signed<Skip>
        do { signed = try open(envelope, as: Skip.self) } catch { return [.reject(error)] }
        guard case .ready(let plan, _) = phase, signed.value.epochHash == plan.epochHash else {
            return [.reject(.wrongEpoch(message: "Skip"))]
        }
        guard let round, round.context.ctx == signed.value.ctx, round.context.round == signed.value.round,
            var chain = ledger.chain
        else { return [.reject(.wrongRound(message: "Skip"))] }
        if let held = round.survivors?.envelope ?? round.verifying?.trailer, !Rule.skipAfterSurvivors.isRemoved {
            return evidence(.conflictingStatements(of: "coordinator", first: held, second: envelope))
        }
        // After a restart the lock is all that is left of a vote: the set was fixed, so the round cannot be skipped.
        guard ledger.lockedRound != round.context.ctx || Rule.skipAfterLock.isRemoved else {
            return [.reject(.secondSet)]
        }
        chain.skip(ctx: signed.value.ctx, reason: signed.value.reason)
        lastSkip = (signed.value.ctx, envelope)
        self.round = nil
        return [note(.skipped(chain))]
    }

    /// R4: checks a signed result against what this member knows, before its sum is looked at.
    ///
    /// - Parameters:
    ///   - header: the round as it was opened, for members that missed it.
    ///   - trailer: the signed result.
    ///   - leaf: the leaf of the elements that came.
    public mutating func resultArrived(
        _ header: ResultHeader, trailer: Envelope, leaf: Digest
    ) -> [MemberAction] {
        let signed: Signed<RoundResult>
        do { signed = try open(trailer, as: RoundResult.self) } catch { return [.reject(error)] }
        if let skip = lastSkip, skip.ctx == signed.value.ctx {
            return evidence(.conflictingStatements(of: "coordinator", first: skip.envelope, second: trailer))
        }
        var actions: [MemberAction] = []
        if round?.context.ctx != signed.value.ctx {
            // The outcome of that check decides which model this member has.
            guard round?.verifying == nil else { return [.reject(.outOfPhase(message: "Result", phase: "verifying"))] }
            switch enter(header.open, for: signed.value.ctx) {
            case .failure(let misbehavior): return [.reject(misbehavior)]
            case .success(let entered): actions = entered
            }
        }
        guard case .ready(let plan, let keys) = phase, let round, let checkKey = keys.checkKey, let chain = ledger.chain
        else { return actions }
        guard round.verifying == nil else { return actions }
        do {
            let set = try ResultReview(plan: plan, round: round, ledger: ledger, selfID: rules.id)
                .check(signed, header: header, leaf: leaf)
            self.round?.verifying = .init(result: signed.value, trailer: trailer, set: set)
            if let index = plan.index(of: rules.id), !set.contains(index),
                ledger.leaf(ofUploadIn: round.context.ctx) != nil
            {
                actions.append(.reject(.leafMismatch(party: rules.id)))
            }
            let order = ResultOrder(
                context: round.context, configuration: plan.proposal.configuration,
                survivors: set.indices.map { plan.members[$0] }, sumHash: leaf,
                check: VectorCheck(key: checkKey, ctx: round.context.ctx),
                application: SumApplication(
                    round.context, plan.proposal.configuration, chain, members: plan.members.count, cohort: set.count))
            return actions + [.verifyResult(order)]
        } catch {
            if case .conflictingStatements = error { return actions + evidence(error) }
            return actions + [.reject(error)]
        }
    }

    /// R4: the shell has checked the sum and, if it held, durably written the new parameters.
    public mutating func resultVerified(ctx: Digest, _ outcome: ResultOutcome) -> [MemberAction] {
        guard let round, round.context.ctx == ctx, let verifying = round.verifying, var chain = ledger.chain else {
            return []
        }
        switch outcome {
        case .checkFailed:
            self.round?.verifying = nil
            return [.reject(.resultInconsistent(field: "check")), .stop(.checkFailed(round: round.context.round))]
        case .applied(let paramsHash, let scale):
            let moved = paramsHash != chain.paramsHash
            chain.apply(
                round.context, survivorsHash: verifying.set.hash(epochHash: round.context.epochHash),
                sumHash: verifying.result.sumHash, paramsHash: paramsHash, scale: scale)
            self.round = nil
            return [note(.applied(chain))] + (moved ? [.deleteUpdate] : [])
        case .overflowed:
            guard case .ready(let plan, _) = phase else { return [] }
            chain.overflow(
                round.context, survivorsHash: verifying.set.hash(epochHash: round.context.epochHash),
                sumHash: verifying.result.sumHash, firstScale: plan.proposal.configuration.initialScale)
            self.round = nil
            return [note(.overflowed(chain))]
        }
    }
}

extension RoundOpen {
    /// Whether two announcements agree in everything that ctx rests on; the deadline may differ.
    fileprivate func isSameRound(as other: RoundOpen) -> Bool {
        round == other.round && epochHash == other.epochHash && kind == other.kind && modelHash == other.modelHash
            && encodingHash == other.encodingHash
    }
}
