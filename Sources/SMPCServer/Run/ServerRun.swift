// SPDX-License-Identifier: MIT

import Aggregation
import Discovery
import Identity
import Logging
import Messages
import Primitives
import Programs
import Reporting
import Shares
import Storage
import Transport

/// One process of `smpc-server run`: listener, enrolment, connections, announcement, and the shell behind them.
struct ServerRun: Sendable {
    let state: ServerState
    let identity: PartyIdentity
    let store: ServerStore
    let choice: RunChoice
    /// Whether the operator has said how many sites to wait for.
    let hasFixedCohort: Bool
    /// What adds the vectors.
    var arithmetic = Arithmetic.field64
    /// Whether the model after every round is kept beside the records.
    var keepsModels = false
    let network: ListenOptions.Resolved
    let metrics: String?
    let dataset: String
    let partition: String
    let progress: Programs.Progress
    let logger: Logger
    /// How long a stream that may send may bring nothing.
    var stallMax = Duration.seconds(20)
    /// What opens the authority's key, if it is encrypted.
    var passphrase: SecretBytes?
    /// What relays between parties may take.
    var relays = RelayDesk.Limits()

    /// How long what is still queued for the parties may take at the end.
    private static let farewell: Duration = .seconds(10)

    /// Serves until the run has ended.
    func serve() async throws -> RunEnd {
        let registry = try MemberRegistry(store: store)
        let current = CurrentIdentity(identity)
        // First of all, so that a taken port begins no run.
        let listener = try await Listener.bind(
            host: network.listen.host, port: Int(network.listen.port), identity: current.tls,
            alpns: [.federation, .enrolment, .inquiry, .renewal], isRevoked: { registry.isRevoked($0) }, logger: logger)
        do {
            return try await serve(listener, registry, current)
        } catch {
            await listener.close()
            throw error
        }
    }

    private func serve(_ listener: Listener, _ registry: MemberRegistry, _ current: CurrentIdentity) async throws
        -> RunEnd
    {
        let prepared = try PreparedRun(
            choice, state: state, identity: identity, store: store, members: try registry.proposed())
        let issuer = CurrentIssuer(try CertificateIssuer.load(directory: state.directory, passphrase: passphrase))
        issuer.value.tell(progress)
        let desk = EnrolmentDesk(issuer: issuer, registry: registry, logger: logger)
        let renewal = RenewalDesk(registry: registry, logger: logger) { issuer.value }
        let recorder = try RunRecorder(
            stored: prepared.recorded, metrics: metrics, encoding: prepared.machine.configuration.encodingName,
            progress: progress,
            rounds: prepared.machine.configuration.rounds)
        let kept = keepsModels ? metrics.map { KeptModels(metrics: $0) } : nil
        if let kept, (prepared.resumedAfter ?? 0) == 0 { try keepFirst(prepared, kept) }
        let description = describe(prepared.machine.configuration)
        let gammaPercent = prepared.machine.configuration.gammaPercent
        let slots = choice.settings.slots
        let shell = CoordinatorShell(
            prepared, arithmetic: arithmetic, recorder: recorder, registry: registry, progress: progress,
            logger: logger,
            stallMax: stallMax, kept: kept, relays: relays,
            describe: { membersMin in
                var description = description
                description.protection = membersMin.flatMap {
                    slots.committee(members: $0, gammaPercent: gammaPercent)?.protection
                }
                return description
            })
        let discovery = await announce(
            identity, arm: .secure, port: listener.port, network: network, progress: progress, logger: logger)
        if let file = network.portFile { try PrivateFile.write("\(listener.port)\n", to: file) }
        welcome(prepared, port: listener.port)
        // Before anybody is let in: a party that is there at once would take the place of what a restart has to do first.
        await shell.start(counting: listener.counters)
        let acceptor = Task { await accept(listener, shell, desk, renewal) }
        let watcher = Task { await watch(shell) }
        let own = CoordinatorCertificate(
            current, directory: state.directory, listener: listener, logger: logger,
            load: { [state, passphrase] in try state.identity(passphrase: passphrase) },
            authorityChanged: { [state, passphrase] in
                issuer.replace(with: try CertificateIssuer.load(directory: state.directory, passphrase: passphrase))
            })
        let keeper = Task { await own.keep() }
        defer {
            watcher.cancel()
            keeper.cancel()
        }
        for await ending in shell.endings {
            await listener.close()
            await acceptor.wait(atMost: Self.farewell)
            await discovery?.stop()
            switch ending {
            case .finished(let end): return end
            case .failed(let error): throw error
            }
        }
        // The stream ends by itself only when this task was cancelled.
        await shell.interrupt()
        await listener.close()
        await acceptor.wait(atMost: .seconds(2))
        await discovery?.stop()
        throw CancellationError()
    }

    /// Keeps the model that a run begins with, in place of what an earlier run left.
    private func keepFirst(_ run: PreparedRun, _ kept: KeptModels) throws {
        try kept.begin()
        try kept.write(
            KeptModel(
                round: 0, parameters: run.model.parameters,
                conditions: KeptModel.Conditions(run.machine.configuration), sum: nil))
    }

