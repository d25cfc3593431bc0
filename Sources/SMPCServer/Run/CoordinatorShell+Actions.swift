// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Identity
import Messages
import Primitives
import Programs
import Reporting
import Transport

/// Performs the machine's actions. An error here ends the process: a promise could not be kept.
extension CoordinatorShell {
    func perform(_ action: CoordinatorAction) throws {
        switch action {
        case .accept(let id, let isPartial): try accept(id, isPartial: isPartial)
        case .apply(let application, let survivors, let result): try apply(application, survivors, result)
        case .beginSums(let context):
            sums = try RoundSums(
                context, arithmetic: arithmetic, files: files, restoringUploads: restoresUploads)
        case .discard(let party, let message, let phase): discard(party, message, phase)
        case .finish(let end): self.end(.finished(end))
        case .grant(let id): grant(id)
        case .makeSum(let context): try makeSum(context)
        case .ping(let parties): for party in parties { ping(party) }
        case .record(let fact): try record(fact)
        case .refuse(let id, let reason): refuse(id, reason)
        case .reject(let party, let misbehavior): try reject(party, misbehavior)
        case .report(let report): try tell(report)
        case .send(let party, let message): sessions[party]?.send(.message(message))
        case .sendDirectory(let parties): sendDirectory(parties)
        case .sendHandover(let party, let header):
            let path = files.model(header.paramsHash.hex)
            sessions[party]?.send(.file(path, header: .handover(header), trailer: []))
        case .sendResult(let party, let header, let trailer):
            let path = files.sum(header.ctx.hex)
            sessions[party]?.send(.file(path, header: .result(header), trailer: trailer.encoded()))
        case .storeUploadSum(let context):
            guard let sums, sums.context == context else { return }
            try sums.storeUploads()
        }
    }

    private func accept(_ id: StreamID, isPartial: Bool) throws {
        guard let offered = streams.removeValue(forKey: id), let vector = offered.vector else { return }
        try sums?.accept(vector, partialOf: isPartial ? offered.header.slot : nil)
    }

    private func makeSum(_ context: RoundContext) throws {
        guard let sums, sums.context == context else { return }
        let sumHash = try sums.storeSum()
        storedSums[context.ctx] = context.epochHash
        follow { machine, now in try machine.sumMade(ctx: context.ctx, sumHash: sumHash, now: now) }
    }

    private func apply(
        _ application: SumApplication, _ survivors: [PartyID], _ result: RoundResult
    ) throws {
        sums = nil
        let ctx = application.context.ctx
        switch try model.apply(application, result: result, round: machine.chain.appliedRounds + 1) {
        case .applied(let sum):
            totals = AppliedTotals(application: application, sum: sum, survivors: survivors)
            // Before the round is recorded as applied: a crash between the two applies it again.
            if application.context.kind == .training { try keep(application, survivors) }
            let paramsHash = model.parameters.hash
            follow { machine, now in
                try machine.sumApplied(ctx: ctx, paramsHash: paramsHash, scale: sum.scale, now: now)
            }
        case .overflowed:
            overflowed = application.context
            follow { machine, now in try machine.sumOverflowed(ctx: ctx, now: now) }
        case .refused:
            follow { machine, now in try machine.sumRefused(ctx: ctx, now: now) }
        }
    }

    /// Keeps the model that a sum has led to, for whoever measures the run.
    private func keep(_ application: SumApplication, _ survivors: [PartyID]) throws {
        guard let kept, let plan = machine.epoch else { return }
        let encoding = application.encoding
        let sum = KeptModel.Sum(
            ctx: application.context.ctx.hex, bits: encoding.parameters.scale.bits,
            exponents: encoding.parameters.scale.exponents, isFirst: encoding.isFirst, members: plan.members.count,
            participants: survivors.map(name))
        try kept.write(
            KeptModel(
                round: machine.chain.appliedRounds + 1, parameters: model.parameters,
                conditions: KeptModel.Conditions(machine.configuration), sum: sum))
    }

