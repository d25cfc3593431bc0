// SPDX-License-Identifier: MIT

import Aggregation
import Discovery
import Identity
import Logging
import Messages
import Primitives
import Programs
import Shares
import Transport

/// Brings a site up, lets it take part in a run to its end, and takes it down.
struct RunSession {
    let identity: PartyIdentity
    let store: SiteStore
    let initial: InitialModel
    let network: NetworkOptions.Resolved
    let rejoinWait: Duration
    /// Where peers may connect.
    let listen: HostPort
    /// What adds vectors and masks.
    var arithmetic = Arithmetic.field64
    let metrics: String?
    let progress: Progress
    let logger: Logger

    /// Takes part until the run ends.
    ///
    /// - Throws: `ProgramError` with the exit code of the way in which it ended, unless that is a good one.
    func run() async throws -> RunEnd {
        let meter = ByteMeter(phase: RoundPhase.setUp.rawValue)
        let current = CurrentIdentity(identity)
        let listener = try await Listener.bind(
            host: listen.host, port: Int(listen.port), identity: current.tls, alpns: [.federation, .inquiry],
            meter: meter)
        do {
            let discovery = try await startDiscovery(port: listener.port)
            do {
                let end = try await run(current, listener, discovery, meter)
                await discovery?.stop()
                await listener.close()
                return end
            } catch {
                await discovery?.stop()
                throw error
            }
        } catch {
            await listener.close()
            throw error
        }
    }

    /// Announces this site and listens for the others. Where multicast fails and an address is given, goes on without.
    private func startDiscovery(port: Int) async throws -> DiscoveryService? {
        guard network.discovery else { return nil }
        let service = DiscoveryService(
            advertising: try ServiceAdvertisement(
                federation: identity.federation.text, role: .party, id: identity.id.hex, port: UInt16(port),
                listening: listen.host),
            interfaces: network.interfaces.selection, logger: logger)
        do {
            try await service.start()
            return service
        } catch {
            guard network.server != nil else { throw error }
            progress.warning("no multicast (\(error)); the coordinator tells the addresses of the other sites")
            return nil
        }
    }

    private func run(
        _ current: CurrentIdentity, _ listener: Listener, _ discovery: DiscoveryService?, _ meter: ByteMeter
    ) async throws -> RunEnd {
        let inbox = SiteInbox()
        let relays = RelayDoor(current: current, listener: listener, logger: logger)
        let renewal = SiteRenewal(
            current, directory: store.directory.path, proxy: network.proxy, listener: listener, progress: progress,
            logger: logger)
        let link = CoordinatorLink(
            current: current, network: network, store: store, rejoinWait: rejoinWait, discovery: discovery,
            meter: meter,
            inbox: inbox, relays: relays, renewal: renewal, progress: progress, logger: logger)
        let known = try store.value(.coordinatorKey).map { try PublicKey(spki: $0) }
        progress.status("looking for the coordinator of \(identity.federation)")
        let connection = try await link.connect(pin: known?.spkiHash)
        let coordinator = try recordCoordinator(known, connection)
        if arithmetic == .gmp { progress.note("GMP computes shares and sums; the kernels check a block of each sum") }
        let place = "\(connection.remoteAddress), \(connection.path)"
        progress.note("connected to the coordinator of \(identity.federation) at \(place)")
        let mesh = PeerMesh(
            current: current, meter: meter, discovery: discovery, proxy: network.proxy, relays: relays,
            inbox: inbox, logger: logger)
        let site = Site(
            member: try makeMember(coordinator), identity: identity, store: store, initial: initial, inbox: inbox,
            mesh: mesh, arithmetic: arithmetic, peerAddresses: PeerAddresses(host: listen.host, port: listener.port),
            meter: meter,
            log: RoundLog(
                directory: metrics, progress: progress, logger: logger, pending: try store.value(.pendingRecord)),
            progress: progress, logger: logger)
        let watch = StoreWatch(store: store, inbox: inbox)
        let stop = try await withThrowingTaskGroup(of: MemberStop?.self) { group in
            group.addTask { try await site.run() }
            group.addTask {
                try await link.serve(connection, pin: coordinator.spkiHash)
                return nil
            }
            group.addTask {
                await accept(listener, mesh)
                return nil
            }
            group.addTask {
                try await watch.run()
                return nil
            }
            do {
                while let ended = try await group.next() {
                    guard let stop = ended else { continue }
                    group.cancelAll()
                    await renewal.stop()
                    await site.shutDown()
                    return stop
                }
                throw CancellationError()
            } catch {
                group.cancelAll()
                await renewal.stop()
                await site.shutDown()
                throw error
            }
        }
        return try judge(stop)
    }

