// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import FoundationEssentials
import Identity
import Learning
import Logging
import Messages
import Primitives
import Programs
import Shares
import Transport

/// Owns the machine of this site: takes events one at a time and performs what the machine answers, in order.
///
/// Nothing goes out before what must be durable is durable: an action is finished before the next begins, and one that
/// fails to write ends the process.
actor Site {
    var member: Member
    let identity: PartyIdentity
    let store: SiteStore
    let initial: InitialModel
    let learner: LocalLearner
    let inbox: SiteInbox
    let mesh: PeerMesh
    let progress: Progress
    let logger: Logger
    let peerAddresses: PeerAddresses
    /// What adds vectors and masks.
    let arithmetic: Arithmetic
    var costs: RoundCosts
    var log: RoundLog
    var connection: Connection?
    /// Why this site stops, once it does.
    var stopped: MemberStop?
    /// The run of which people were told how the data is divided.
    var describedRun: [UInt8]?
    /// The parameters of the chain's present position.
    var parameters: Parameters?
    /// Parameters that were handed over and not yet taken.
    var handedOver: Parameters?
    var training: (base: Digest, task: Task<Void, Never>)?
    var activity: DailyActivity
    /// The vectors of the open round, as they were committed to.
    var share: ExplicitShare?
    var answer: AggregateShare?
    /// The sum that is being verified.
    var sum: (vector: Field64Vector, trailer: Envelope)?
    /// The ways to the other members of the present epoch, once its keys are exchanged here.
    var peerPaths: PeerPaths?
    var sending: [StreamKind: (ctx: Digest, task: Task<Void, Never>)] = [:]

    /// What this site streams to the coordinator.
    enum StreamKind: Hashable { case upload, partial }

    init(
        member: Member, identity: PartyIdentity, store: SiteStore, initial: InitialModel, inbox: SiteInbox,
        mesh: PeerMesh, arithmetic: Arithmetic, peerAddresses: PeerAddresses, meter: ByteMeter, log: RoundLog,
        progress: Progress,
        logger: Logger
    ) {
        self.member = member
        self.identity = identity
        self.store = store
        self.initial = initial
        learner = initial.learner
        self.inbox = inbox
        self.mesh = mesh
        self.peerAddresses = peerAddresses
        self.arithmetic = arithmetic
        costs = RoundCosts(meter: meter)
        self.log = log
        activity =
            (try? store.value(.activity)).flatMap { try? JSONDecoder().decode(DailyActivity.self, from: Data($0)) }
            ?? DailyActivity()
        self.progress = progress
        self.logger = logger
    }

    /// Handles events until the machine stops for good; nobody waits for this site afterwards.
    func run() async throws -> MemberStop {
        do {
            let stop = try await handleEvents()
            await inbox.close()
            return stop
        } catch {
            await inbox.close()
            throw error
        }
    }

    private func handleEvents() async throws -> MemberStop {
        try await takeReleasedBase()
        for await item in inbox.items {
            defer { item.done.resume() }
            try await handle(item.event)
            if let stopped { return stopped }
        }
        throw CancellationError()
    }

    /// Lets go of the work and the connections, with a goodbye.
    func shutDown() async {
        training?.task.cancel()
        for transfer in sending.values { transfer.task.cancel() }
        await mesh.disconnect()
        await connection?.close(reason: .shutdown)
    }

    private func handle(_ event: SiteEvent) async throws {
        let now = Int64(Date().timeIntervalSince1970)
        member.unixSeconds = now
        member.activity = activity.today(now: now)
        switch event {
        case .connected(let connection):
            try await greet(connection)
            // Behind the greeting, for which the coordinator does not wait long.
            if member.plan != nil, member.ledger.epochIsReady, describedRun == nil { try announceEpoch() }
        case .disconnected: connection = nil
        case .handedOver(let header, let bytes): takeIn(header, bytes)
        case .membersChanged:
            member.membersChanged(try store.members())
            try await takeReleasedBase()
            // The coordinator tries newcomers again that this site had not confirmed.
            if let connection { try await greet(connection) }
        case .message(let message): try await handle(message)
        case .peerConnected(let peer): try await perform(try member.peerConnected(peer))
        case .peerDisconnected(let peer): member.peerDisconnected(peer)
        case .peerMessage(let peer, let message): try await perform(try member.handle(message, from: peer))
        case .result(let header, let trailer, let vector, let leaf):
            costs.enter(.result)
            sum = (vector, trailer)
            try await perform(member.resultArrived(header, trailer: trailer, leaf: leaf))
            sum = nil
        case .shareMade(let order, let outcome): try await shareMade(order, outcome)
        case .trained(let base, let outcome): try await trained(base, outcome)
        case .vectorMade(let ctx, let outcome): try await vectorMade(ctx, outcome)
        }
    }

    /// What `base release` has left is a fact from here on: the record of facts has one writer.
    private func takeReleasedBase() async throws {
        guard let base = try store.value(.releasedBase).flatMap({ Digest(bytes: $0) }) else { return }
        let actions = member.baseReleased(base)
        try await perform(actions)
        guard !actions.isEmpty else { return }
        progress.note("base \(base) is released: this site sends its kept update again under it")
    }

    private func greet(_ connection: Connection) async throws {
        self.connection = connection
        let hello = Hello(
            instance: store.instance, addresses: peerAddresses.addresses(towards: connection.localHost),
            position: member.position, released: member.ledger.releasedBase,
            takesRelays: true)
        await send(.hello(hello))
    }

    private func handle(_ message: ControlMessage) async throws {
        logger.debug("received", metadata: ["message": "\(message.name)"])
        switch message {
        case .directory(let directory): await mesh.learn(directory.entries)
        case .epochProposal: costs.enter(.setUp)
        case .roundOpen: costs.enter(.upload)
        case .survivors: costs.enter(.votes)
        case .certificate: costs.enter(.partials)
        default: break
        }
        let before = member.ledger.chain?.index
        try await perform(try member.handle(message))
        if case .skip = message, let chain = member.ledger.chain, chain.index != before {
            progress.note("a round was skipped; the parameters stay as they are")
        }
    }

    /// Takes in parameters that were handed over, if they are what their header says.
    private func takeIn(_ header: HandoverHeader, _ bytes: [UInt8]) {
        do {
            let spec = try InitialModel.spec(of: header.configuration)
            let parameters = try Parameters(layout: spec.layout, littleEndianBytes: bytes)
            guard parameters.hash == header.paramsHash else {
                return progress.warning("the parameters that the coordinator handed over are not those that it names")
            }
            handedOver = parameters
            member.handedOver(header)
        } catch {
            progress.warning("the coordinator handed over parameters of a model that this site does not have: \(error)")
        }
    }

    /// Sends to the coordinator; without a connection the machine says it again after the next Hello.
    func send(_ message: ControlMessage) async {
        guard let connection else { return }
        do {
            try await connection.send(message.encoded())
            logger.debug("sent", metadata: ["message": "\(message.name)"])
        } catch {
            logger.debug("message not sent", metadata: ["message": "\(message.name)", "reason": "\(error)"])
        }
    }
}

/// Where peers may dial this site.
struct PeerAddresses: Sendable {
    /// The address of `--listen`.
    let host: String
    let port: Int

    /// The hints for Hello: the address that was asked for, or the one that faces the coordinator.
    func addresses(towards localHost: String?) -> [String] {
        let isAny = host == "0.0.0.0" || host == "::"
        guard let host = isAny ? localHost : host, let port = UInt16(exactly: port) else { return [] }
        return ["\(HostPort(host: host, port: port))"]
    }
}