    private func record(_ fact: CoordinatorFact) throws {
        switch fact {
        case .applied(let chain):
            if let totals, let plan = machine.epoch {
                recorder.applied(totals, chain: chain, plan: plan, name: name)
            }
            // The record goes with the fact, or a crash between them would lose a line of rounds.jsonl.
            try log.append(fact, values: [(RunRecorder.key, try recorder.encoded())])
            try recorder.writeCompleted()
            if let totals { files.remove(files.uploadSum(totals.application.context.ctx.hex)) }
            totals = nil
        case .overflowed:
            try log.append(fact)
            if let overflowed { files.remove(files.uploadSum(overflowed.ctx.hex)) }
            overflowed = nil
        case .runEnded(let outcome, let sentence):
            // The summary comes first: a run that is recorded as ended is never taken up again to write it.
            try summarize(outcome, sentence)
            try log.append(fact)
        default: try log.append(fact)
        }
    }

    private func summarize(_ outcome: Messages.RunOutcome, _ sentence: String) throws {
        let counters = refusals.all(transport?.snapshot, relays: relays.refused)
        let reported: Reporting.RunOutcome =
            switch outcome {
            case .complete: .completed
            case .converged: .converged
            case .aborted: .aborted
            case .verificationFailed: .verificationFailed
            }
        let summary = try recorder.finish(
            describe(recorder.membersMin), outcome: reported, reason: outcome == .complete ? nil : sentence,
            counters: counters)
        logRefusals()
        let text = outcome == .complete || outcome == .converged ? sentence : nil
        if let summary { progress.end(text, summary) } else { progress.end(text, ["ending": sentence]) }
    }

    /// Logs what was refused, for `--verbose`.
    func logRefusals() {
        let counters = refusals.all(transport?.snapshot, relays: relays.refused)
        for name in counters.keys.sorted() {
            logger.debug("refused", metadata: ["kind": "\(name)", "count": "\(counters[name] ?? 0)"])
        }
    }

    private func ping(_ party: PartyID) {
        guard let session = sessions[party] else { return }
        Task {
            guard (try? await session.connection.ping()) != nil else { return }
            ponged(session)
        }
    }

    private func ponged(_ session: PartySession) {
        guard sessions[session.party] === session else { return }
        feed { machine, now in try machine.pong(from: session.party, now: now) }
    }

    /// Counts a message that came too late or too early: slow parties send such ones, so it is held against nobody.
    private func discard(_ party: PartyID, _ message: String, _ phase: String) {
        refusals.discardedMessages += 1
        logger.debug(
            "a message has nothing to say",
            metadata: ["party": "\(party)", "message": "\(message)", "phase": "\(phase)"])
    }

    /// Counts and logs a message that breaks the protocol; two statements that contradict each other are kept.
    private func reject(_ party: PartyID, _ misbehavior: PeerMisbehavior) throws {
        refusals.rejectedMessages += 1
        if case .conflictingStatements(_, let first, let second) = misbehavior {
            let paths = [try files.saveEvidence("first", first), try files.saveEvidence("second", second)]
            progress.warning(
                "two signed statements of \(name(party)) contradict each other; kept as \(paths[0]) and \(paths[1])")
        }
        if case .partialsDiffer(let slot, let first, let second) = misbehavior {
            let paths = [try files.saveEvidence("first", first), try files.saveEvidence("second", second)]
            progress.warning("the two shares of slot \(slot) differ; kept as \(paths[0]) and \(paths[1])")
        }
        logger.warning(
            "a message was rejected",
            metadata: ["party": "\(party)", "name": "\(name(party))", "reason": "\(misbehavior)"])
        guard let session = sessions[party] else { return }
        guard machine.registry[party] == nil else { return refused(session) }
        showOut(session)
    }

