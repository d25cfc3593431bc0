// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Learning
import Messages
import Primitives
import Quantization
import Shares
import Synchronization
import TLS
import Transport

/// A party around the real machine: real TLS to the coordinator, direct calls to its peers, memory for a disk.
actor TestParty {
    /// Everything that happens to a party, one after the other.
    enum Event: Sendable {
        case closed(connection: Int)
        case partialMade(Digest, Digest)
        case peerMessage(ControlMessage, PartyID)
        case peerUp(PartyID)
        case transport(TransportEvent, connection: Int)
        case updateMade(Digest)
        case vectorMade(Digest, Digest)
    }

    /// Finds the other parties of the same test.
    final class Neighbors: Sendable {
        private let parties = Mutex<[PartyID: TestParty]>([:])

        func add(_ party: TestParty, _ id: PartyID) { parties.withLock { $0[id] = party } }

        subscript(id: PartyID) -> TestParty? { parties.withLock { $0[id] } }
    }

    let identity: PartyIdentity
    let number: Int
    private(set) var paramsHashes: [Digest] = []
    private(set) var outcome: MemberStop?
    private(set) var applied = 0
    private var machine: Member
    private var parameters: [Float] = []
    private var kept: KeptUpdate?
    private var upload: (ctx: Digest, bytes: [UInt8])?
    private var partial: (ctx: Digest, bytes: [UInt8])?
    private var sum: Field64Vector?
    private var silentStreams: [OutgoingStream] = []
    private var handedOver: [Float] = []
    /// The training round whose update waits for `release`, and the base of that update once it does.
    private var held: (training: Int, base: Digest?)?
    private var connection: Connection?
    /// Counts connections: what comes from an earlier one is too late.
    private var connections = 0
    private let neighbors: Neighbors
    private let events: AsyncStream<Event>
    private let input: AsyncStream<Event>.Continuation

    /// What goes to the coordinator.
    enum Outgoing: Sendable {
        case message(ControlMessage)
        case vector(StreamHeader, [UInt8], Envelope)
        /// A stream that brings nothing.
        case opening(StreamHeader)
    }

    /// Makes a rogue of this party: what goes to the coordinator is what this answers.
    private let tampering: (@Sendable (Outgoing) throws -> [Outgoing])?

    init(
        identity: PartyIdentity, coordinator: PublicKey, number: Int, neighbors: Neighbors,
        newMembers: NewMembers = .accept, tampering: (@Sendable (Outgoing) throws -> [Outgoing])? = nil
    ) {
        self.tampering = tampering
        self.identity = identity
        self.number = number
        self.neighbors = neighbors
        (events, input) = AsyncStream.makeStream()
        var policy = SitePolicy()
        policy.newMembers = newMembers
        let rules = SiteRules(federation: identity.federation.text, id: identity.id, policy: policy) { configuration in
            Self.first(configuration)?.hash ?? .zero
        }
        machine = Member(
            rules: rules, ledger: MemberLedger(), members: MemberRecord(), keys: nil, signer: identity.key,
            coordinator: coordinator, random: { SecretBytes(randomCount: $0) })
        neighbors.add(self, identity.id)
    }

    /// Takes part until the connection ends.
    func run(port: Int) async throws {
        let connection = try await dial(
            host: "127.0.0.1", port: port,
            identity: TLSIdentity(
                certificateChainDER: [identity.certificate.der], key: identity.key,
                trustAnchors: [identity.authority]),
            expecting: .coordinator(federation: identity.federation))
        self.connection = connection
        connections += 1
        let present = connections
        let hello = Hello(
            instance: [UInt8](repeating: UInt8(number), count: 16), addresses: ["127.0.0.1:\(9000 + number)"],
            position: machine.position)
        try await connection.send(ControlMessage.hello(hello).encoded())
        let reader = Task { [input] in
            do {
                for try await event in connection.events { input.yield(.transport(event, connection: present)) }
            } catch {}
            input.yield(.closed(connection: present))
        }
        defer { reader.cancel() }
        for await event in events {
            if case .closed(present) = event { break }
            for action in try await actions(for: event) { try await perform(action) }
            if outcome != nil { break }
        }
        await connection.close()
        self.connection = nil
    }

    private func actions(for event: Event) async throws -> [MemberAction] {
        switch event {
        case .closed: []
        case .partialMade(let ctx, let leaf): try machine.partialMade(ctx: ctx, leaf: leaf)
        case .peerMessage(let message, let peer): try machine.handle(message, from: peer)
        case .peerUp(let peer): try machine.peerConnected(peer)
        case .transport(_, let number) where number != connections: []
        case .transport(.message(let bytes), _): try machine.handle(ControlMessage(encoded: bytes))
        case .transport(.stream(let stream), _): try await take(stream)
        case .updateMade(let base): machine.updateMade(for: base)
        case .vectorMade(let ctx, let leaf): try machine.vectorMade(ctx: ctx, leaf: leaf)
        }
    }

    private func take(_ stream: IncomingStream) async throws -> [MemberAction] {
        stream.accept()
        var bytes: [UInt8] = []
        for try await chunk in stream.chunks { bytes += chunk }
        switch try StreamHeader(encoded: stream.header) {
        case .result(let header):
            var decoder = VectorDecoder(elements: header.elements)
            try decoder.consume(bytes)
            let (vector, leaf) = try decoder.finish()
            sum = vector
            return machine.resultArrived(header, trailer: try Envelope(encoded: stream.trailer()), leaf: leaf)
        case .handover(let header):
            let layout = try ModelLayout(bytes: header.configuration.layout)
            handedOver = try Parameters(layout: layout, littleEndianBytes: bytes).values
            machine.handedOver(header)
            return []
        case .partial, .relayAnswer, .relayOpen, .upload: return []
        }
    }

    private func perform(_ action: MemberAction) async throws {
        switch action {
        case .answer(let order): try answer(order)
        case .connectPeers(let peers):
            for peer in peers {
                await neighbors[peer]?.post(.peerUp(identity.id))
                post(.peerUp(peer))
            }
        case .deleteUpdate: kept = nil
        case .makeUpdate(let context, let number): makeUpdate(context, number)
        case .makeVector(let order): try makeVector(order)
        case .send(let message): try await send(.message(message))
        case .sendPartial(let header, let trailer):
            try await send(.vector(.partial(header), partial?.bytes ?? [], trailer))
        case .sendPeer(let peer, let message): await neighbors[peer]?.post(.peerMessage(message, identity.id))
        case .sendUpload(let header, let trailer):
            try await send(.vector(.upload(header), upload?.bytes ?? [], trailer))
        case .stop(let stop): outcome = stop
        case .takeHandover: parameters = handedOver
        case .takeInitial(let configuration): parameters = Self.first(configuration)?.values ?? []
        case .verifyResult(let order): try await verify(order)
        case .disconnectPeers, .record, .recordMembers, .reject, .storeKeys, .wipeKeys: break
        }
    }

    func post(_ event: Event) { input.yield(event) }

    /// Breaks the connection as a process that dies would.
    func disconnect() async { await connection?.close() }

    private func makeUpdate(_ context: RoundContext, _ training: Int) {
        let count = context.kind == .training ? parameters.count : 0
        let delta = (0..<count).map { Float((number + 1) * training * ($0 % 7 - 3)) * 0x1p-10 }
        kept = KeptUpdate(
            base: context.base, delta: delta, samples: count == 0 ? 0 : 16 << number, lossSum: Double(training) * 4,
            correct: 6, tested: 8, seed: SecretBytes(randomCount: 32))
        guard training != held?.training else {
            held?.base = context.base
            return
        }
        post(.updateMade(context.base))
    }

    /// Keeps the update of a training round back, and with it the end of the run.
    func hold(training: Int) { held = (training, nil) }

    func release() {
        if let base = held?.base { post(.updateMade(base)) }
        held = nil
    }

    private func makeVector(_ order: VectorOrder) throws {
        guard let kept else { return }
        let share = try order.explicitShare(of: kept)
        upload = (order.context.ctx, share.vector.littleEndianBytes())
        post(.vectorMade(order.context.ctx, vectorLeaf(share.vector)))
    }

    private func answer(_ order: AnswerOrder) throws {
        var generator = SystemRandom()
        let share = try order.aggregateShare(using: &generator)
        partial = (order.context.ctx, share.vector.littleEndianBytes())
        post(.partialMade(order.context.ctx, vectorLeaf(share.vector)))
    }

    private func verify(_ order: ResultOrder) async throws {
        guard let sum, case .applied(let result) = try order.applied(sum, to: parameters) else {
            for action in machine.resultVerified(ctx: order.context.ctx, .checkFailed) { try await perform(action) }
            return
        }
        parameters = result.parameters
        let layout = try ModelLayout(bytes: order.configuration.layout)
        let paramsHash = try Parameters(layout: layout, values: parameters).hash
        if order.context.kind == .training { paramsHashes.append(paramsHash) }
        applied += 1
        let outcome = ResultOutcome.applied(paramsHash: paramsHash, scale: result.scale)
        for action in machine.resultVerified(ctx: order.context.ctx, outcome) { try await perform(action) }
        let report = Applied(
            ctx: order.context.ctx, modelHash: machine.position?.modelHash ?? .zero, sinceTrainingMicros: 1000,
            bytesUp: 100, bytesDown: 200, peakMemoryBytes: 1 << 20, phases: [])
        try? await connection?.send(ControlMessage.applied(report).encoded())
    }

    private func send(_ outgoing: Outgoing) async throws {
        for item in try tampering?(outgoing) ?? [outgoing] {
            switch item {
            case .message(let message): try? await connection?.send(message.encoded())
            case .vector(let header, let bytes, let trailer): send(header, bytes, trailer)
            case .opening(let header):
                guard let stream = try? await connection?.openStream(header: header.encoded()) else { continue }
                silentStreams.append(stream)
            }
        }
    }

    private func send(_ header: StreamHeader, _ bytes: [UInt8], _ trailer: Envelope) {
        guard let connection else { return }
        Task {
            let stream = try await connection.openStream(header: header.encoded())
            try await stream.write(bytes)
            try await stream.finish(trailer: trailer.encoded())
        }
    }

    private static func first(_ configuration: RunConfiguration) -> Parameters? {
        guard case .seed(let seed) = configuration.initial, let spec = try? ModelSpec(parsing: configuration.model)
        else { return nil }
        return try? Parameters.initial(spec, seed: seed.bytes)
    }
}