    private func welcome(_ run: PreparedRun, port: Int) {
        let configuration = run.machine.configuration
        progress.note("federation \(identity.federation), listening on \(network.listen.host):\(port)")
        if arithmetic == .gmp { progress.note("GMP computes the sums; the kernels check a block of each") }
        guard let applied = run.resumedAfter else {
            if case .file(let hash) = configuration.initial {
                progress.note(
                    "it begins with the parameters of a file: each site needs run --init with the same file, and in its "
                        + "policy.toml: initial_parameters = \"\(hash.hex)\"")
            }
            return progress.note(
                "new run of \(configuration.model), \(configuration.rounds) rounds, seed \(configuration.seed), "
                    + "cohort \(choice.settings.cohort)\(hasFixedCohort ? "" : " or all who are invited")")
        }
        progress.note(
            "taking up the run of \(configuration.model): \(applied) of \(configuration.rounds) rounds are applied")
        if choice.training.contradicts(
            rounds: configuration.rounds, model: configuration.model, seed: configuration.seed)
        {
            progress.warning(
                "the run goes on as it began (model \(configuration.model), \(configuration.rounds) rounds, seed "
                    + "\(configuration.seed)); --new-run begins another")
        }
    }

    private func describe(_ configuration: RunConfiguration) -> RunDescription {
        RunDescription(
            arm: .smpc, encoding: configuration.encodingName, discovery: network.discovery ? .multicast : .server,
            clients: 0,
            parameters: configuration.parameterCount, dataset: dataset, model: configuration.model,
            partition: partition, seed: configuration.seed, startedAt: "")
    }

    private func accept(
        _ listener: Listener, _ shell: CoordinatorShell, _ desk: EnrolmentDesk, _ renewal: RenewalDesk
    ) async {
        await withDiscardingTaskGroup { group in
            for await connection in listener.connections {
                group.addTask {
                    switch connection.applicationProtocol {
                    case .enrolment: if await desk.serve(connection) != nil { await refresh(shell) }
                    case .renewal: await renewal.serve(connection)
                    case .inquiry: await inform(connection, shell)
                    default: await serve(connection, shell)
                    }
                }
            }
        }
    }

    /// Tells a member, or this server's own `doctor`, what it may know without taking part.
    private func inform(_ connection: Connection, _ shell: CoordinatorShell) async {
        let isOwn = connection.peer?.publicKey == identity.key.publicKey
        let member: RelayDesk.End? =
            if case .party(let party)? = connection.peer?.role, shell.registry.isMember(party) {
                RelayDesk.End(party, on: connection)
            } else { nil }
        guard isOwn || member != nil else { return await connection.close(reason: .unwelcome) }
        await InquiryDesk.serve(connection, answer: await shell.inquiryAnswer().encoded(), logger: logger) { stream in
            guard let member else { return stream.refuse(StreamCode(relay: .notExpected)) }
            await shell.offered(stream, asking: member)
        }
        await shell.relays.left(connection)
    }

    /// Serves one party's connection: Hello first, then whatever it sends, in order.
    private func serve(_ connection: Connection, _ shell: CoordinatorShell) async {
        guard case .party(let party)? = connection.peer?.role else {
            return await connection.close(reason: .unwelcome)
        }
        let events = connection.events.makeAsyncIterator()
        guard let hello = await hello(of: connection, events) else {
            return await connection.close(reason: .violation)
        }
        let session = PartySession(party: party, connection: connection, hello: hello, logger: logger)
        async let delivery: Void = session.deliver()
        await shell.connected(session)
        var failure: (any Error)?
        do {
            while let event = try await events.next() { await take(event, session, shell) }
        } catch {
            failure = error
        }
        session.finish()
        await shell.disconnected(session, failure)
        await shell.relays.left(connection)
        await delivery
    }

    private func hello(of connection: Connection, _ events: Connection.Events.Iterator) async -> Hello? {
        let watchdog = connection.closeUnlessCancelled(after: .seconds(10))
        defer { watchdog.cancel() }
        guard case .message(let bytes)? = try? await events.next(),
            case .hello(let hello)? = try? ControlMessage(encoded: bytes)
        else {
            logger.warning("a connection began without Hello", metadata: ["from": "\(connection.remoteAddress)"])
            return nil
        }
        guard hello.version == Hello.currentVersion else {
            logger.warning(
                "another protocol version",
                metadata: ["from": "\(connection.remoteAddress)", "version": "\(hello.version)"])
            return nil
        }
        return hello
    }

    private func take(_ event: TransportEvent, _ session: PartySession, _ shell: CoordinatorShell) async {
        switch event {
        case .message(let bytes):
            do throws(InvalidMessage) {
                let message = try ControlMessage(encoded: bytes)
                await shell.received(message, from: session)
            } catch {
                await shell.receivedInvalid(error, from: session)
            }
        case .stream(let stream): await shell.offered(stream, from: session)
        }
    }

    /// Looks for members and revocations that other processes wrote. SQLite tells nobody of another process's commit, so its
    /// version is asked for twice a second.
    private func watch(_ shell: CoordinatorShell) async {
        var version = try? store.externalVersion()
        while (try? await Task.sleep(for: .milliseconds(500))) != nil {
            guard let present = try? store.externalVersion(), present != version else { continue }
            version = present
            await refresh(shell)
        }
    }

    private func refresh(_ shell: CoordinatorShell) async {
        do {
            try await shell.registryChanged(hasFixedCohort: hasFixedCohort)
        } catch {
            logger.error("the members cannot be read", metadata: ["error": "\(error)"])
        }
    }
}

extension KeptModel.Conditions {
    /// Takes what the members of a run agreed on.
    init(_ configuration: RunConfiguration) {
        let training = configuration.training
        self.init(
            model: configuration.model, seed: configuration.seed, optimizer: training.optimizer,
            learningRate: training.learningRate, momentum: training.momentum, batchSize: training.batchSize,
            localEpochs: training.localEpochs, clip: configuration.clip,
            weightMax: configuration.uniformWeights ? 1 : configuration.weightMax)
    }
}
