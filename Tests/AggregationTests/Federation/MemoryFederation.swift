// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Identity
import Messages
import Primitives
import Quantization
import Shares

@testable import Aggregation

/// Runs the real machines against each other without sockets, disk or clock: messages are queues, time is a number.
///
/// Every party's durable facts are kept as bytes, so that a crash loses exactly what was not recorded.
final class MemoryFederation {
    static let layout = ModelLayoutBytes.ten
    let federation = "memory"
    var now = ContinuousClock.now
    var settings: CoordinatorSettings
    let coordinatorKey: SigningKey
    var coordinator: Coordinator?
    var coordinatorFacts: [CoordinatorFact] = []
    var uploadSum: Field64Vector?
    var storedUploadSum: Field64Vector?
    var partialSum: Field64Vector?
    var sums: [Digest: Field64Vector] = [:]
    var coordinatorModels: [Digest: [Float]] = [:]
    var reports: [CoordinatorReport] = []
    var end: RunEnd?
    var rejections: [(by: String, PeerMisbehavior)] = []
    var sites: [PartyID: MemorySite] = [:]
    var names: [String: PartyID] = [:]
    /// Everything that is on its way, in order.
    var queue: [Delivery] = []
    var streams: [StreamID: (party: PartyID, header: VectorHeader, trailer: Envelope, vector: Field64Vector)] = [:]
    var nextStream = 0
    /// Every sum that was opened, with the set and base it was opened over.
    var opened: [(base: Digest, set: [PartyID], sum: Field64Vector)] = []
    /// What everybody makes of the sum of a round, where a member's forged vector would decide that.
    var forced: (UInt64) -> SumOutcome? = { _ in nil }
    /// Looks at, and may drop or change, whatever is about to be delivered.
    var interceptor: ((Delivery) -> [Delivery])?

    enum Delivery {
        case toCoordinator(PartyID, ControlMessage)
        case toMember(PartyID, ControlMessage)
        case toPeer(PartyID, from: PartyID, ControlMessage)
        case result(PartyID, ResultHeader, Envelope, Field64Vector)
        case offer(PartyID, StreamHeader, Envelope, Field64Vector)
        case handover(PartyID, HandoverHeader, [Float])
    }

    init(
        sites count: Int, rounds: Int = 2, bits: UInt8 = 63, slots: SlotChoice = .all, gammaPercent: Int = 20,
        roundsPerEpoch: Int = 100
    ) throws {
        settings = CoordinatorSettings(federation: federation, cohort: count)
        settings.slots = slots
        coordinatorKey = try SigningKey.generate()
        for index in 0..<count {
            try addSite("site-\(index)", seed: UInt64(index))
        }
        var configuration = Self.configuration(rounds: rounds)
        configuration.bits = bits
        configuration.roundsPerEpoch = roundsPerEpoch
        configuration.gammaPercent = gammaPercent
        let first = Self.initialParameters(configuration)
        let chain = ModelChain(
            run: configuration.run, paramsHash: Self.paramsHash(first), scale: try configuration.firstScale())
        coordinatorModels[chain.paramsHash] = first
        coordinatorFacts = [.runBegan(configuration: configuration.encoded(), chain: chain)]
        try startCoordinator()
    }

    @discardableResult
    func addSite(_ name: String, seed: UInt64) throws -> MemorySite {
        let site = MemorySite(name: name, key: try SigningKey.generate(), seed: seed, federation: self)
        sites[site.id] = site
        names[name] = site.id
        return site
    }

    static func configuration(rounds: Int) -> RunConfiguration {
        RunConfiguration(
            run: [UInt8](repeating: 7, count: 16), bits: 63, clip: 0, weightMax: 0x1p20, uniformWeights: false,
            layout: layout, model: "test:10", initial: .seed(SHA256.hash([1])), seed: 1, rounds: rounds,
            roundsPerEpoch: 100, gammaPercent: 20, cohortMin: 3,
            training: .init(optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 1, localEpochs: 1))
    }

    static func initialParameters(_ configuration: RunConfiguration) -> [Float] {
        (0..<configuration.parameterCount).map { Float($0) / 8 }
    }