    /// Sends where everybody can be dialled: what each says itself, behind the address that was seen.
    private func sendDirectory(_ parties: [PartyID]) {
        let directory = directory()
        for party in parties { sessions[party]?.send(.message(.directory(directory))) }
    }

    private func directory() -> Directory {
        Directory(
            entries: sessions.values.sorted { $0.party < $1.party }.map { session in
                Directory.Entry(party: session.party, addresses: Self.addresses(of: session))
            })
    }

    /// What a member may know without taking part (protocol section 11, `smpc-inquiry/1`).
    func inquiryAnswer() -> InquiryAnswer {
        InquiryAnswer(
            unixMilliseconds: Inquiry.nowMilliseconds(), model: machine.configuration.model, directory: directory())
    }

    private static func addresses(of session: PartySession) -> [String] {
        let announced = session.hello.addresses
        guard let seen = session.connection.remoteHost,
            let port = announced.lazy.compactMap({ HostPort($0)?.port }).first
        else { return announced }
        let first = HostPort(host: seen, port: port).description
        return [first] + announced.filter { $0 != first }.prefix(Limits.addressesMax - 1)
    }

    private func tell(_ report: CoordinatorReport) throws {
        switch report {
        case .epochProposed(let epoch, let members):
            recorder.started()
            progress.status("epoch \(epoch): \(members.count) sites exchange keys")
        case .epochReady(let epoch, let committee):
            progress.note("epoch \(epoch): \(committee.protection)")
            progress.note("computed here: \(committee.numbers)")
            pruneSums()
        case .epochAbandoned(let epoch, let missing):
            let who = missing.isEmpty ? "" : " without \(missing.map(name).joined(separator: ", "))"
            progress.note(
                "epoch \(epoch) cannot go on\(who): the others close it, to send the same updates in another one")
        case .membersLate(let parties, let round):
            progress.note(
                "round \(round) goes on without \(parties.map(name).joined(separator: ", ")): slower than the others")
        case .memberLost(let party, let phase): progress.note("\(name(party)) is lost (\(phase))")
        case .proposalRefused(let party, let line, let detail):
            progress.warning("\(name(party)) refused the epoch: \(detail)")
            logger.debug("refused", metadata: ["party": "\(party)", "line": "\(line)"])
        case .roundApplied: break
        case .roundOverflowed(let round):
            progress.note("round \(round) overflowed: nothing is applied; the same sites send again, more coarsely")
        case .roundOpened(let context):
            try log.store.set(RunRecorder.key, to: try recorder.encoded())
            progress.status("round \(context.round) (\(context.kind)): waiting for uploads")
        case .standbyAsked(let slot, let party):
            progress.note("the primary of slot \(slot) does not answer: its standby \(name(party)) does")
        case .crossChecked(let slots, let count):
            progress.status("cross-check: both holders gave the same share for \(slots) of \(count) slots")
        case .crossCheckMissed(let slot, let party):
            progress.note("cross-check of slot \(slot) not done: nothing came from \(name(party))")
        case .roundSkipped(let round, let reason): progress.note("round \(round) is skipped: \(reason)")
        case .waitingForReturn(let parties, let deadline):
            let seconds = Int((deadline - .now).inSeconds.rounded())
            let who = parties.isEmpty ? "more sites" : parties.map(name).joined(separator: ", ")
            progress.note("waiting up to \(seconds) s for \(who)")
        }
    }

    /// Removes sums that nobody can miss any more: those of epochs before the last one.
    private func pruneSums() {
        guard let epochHash = machine.epoch?.epochHash else { return }
        if epochs.last != epochHash { epochs.append(epochHash) }
        epochs.removeFirst(max(0, epochs.count - 2))
        for (ctx, epoch) in storedSums where !epochs.contains(epoch) {
            files.remove(files.sum(ctx.hex))
            storedSums[ctx] = nil
        }
    }

    func name(_ party: PartyID) -> String { registry.name(of: party) }
}
