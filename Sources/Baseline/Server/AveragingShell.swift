// SPDX-License-Identifier: MIT

import Averaging
import Identity
import Logging
import Programs
import Reporting

/// Owns the machine of a plain run: feeds it events and performs its actions in order, each finished before the next.
///
/// Nothing in here waits: what goes to a client is queued in its link, what comes from one is read by its own task.
actor AveragingShell {
    /// How the run came to its end.
    enum Ending: Sendable {
        case failed(any Error)
        case finished(AveragingMessage.RunEnd)
    }

    /// Ends with one value.
    nonisolated let endings: AsyncStream<Ending>
    /// What the run was begun with.
    nonisolated let configuration: AveragingConfiguration

    private let directory: String
    private let registry: MemberRegistry
    private let progress: Progress
    private let logger: Logger
    private let describe: @Sendable (_ allFound: Bool) -> RunDescription
    private let ending: AsyncStream<Ending>.Continuation
    private let began = ContinuousClock.now
    private var machine: AveragingCoordinator
    private var recorder: RunRecorder
    private var links: [PartyID: ClientLink] = [:]
    private var allFound = true
    private var hasEnded = false

    init(
        _ machine: AveragingCoordinator, recorder: RunRecorder, directory: String, registry: MemberRegistry,
        progress: Progress, logger: Logger, describe: @escaping @Sendable (_ allFound: Bool) -> RunDescription
    ) throws {
        self.machine = machine
        self.recorder = recorder
        self.directory = directory
        self.registry = registry
        self.progress = progress
        self.logger = logger
        self.describe = describe
        configuration = machine.configuration
        (endings, ending) = AsyncStream.makeStream()
    }

    // MARK: - Events

    /// A client's connection stands and it has said Hello. A second connection replaces the first.
    func connected(_ link: ClientLink) async {
        if let older = links.updateValue(link, forKey: link.party) {
            Task { await older.connection.close(reason: .superseded) }
        }
        if !link.hello.foundByMulticast { allFound = false }
        logger.info("a client connected", metadata: ["party": "\(link.party)", "name": "\(name(link.party))"])
        feed(.connected(link.party, holds: link.hello.paramsHash))
    }

    /// A client's connection is gone.
    func disconnected(_ link: ClientLink) {
        guard links[link.party] === link else { return }
        links[link.party] = nil
        logger.info(
            "a client disconnected",
            metadata: [
                "party": "\(link.party)", "name": "\(name(link.party))",
                "reason": "\(link.connection.end.map { "\($0)" } ?? "closed")",
            ])
        feed(.disconnected(link.party))
    }

    /// A client says something.
    ///
    /// - Throws: `InvalidAveragingMessage.unexpected` for what only a server says.
    func received(_ message: AveragingMessage, from link: ClientLink) throws(InvalidAveragingMessage) {
        guard links[link.party] === link else { return }
        switch message {
        case .applied(let applied): feed(.applied(link.party, applied))
        case .evaluation(let evaluation): feed(.evaluated(link.party, evaluation))
        case .withdrawal(let sentence): feed(.withdrew(link.party, reason: sentence))
        case .hello, .configuration, .roundOpen, .runEnd: throw .unexpected(message: message.name)
        }
    }

    /// Whether an update is waited for.
    func wants(round: Int, from link: ClientLink) -> Bool {
        links[link.party] === link && machine.wants(link.party, round: round)
    }

    /// How a client's vector for a round is read; nil if none is waited for.
    func quantisedRound(_ round: Int, from link: ClientLink) -> QuantisedRound? {
        wants(round: round, from: link) ? machine.quantisedRound : nil
    }

    /// A client's update is here, whole.
    func updated(_ update: ClientUpdate, by link: ClientLink) {
        guard links[link.party] === link else { return }
        feed(.updated(link.party, update))
    }

    /// A client's vector is here, whole, for the round that was read with `digits`.
    func sent(_ vector: ClientVector, _ digits: RoundDigits, by link: ClientLink) {
        guard links[link.party] === link, machine.quantisedRound?.digits == digits else { return }
        feed(.sent(link.party, vector))
    }

    /// Time has passed.
    func tick() { feed(.tick) }

    /// Members were admitted or shut out.
    ///
    /// - Parameter cohort: whom to wait for now; nil if the operator has said so.
    func registryChanged(cohort: Int?) {
        for link in links.values where !registry.isMember(link.party) {
            logger.warning("a client is shut out", metadata: ["party": "\(link.party)"])
            Task { await link.connection.close(reason: .unwelcome) }
        }
        if let cohort { feed(.expects(cohort)) }
    }

    /// Ends this process but not the run: clients are told to come back.
    func interrupt() async {
        hasEnded = true
        ending.finish()
        progress.status(nil)
        if let records = try? recorder.encoded() {
            try? LateRecords(paramsHash: machine.position.paramsHash, records: records).write(to: registry.store)
        }
        for link in links.values { await link.connection.close(reason: .shutdown) }
    }

    // MARK: - Actions

    private func feed(_ event: AveragingCoordinator.Event) {
        guard !hasEnded else { return }
        // The machine adds up within the event that brings the last update.
        let arrived = recorder.seconds
        do {
            for action in machine.handle(event, at: ContinuousClock.now - began) { try perform(action, arrived) }
            if !hasEnded { progress.status(machine.status) }
        } catch {
            end(.failed(error))
        }
    }

    private func perform(_ action: AveragingCoordinator.Action, _ arrived: Double) throws {
        switch action {
        case .configure(let party, let handOver):
            links[party]?.send(.message(.configuration(configuration)))
            if handOver { publish([party]) }
        case .open(let open, let parties):
            if !open.isClosing { recorder.started() }
            try LateRecords(paramsHash: open.paramsHash, records: recorder.encoded()).write(to: registry.store)
            if !open.isClosing { recorder.enters(.uploads) }
            for party in parties { links[party]?.send(.message(.roundOpen(open))) }
        case .store(let round, let figures):
            recorder.enters(.summing, at: arrived)
            recorder.applied(round, figures: figures)
            try store()
            try recorder.writeCompleted()
        case .publish(let parties): publish(parties)
        case .publishSum(let header, let bytes, let parties):
            for party in parties { links[party]?.send(.stream(.sum(header), bytes: bytes)) }
        case .measured(let figures): recorder.measured(figures)
        case .report(let report, let key): recorder.received(report, applied: key)
        case .exclude(let party, let reason):
            progress.warning("\(name(party)) is left out: \(reason)")
            if let link = links.removeValue(forKey: party) {
                Task { await link.connection.close(reason: .unwelcome) }
            }
        case .note(let party, let text): progress.note(party.map { "\(name($0)): \(text)" } ?? text)
        case .end(let end): try finish(end)
        }
    }

    private func publish(_ parties: [PartyID]) {
        let position = machine.position
        let header = AveragingStreamHeader.ParametersHeader(
            rounds: position.appliedRounds, paramsHash: position.paramsHash,
            elements: position.parameters.values.count)
        let bytes = position.parameters.littleEndianBytes
        for party in parties { links[party]?.send(.stream(.parameters(header), bytes: bytes)) }
    }

    private func store(isFinished: Bool = false) throws {
        try Checkpoint(
            configuration: configuration, position: machine.position, records: try recorder.encoded(),
            isFinished: isFinished
        ).write(directory: directory)
    }

    private func finish(_ end: AveragingMessage.RunEnd) throws {
        let isDone = end.outcome == .completed || end.outcome == .converged
        let summary = try recorder.finish(
            describe(allFound), outcome: end.outcome, reason: isDone && end.outcome == .completed ? nil : end.sentence)
        // A run that was aborted can be taken up again when its clients are back.
        if isDone { try store(isFinished: true) }
        for link in links.values { link.send(.message(.runEnd(end))) }
        progress.status(nil)
        let text = isDone ? end.sentence : nil
        if let summary { progress.end(text, summary) } else { progress.end(text, ["ending": end.sentence]) }
        self.end(.finished(end))
    }

    private func end(_ how: Ending) {
        guard !hasEnded else { return }
        hasEnded = true
        progress.status(nil)
        ending.yield(how)
        ending.finish()
        for link in links.values { link.finish() }
    }

    private func name(_ party: PartyID) -> String { registry.name(of: party) }
}