    static func paramsHash(_ values: [Float]) -> Digest {
        let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        return LabeledBytes("params").variable(layout).variable(bytes).hash
    }

    var registry: [EpochProposal.Member] {
        sites.values.map { EpochProposal.Member(key: $0.key.publicKey, name: $0.name) }
    }

    // MARK: The coordinator's shell

    func startCoordinator() throws {
        let facts = try JSONDecoder().decode([CoordinatorFact].self, from: JSONEncoder().encode(coordinatorFacts))
        var machine = try Coordinator(
            settings: settings, facts: facts, registry: registry, signer: coordinatorKey, now: now)
        let actions = machine.resume()
        coordinator = machine
        try perform(actions)
    }

    /// The server dies: connections and sums that were not stored are gone.
    func killCoordinator() {
        coordinator = nil
        uploadSum = nil
        partialSum = nil
        streams = [:]
        queue.removeAll { if case .toPeer = $0 { false } else { true } }
        for site in sites.values { site.isConnected = false }
    }

    func perform(_ actions: [CoordinatorAction]) throws {
        for action in actions {
            switch action {
            case .accept(let stream, let isPartial):
                guard let entry = streams.removeValue(forKey: stream) else { continue }
                if isPartial { try partialSum?.add(entry.vector) } else { try uploadSum?.add(entry.vector) }
            case .beginSums(let context):
                uploadSum = Field64Vector(count: context.elements)
                partialSum = Field64Vector(count: context.elements)
            case .discard: break
            case .grant(let stream):
                guard let entry = streams[stream] else { continue }
                queueEnd(stream, entry.trailer, entry.vector)
            case .makeSum(let context): try makeSum(context)
            case .ping(let parties):
                for party in parties where sites[party]?.isConnected == true {
                    try event { try $0.pong(from: party, now: now) }
                }
            case .apply(let application, _, _): try apply(application)
            case .record(let fact): coordinatorFacts.append(fact)
            case .refuse(let stream, _): streams[stream] = nil
            case .reject(let party, let misbehavior): rejections.append(("server of \(party.hex)", misbehavior))
            case .send(let party, let message): queue.append(.toMember(party, message))
            case .sendDirectory: break
            case .sendHandover(let party, let header):
                queue.append(.handover(party, header, coordinatorModels[header.paramsHash] ?? []))
            case .sendResult(let party, let header, let trailer):
                guard let sum = sums[header.ctx] else { continue }
                queue.append(.result(party, header, trailer, sum))
            case .storeUploadSum: storedUploadSum = uploadSum
            case .report(let report): reports.append(report)
            case .finish(let end): self.end = end
            }
        }
    }

    private var pendingEnds: [(StreamID, Envelope, Field64Vector)] = []

    private func queueEnd(_ stream: StreamID, _ trailer: Envelope, _ vector: Field64Vector) {
        pendingEnds.append((stream, trailer, vector))
    }

    private func makeSum(_ context: RoundContext) throws {
        guard var sum = storedUploadSum, let partials = partialSum else { return }
        try sum.subtract(partials)
        sum.canonicalize()
        sums[context.ctx] = sum
        try event { try $0.sumMade(ctx: context.ctx, sumHash: vectorLeaf(sum), now: now) }
    }

    private func apply(_ application: SumApplication) throws {
        let ctx = application.context.ctx
        guard let sum = sums[ctx], let chain = coordinator?.chain,
            let parameters = coordinatorModels[chain.paramsHash]
        else { return }
        switch try forced(application.context.round) ?? application.outcome(of: sum, to: parameters) {
        case .overflowed: try event { try $0.sumOverflowed(ctx: ctx, now: now) }
        case .refused: try event { try $0.sumRefused(ctx: ctx, now: now) }
        case .applied(let applied):
            let hash = Self.paramsHash(applied.parameters)
            coordinatorModels[hash] = applied.parameters
            try event { try $0.sumApplied(ctx: ctx, paramsHash: hash, scale: applied.scale, now: now) }
        }
    }

    /// Hands the coordinator an event and performs what follows.
    func event(_ body: (inout Coordinator) throws -> [CoordinatorAction]) throws {
        guard var machine = coordinator else { return }
        let actions = try body(&machine)
        coordinator = machine
        try perform(actions)
    }

