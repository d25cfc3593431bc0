// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Learning
import Messages
import Primitives
import Programs
import Shares
import Transport

/// Training, vectors and their way to the coordinator: work beside the events, which comes back as events.
extension Site {
    /// Elements of a vector that are written at once.
    private static let writeElements = TransportConfiguration.writeBytes / 8

    // MARK: The update

    /// Trains once a base: again asked for the same, it goes on with what runs or uses what is kept.
    func makeUpdate(_ context: RoundContext, _ number: Int) async throws {
        guard training?.base != context.base else { return }
        training?.task.cancel()
        guard let configuration = member.plan?.proposal.configuration,
            let parameters = try presentParameters(configuration)
        else { return }
        if store.keptUpdate(for: context.base) != nil {
            return try await perform(member.updateMade(for: context.base))
        }
        progress.status(
            context.kind == .closing ? "evaluating" : "round \(number)/\(configuration.rounds): training")
        let (learner, inbox) = (learner, inbox)
        let task = Task {
            let outcome: SiteEvent.Outcome<KeptUpdate>
            do {
                outcome = .done(
                    try await OwnThread.run { isCancelled in
                        try learner.update(
                            context, number: number, configuration: configuration, parameters: parameters,
                            isCancelled: isCancelled)
                    })
            } catch {
                outcome = .failed("\(error)")
            }
            if !Task.isCancelled { await inbox.submit(.trained(base: context.base, outcome)) }
        }
        training = (context.base, task)
    }

    func trained(_ base: Digest, _ outcome: SiteEvent.Outcome<KeptUpdate>) async throws {
        guard let running = training, running.base == base, !running.task.isCancelled else { return }
        training = nil
        switch outcome {
        case .done(let update):
            costs.trained = (base, .now)
            try store.keep(update)
            try await perform(member.updateMade(for: base))
        case .failed(let reason):
            progress.warning("no update: \(reason)")
            try await perform(member.updateFailed(for: base))
        }
    }

    func deleteUpdate() throws {
        training?.task.cancel()
        training = nil
        try store.deleteUpdate()
    }

    // MARK: Vectors

    func makeVector(_ order: VectorOrder) {
        progress.status("round \(order.context.round): masking")
        let (store, inbox, arithmetic) = (store, inbox, arithmetic)
        Task {
            let outcome: SiteEvent.Outcome<ExplicitShare>
            do {
                outcome = try await OwnThread.run { _ in
                    guard let update = store.keptUpdate(for: order.context.base) else {
                        return .failed("the update that was kept is missing or damaged")
                    }
                    return .done(try order.explicitShare(of: update, arithmetic: arithmetic))
                }
            } catch {
                outcome = .failed("\(error)")
            }
            await inbox.submit(.vectorMade(ctx: order.context.ctx, outcome))
        }
    }

    func vectorMade(_ ctx: Digest, _ outcome: SiteEvent.Outcome<ExplicitShare>) async throws {
        switch outcome {
        case .done(let share):
            guard member.openRound?.ctx == ctx else { return }
            self.share = share
            let leaf = try await OwnThread.run { _ in vectorLeaf(share.vector) }
            try await perform(try member.vectorMade(ctx: ctx, leaf: leaf))
        case .failed(let reason):
            progress.warning("no vector: \(reason)")
            try await perform(member.vectorFailed(ctx: ctx))
        }
    }

    func makeShare(_ order: AnswerOrder) {
        let (inbox, arithmetic) = (inbox, arithmetic)
        Task {
            let outcome: SiteEvent.Outcome<AggregateShare>
            do {
                outcome = .done(
                    try await OwnThread.run { _ in
                        var generator = SystemRandom()
                        return try order.aggregateShare(arithmetic: arithmetic, using: &generator)
                    })
            } catch {
                outcome = .failed("\(error)")
            }
            await inbox.submit(.shareMade(order, outcome))
        }
    }

    /// - Throws: `ProgramError` when GMP has another sum than the kernels: this processor cannot be relied on.
    func shareMade(_ order: AnswerOrder, _ outcome: SiteEvent.Outcome<AggregateShare>) async throws {
        switch outcome {
        case .done(let share):
            answer = share
            let leaf = try await OwnThread.run { _ in vectorLeaf(share.vector) }
            try await perform(try member.partialMade(ctx: order.context.ctx, leaf: leaf))
        case .failed(let reason):
            throw ProgramError(
                .failed, "cannot make the aggregate share: \(reason)", subject: "round \(order.context.round)")
        }
    }

    // MARK: Streams

    func sendUpload(_ header: VectorHeader, _ trailer: Envelope) {
        guard let share, share.context == header.ctx.bytes else { return }
        stream(.upload, .upload(header), header.ctx, share.vector, trailer)
    }

    func sendPartial(_ header: VectorHeader, _ trailer: Envelope) {
        guard let answer, answer.context == header.ctx.bytes else { return }
        stream(.partial, .partial(header), header.ctx, answer.vector, trailer)
    }

    /// Streams a vector under the coordinator's credit, beside the events; a later one of the same kind replaces it.
    private func stream(
        _ kind: StreamKind, _ header: StreamHeader, _ ctx: Digest, _ vector: Field64Vector, _ trailer: Envelope
    ) {
        guard let connection else { return }
        sending[kind]?.task.cancel()
        let logger = logger
        let task = Task {
            do {
                let stream = try await connection.openStream(header: header.encoded())
                try await withTaskExecutorPreference(stream.executor) {
                    for start in stride(from: 0, to: vector.count, by: Self.writeElements) {
                        let end = min(start + Self.writeElements, vector.count)
                        try await stream.write(vector.littleEndianBytes(of: start..<end))
                    }
                }
                try await stream.finish(trailer: trailer.encoded())
            } catch let refused as StreamRefused {
                // What is held already need not be sent again.
                guard refused.code.rawValue != UInt32(VectorRefusal.alreadyHeld.rawValue) else { return }
                logger.info("vector refused", metadata: ["kind": "\(kind)", "code": "\(refused.code)"])
            } catch {
                logger.debug("vector not sent", metadata: ["kind": "\(kind)", "reason": "\(error)"])
            }
        }
        sending[kind] = (ctx, task)
    }
}