    /// Lets members connect, and serves whoever only wants to know whether it could (`doctor`).
    private func accept(_ listener: Listener, _ mesh: PeerMesh) async {
        await withDiscardingTaskGroup { group in
            for await connection in listener.connections {
                if connection.applicationProtocol == .inquiry {
                    group.addTask { await InquiryDesk.serve(connection, logger: logger) }
                } else {
                    await mesh.accept(connection)
                }
            }
        }
    }

    /// The coordinator's key is recorded at the first contact; any other one is refused from then on.
    private func recordCoordinator(_ known: PublicKey?, _ connection: Connection) throws -> PublicKey {
        if let known { return known }
        guard let key = connection.peer?.publicKey else {
            throw ProgramError(.failed, "shows no certificate", subject: connection.remoteAddress)
        }
        try store.set(.coordinatorKey, to: key.spki)
        return key
    }

    private func makeMember(_ coordinator: PublicKey) throws -> Member {
        let initial = initial
        let rules = SiteRules(federation: identity.federation.text, id: identity.id, policy: initial.policy) {
            configuration throws(ModelRefusal) in
            try initial.parameters(of: configuration).hash
        }
        return Member(
            rules: rules, ledger: try store.ledger(), members: try store.members(), keys: epochKeys(),
            signer: identity.key, coordinator: coordinator, random: { SecretBytes(randomCount: $0) })
    }

    /// The keys of the epoch that this site was in. Without usable ones it does nothing until the next epoch, and says so.
    private func epochKeys() -> EpochKeys? {
        let consequence = "this site does nothing in that epoch and waits for the next"
        switch store.keysFile.content {
        case .keys(let keys): return keys
        case .nothing: break
        case .damaged:
            progress.warning("\(store.keysFile.path): the keys of the last epoch are damaged; \(consequence)")
        case .anotherInstance:
            progress.warning(
                "\(store.keysFile.path): the keys belong to another copy of this state directory; \(consequence)")
        }
        return nil
    }

    /// Turns the way in which the machine stopped into the way in which the program ends.
    private func judge(_ stop: MemberStop) throws -> RunEnd {
        switch stop {
        case .runEnded(let end):
            switch end.outcome {
            case .complete, .converged: return end
            case .aborted: throw ProgramError(.aborted, end.sentence, subject: "run aborted")
            case .verificationFailed:
                throw ProgramError(.verificationFailed, end.sentence, subject: "run ended")
            }
        case .checkFailed(let round):
            throw ProgramError(
                .verificationFailed, "the sum fails its check and was not applied", subject: "round \(round)",
                remedy: "somebody changed a vector or the sum; show \(store.directory.evidence) to the other sites")
        case .evidence(let misbehavior):
            throw ProgramError(
                .verificationFailed,
                "conflicting statements: \(misbehavior.author) has signed two statements that contradict each other",
                subject: "federation \(identity.federation)",
                remedy: "stop, and show the files in \(store.directory.evidence) to the other sites")
        }
    }
}

extension PeerMisbehavior {
    /// Who signed two statements that contradict each other.
    fileprivate var author: String {
        guard case .conflictingStatements(let party, _, _) = self else { return "somebody" }
        return party == "coordinator" ? "the coordinator" : "member \(party)"
    }
}