    // MARK: The network

    func connect(_ name: String) throws {
        guard let id = names[name], let site = sites[id], coordinator != nil, site.machine != nil else { return }
        site.isConnected = true
        let hello = Hello(instance: [UInt8](repeating: 0, count: 16), addresses: [], position: site.machine?.position)
        try event { try $0.partyConnected(id, hello: hello, now: now) }
    }

    func connectAll() throws {
        for name in names.keys.sorted() { try connect(name) }
    }

    func disconnect(_ name: String) throws {
        guard let id = names[name], let site = sites[id] else { return }
        site.isConnected = false
        queue.removeAll { $0.involves(id) }
        streams = streams.filter { $0.value.party != id }
        pendingEnds.removeAll { streams[$0.0] == nil }
        for other in sites.values { other.machine?.peerDisconnected(id) }
        try event { try $0.partyDisconnected(id, now: now) }
    }

    /// A site's process dies; what it recorded stays.
    func kill(_ name: String) throws {
        try disconnect(name)
        names[name].flatMap { sites[$0] }?.crash()
    }

    func restart(_ name: String) throws {
        try names[name].flatMap { sites[$0] }?.start()
        try connect(name)
    }

    /// Delivers one thing. Returns false when nothing is on its way.
    func step() throws -> Bool {
        if !queue.isEmpty {
            let next = queue.removeFirst()
            for delivery in interceptor?(next) ?? [next] { try deliver(delivery) }
            return true
        }
        guard !pendingEnds.isEmpty else { return false }
        let (stream, trailer, vector) = pendingEnds.removeFirst()
        try event { try $0.vectorEnded(stream, leaf: vectorLeaf(vector), trailer: trailer, now: now) }
        return true
    }

    /// Delivers everything, and lets time pass to the next deadline when nothing is on its way.
    func run(untilEnd limit: Int = 20_000, until stop: () -> Bool = { false }) throws {
        for _ in 0..<limit {
            if stop() || end != nil { return }
            if try step() { continue }
            guard let deadline = coordinator?.nextDeadline else { return }
            now = max(now, deadline)
            try event { try $0.tick(now: now) }
        }
    }

    private func deliver(_ delivery: Delivery) throws {
        switch delivery {
        case .toCoordinator(let party, let message):
            let copy = try ControlMessage(encoded: message.encoded())
            try event { try $0.handle(copy, from: party, now: now) }
        case .toMember(let party, let message):
            try sites[party]?.handle(ControlMessage(encoded: message.encoded()))
        case .toPeer(let party, let from, let message):
            try sites[party]?.handle(ControlMessage(encoded: message.encoded()), from: from)
        case .result(let party, let header, let trailer, let sum): try sites[party]?.receive(header, trailer, sum)
        case .handover(let party, let header, let values): try sites[party]?.receive(header, values)
        case .offer(let party, let header, let trailer, let vector):
            guard coordinator != nil else { return }
            let stream = StreamID(nextStream)
            nextStream += 1
            guard case .upload(let inner) = header else {
                guard case .partial(let inner) = header else { return }
                streams[stream] = (party, inner, trailer, vector)
                return try event { try $0.vectorOffered(stream, header, from: party, now: now) }
            }
            streams[stream] = (party, inner, trailer, vector)
            try event { try $0.vectorOffered(stream, header, from: party, now: now) }
        }
    }
}

extension MemoryFederation.Delivery {
    func involves(_ party: PartyID) -> Bool {
        switch self {
        case .toCoordinator(let id, _), .toMember(let id, _), .result(let id, _, _, _), .offer(let id, _, _, _),
            .handover(let id, _, _):
            id == party
        case .toPeer(let id, let from, _): id == party || from == party
        }
    }
}

enum ModelLayoutBytes {
    /// "w" of 4 × 2 and "b" of 2, as protocol section 2 writes them.
    static let ten: [UInt8] = [
        0, 0, 0, 1, 0x77, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0x62, 0, 0, 0, 1, 0, 0, 0, 2,
    ]
}
