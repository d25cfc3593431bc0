// SPDX-License-Identifier: MIT

import Averaging
import Discovery
import Identity
import Learning
import Logging
import Primitives
import Programs
import Reporting
import Transport

/// One process of `fedavg server`: listener, enrolment, connections, announcement, and the shell behind them.
struct ServerRun: Sendable {
    let directory: String
    let identity: PartyIdentity
    let registry: MemberRegistry
    let checkpoint: Checkpoint
    /// Whether the checkpoint is that of an earlier process.
    let isResumed: Bool
    let settings: AveragingCoordinator.Settings
    /// Whether the operator has said how many clients to wait for.
    let hasFixedCohort: Bool
    let network: ListenOptions.Resolved
    let metrics: String?
    let dataset: String
    let partition: String
    /// What opens the authority's key, if it is encrypted.
    var passphrase: SecretBytes?
    let progress: Progress
    let logger: Logger

    /// How long what is still queued for the clients may take at the end.
    private static let farewell = Duration.seconds(10)
    /// How many clients upload at a time, as in the secure arm.
    private static let uploadsMax = 4

    /// Serves until the run has ended.
    func serve() async throws -> AveragingMessage.RunEnd {
        let configuration = checkpoint.configuration
        let issuer = CurrentIssuer(try CertificateIssuer.load(directory: directory, passphrase: passphrase))
        issuer.value.tell(progress)
        let desk = EnrolmentDesk(issuer: issuer, registry: registry, logger: logger)
        let current = CurrentIdentity(identity)
        let renewal = RenewalDesk(registry: registry, logger: logger) { issuer.value }
        var recorder = try RunRecorder(
            stored: isResumed ? checkpoint.records : nil, metrics: metrics, encoding: configuration.encodingName,
            progress: progress, rounds: configuration.rounds)
        if !isResumed {
            try LateRecords.remove(from: registry.store)
            var first = checkpoint
            first.records = try recorder.encoded()
            try first.write(directory: directory)
        }
        let describe = description(of: configuration)
        let shell = try AveragingShell(
            AveragingCoordinator(configuration, settings: settings, position: checkpoint.position), recorder: recorder,
            directory: directory, registry: registry, progress: progress, logger: logger, describe: describe)
        let listener = try await Listener.bind(
            host: network.listen.host, port: Int(network.listen.port), identity: current.tls,
            alpns: [.averaging, .enrolment, .renewal], isRevoked: { registry.isRevoked($0) })
        let discovery = await announce(
            identity, arm: .plain, port: listener.port, network: network, progress: progress, logger: logger)
        if let file = network.portFile { try PrivateFile.write("\(listener.port)\n", to: file) }
        welcome(port: listener.port)
        let acceptor = Task { await accept(listener, shell, desk, renewal) }
        let watcher = Task { await watch(shell) }
        let own = CoordinatorCertificate(
            current, directory: directory, listener: listener, logger: logger,
            load: { [directory, passphrase] in
                try PartyIdentity.coordinator(directory: directory, passphrase: passphrase)
            },
            authorityChanged: { [directory, passphrase] in
                issuer.replace(with: try CertificateIssuer.load(directory: directory, passphrase: passphrase))
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

    private func welcome(port: Int) {
        let configuration = checkpoint.configuration
        progress.note("federation \(identity.federation), listening on \(network.listen.host):\(port)")
        progress.note(
            "plain federated averaging (\(configuration.sumDescription)): this server sees the update of every client")
        guard isResumed else {
            return progress.note(
                "new run of \(configuration.model), \(configuration.rounds) rounds, seed "
                    + "\(configuration.seeds.number), cohort \(settings.cohort)")
        }
        progress.note(
            "taking up the run of \(configuration.model): \(checkpoint.position.appliedRounds) of "
                + "\(configuration.rounds) rounds are applied")
    }

    private func description(
        of configuration: AveragingConfiguration
    ) -> @Sendable (_ allFound: Bool) -> RunDescription {
        { [dataset, partition, network] allFound in
            RunDescription(
                arm: .normal, encoding: configuration.encodingName,
                discovery: network.discovery && allFound ? .multicast : .server, clients: 0,
                parameters: configuration.model.layout.count, dataset: dataset,
                model: configuration.model.description, partition: partition, seed: configuration.seeds.number,
                startedAt: "")
        }
    }

    // MARK: - Connections

    private func accept(
        _ listener: Listener, _ shell: AveragingShell, _ desk: EnrolmentDesk, _ renewal: RenewalDesk
    ) async {
        let gate = UploadGate(places: Self.uploadsMax)
        await withDiscardingTaskGroup { group in
            for await connection in listener.connections {
                group.addTask {
                    switch connection.applicationProtocol {
                    case .enrolment: if await desk.serve(connection) != nil { await refreshed(shell) }
                    case .renewal: await renewal.serve(connection)
                    default: await serve(connection, shell, gate)
                    }
                }
            }
        }
    }

    /// Serves one client's connection: Hello first, then whatever it sends, in order.
    private func serve(_ connection: Connection, _ shell: AveragingShell, _ gate: UploadGate) async {
        guard case .party(let party)? = connection.peer?.role, registry.isMember(party) else {
            return await connection.close(reason: .unwelcome)
        }
        let events = connection.events.makeAsyncIterator()
        guard let hello = await hello(of: connection, events) else {
            return await connection.close(reason: .violation)
        }
        let link = ClientLink(party: party, connection: connection, hello: hello, logger: logger)
        async let delivery: Void = link.deliver()
        await shell.connected(link)
        do {
            while let event = try await events.next() { try await take(event, link, shell, gate) }
        } catch let error as InvalidAveragingMessage {
            logger.warning("an invalid message", metadata: ["party": "\(party)", "reason": "\(error)"])
            await connection.close(reason: .violation)
        } catch {
            logger.debug("a connection ended", metadata: ["party": "\(party)", "reason": "\(error)"])
        }
        link.finish()
        await shell.disconnected(link)
        await delivery
    }

    private func hello(
        of connection: Connection, _ events: Connection.Events.Iterator
    ) async -> AveragingMessage.Hello? {
        let watchdog = connection.closeUnlessCancelled(after: .seconds(10))
        defer { watchdog.cancel() }
        do {
            guard case .message(let bytes)? = try await events.next() else { return nil }
            let message = try AveragingMessage(bytes)
            guard case .hello(let hello) = message else {
                throw InvalidAveragingMessage.unexpected(message: message.name)
            }
            return hello
        } catch {
            logger.warning(
                "a connection began without Hello",
                metadata: ["from": "\(connection.remoteAddress)", "reason": "\(error)"])
            return nil
        }
    }

    private func take(
        _ event: TransportEvent, _ link: ClientLink, _ shell: AveragingShell, _ gate: UploadGate
    ) async throws {
        switch event {
        case .message(let bytes): try await shell.received(try AveragingMessage(bytes), from: link)
        case .stream(let stream):
            do {
                switch try AveragingStreamHeader(stream.header) {
                case .update(let header): try await read(stream, header, link, shell, gate)
                case .vector(let header): try await read(stream, header, link, shell, gate)
                case .parameters, .sum: throw InvalidAveragingMessage.unexpected(message: "stream")
                }
            } catch let error as StreamReset {
                logger.debug("an update was given up", metadata: ["party": "\(link.party)", "code": "\(error.code)"])
            }
        }
    }

    private func read(
        _ stream: IncomingStream, _ header: AveragingStreamHeader.Update, _ link: ClientLink, _ shell: AveragingShell,
        _ gate: UploadGate
    ) async throws {
        let layout = shell.configuration.model.layout
        guard shell.configuration.sum != .quantised else {
            throw InvalidAveragingMessage.unexpected(message: "UpdateHeader")
        }
        guard header.elements == layout.count else {
            throw InvalidAveragingMessage.range(message: "UpdateHeader", field: "elements")
        }
        guard await shell.wants(round: header.round, from: link) else { return stream.refuse(.notExpected) }
        try await gate.pass {
            let bytes = try await stream.readAll(count: 4 * header.elements, as: "UpdateHeader")
            let delta = try Parameters(layout: layout, littleEndianBytes: bytes).values
            await shell.updated(
                ClientUpdate(round: header.round, weight: header.weight, metrics: header.metrics, delta: delta),
                by: link)
        }
    }

    private func read(
        _ stream: IncomingStream, _ header: AveragingStreamHeader.VectorHeader, _ link: ClientLink,
        _ shell: AveragingShell, _ gate: UploadGate
    ) async throws {
        guard let round = await shell.quantisedRound(header.round, from: link) else {
            return stream.refuse(.notExpected)
        }
        guard header.elements == round.elements else {
            throw InvalidAveragingMessage.range(message: "VectorHeader", field: "elements")
        }
        try await gate.pass {
            let bytes = try await stream.readAll(count: 8 * header.elements, as: "VectorHeader")
            let vector = try round.vector(bytes, of: "VectorHeader")
            await shell.sent(ClientVector(round: header.round, vector: vector), round.digits, by: link)
        }
    }

    // MARK: - Time and members

    /// Lets the machine see its deadlines, which are seconds, five times a second, and asks SQLite, which tells nobody of
    /// another process's commit, for members and revocations twice a second.
    private func watch(_ shell: AveragingShell) async {
        var sinceRefresh = Duration.zero
        let pause = Duration.milliseconds(200)
        while (try? await Task.sleep(for: pause)) != nil {
            await shell.tick()
            sinceRefresh += pause
            guard sinceRefresh >= .milliseconds(500) else { continue }
            sinceRefresh = .zero
            do {
                if try registry.refresh() { await refreshed(shell) }
            } catch {
                logger.error("the members cannot be read", metadata: ["error": "\(error)"])
            }
        }
    }

    private func refreshed(_ shell: AveragingShell) async {
        await shell.registryChanged(cohort: hasFixedCohort ? nil : try? registry.expectedMembers())
    }
}
