// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Identity
import Messages
import Primitives
import Quantization
import Shares

@testable import Aggregation

/// One site of a `MemoryFederation`: its machine, its disk, and a trainer that is a formula.
final class MemorySite {
    let name: String
    let key: SigningKey
    let id: PartyID
    let seed: UInt64
    unowned let federation: MemoryFederation
    var machine: Member?
    var isConnected = false
    // The disk.
    var facts: [MemberFact] = []
    var keys: [UInt8]?
    var update: [UInt8]?
    var record = MemberRecord()
    var models: [Digest: [Float]] = [:]
    /// The updates it ever made, by base: there must be one a base.
    var made: [(base: Digest, update: KeptUpdate)] = []
    var stopped: MemberStop?
    /// Sends nothing when set: a site that hangs.
    var policy = SitePolicy()

    init(name: String, key: SigningKey, seed: UInt64, federation: MemoryFederation) {
        self.name = name
        self.key = key
        id = PartyID(publicKey: key.publicKey)
        self.seed = seed
        self.federation = federation
        try? start()
    }

    func crash() { machine = nil }

    func start() throws {
        let ledger = MemberLedger(
            try JSONDecoder().decode([MemberFact].self, from: JSONEncoder().encode(facts)))
        let rules = SiteRules(federation: federation.federation, id: id, policy: policy) {
            configuration throws(ModelRefusal) in
            MemoryFederation.paramsHash(MemoryFederation.initialParameters(configuration))
        }
        machine = Member(
            rules: rules, ledger: ledger, members: record, keys: keys.flatMap { EpochKeys(encoded: $0) }, signer: key,
            coordinator: federation.coordinatorKey.publicKey, random: { SecretBytes(randomCount: $0) })
    }

    func handle(_ message: ControlMessage) throws {
        try event { try $0.handle(message) }
    }

    func handle(_ message: ControlMessage, from peer: PartyID) throws {
        try event { try $0.handle(message, from: peer) }
    }

    func receive(_ header: ResultHeader, _ trailer: Envelope, _ sum: Field64Vector) throws {
        pendingSum = sum
        try event { $0.resultArrived(header, trailer: trailer, leaf: vectorLeaf(sum)) }
    }

    func receive(_ header: HandoverHeader, _ values: [Float]) throws {
        guard MemoryFederation.paramsHash(values) == header.paramsHash else { return }
        models[header.paramsHash] = values
        try event {
            $0.handedOver(header)
            return []
        }
    }

    private var pendingSum: Field64Vector?

    func event(_ body: (inout Member) throws -> [MemberAction]) throws {
        guard var machine, stopped == nil else { return }
        let actions = try body(&machine)
        self.machine = machine
        try perform(actions)
    }

    private func perform(_ actions: [MemberAction]) throws {
        for action in actions where machine != nil {
            switch action {
            case .answer(let order):
                var generator = SystemRandomNumberGenerator()
                let share = try order.aggregateShare(using: &generator)
                answer = share.vector
                try event { try $0.partialMade(ctx: order.context.ctx, leaf: vectorLeaf(share.vector)) }
            case .connectPeers(let peers): try connect(peers)
            case .deleteUpdate: update = nil
            case .disconnectPeers: break
            case .makeUpdate(let context, let number): try makeUpdate(context, number)
            case .makeVector(let order): try makeVector(order)
            case .record(let fact): facts.append(fact)
            case .recordMembers(let members): record = members
            case .reject(let misbehavior): federation.rejections.append((name, misbehavior))
            case .send(let message): if isConnected { federation.queue.append(.toCoordinator(id, message)) }
            case .sendPeer(let peer, let message): federation.queue.append(.toPeer(peer, from: id, message))
            case .sendPartial(let header, let trailer):
                if isConnected, let answer { federation.queue.append(.offer(id, .partial(header), trailer, answer)) }
            case .sendUpload(let header, let trailer):
                if isConnected, let vector { federation.queue.append(.offer(id, .upload(header), trailer, vector)) }
            case .stop(let stop): stopped = stop
            case .storeKeys(let epochKeys): keys = epochKeys.encoded()
            case .takeHandover: break
            case .takeInitial(let configuration):
                let values = MemoryFederation.initialParameters(configuration)
                models[MemoryFederation.paramsHash(values)] = values
            case .verifyResult(let order): try verify(order)
            case .wipeKeys: keys = nil
            }
        }
    }

    /// What updates are multiplied by, by the number of the round that they are for.
    var growth: (Int) -> Float = { _ in 1 }
    /// Whether the first attempt at the update of a round fails, by the number of the round.
    var hasNoUpdate: (Int) -> Bool = { _ in false }
    private var failed: Set<Int> = []
    private var vector: Field64Vector?
    private var answer: Field64Vector?

    private func connect(_ peers: [PartyID]) throws {
        for peer in peers where federation.sites[peer]?.machine != nil {
            try event { try $0.peerConnected(peer) }
            try federation.sites[peer]?.event { [id] in try $0.peerConnected(id) }
        }
    }

    private func makeUpdate(_ context: RoundContext, _ number: Int) throws {
        guard let chain = machine?.ledger.chain, let parameters = models[chain.paramsHash] else { return }
        if hasNoUpdate(number), failed.insert(number).inserted {
            return try event { $0.updateFailed(for: context.base) }
        }
        let delta =
            context.kind == .closing
            ? []
            : parameters.indices.map {
                (Float(Int(seed) + $0 - number + 1) / 64 + Float(made.count) / 1024) * growth(number)
            }
        let kept = KeptUpdate(
            base: context.base, delta: delta, samples: 100 * Int(seed + 1), lossSum: 50, correct: 70, tested: 100,
            seed: SecretBytes(randomCount: 32))
        made.append((context.base, kept))
        update = kept.encoded()
        try event { $0.updateMade(for: context.base) }
    }

    private func makeVector(_ order: VectorOrder) throws {
        guard let kept = update.flatMap({ KeptUpdate(encoded: $0) }), kept.base == order.context.base else {
            return try event { $0.vectorFailed(ctx: order.context.ctx) }
        }
        let share = try order.explicitShare(of: kept)
        vector = share.vector
        try event { try $0.vectorMade(ctx: order.context.ctx, leaf: vectorLeaf(share.vector)) }
    }

    private func verify(_ order: ResultOrder) throws {
        guard let sum = pendingSum, let chain = machine?.ledger.chain, let parameters = models[chain.paramsHash] else {
            return
        }
        federation.opened.append((order.context.base, order.survivors, sum))
        let ctx = order.context.ctx
        switch try federation.forced(order.context.round) ?? order.applied(sum, to: parameters) {
        case .refused: return try event { $0.resultVerified(ctx: ctx, .checkFailed) }
        case .overflowed: try event { $0.resultVerified(ctx: ctx, .overflowed) }
        case .applied(let applied):
            let hash = MemoryFederation.paramsHash(applied.parameters)
            models[hash] = applied.parameters
            try event { $0.resultVerified(ctx: ctx, .applied(paramsHash: hash, scale: applied.scale)) }
        }
        guard let modelHash = machine?.ledger.chain?.modelHash, isConnected else { return }
        federation.queue.append(
            .toCoordinator(
                id,
                .applied(
                    Applied(
                        ctx: order.context.ctx, modelHash: modelHash, sinceTrainingMicros: 0, bytesUp: 0, bytesDown: 0,
                        peakMemoryBytes: 0, phases: []))))
    }
}

extension MemorySite {
    /// Whether it has voted under its present parameters.
    var hasVotedUnderItsBase: Bool {
        guard let chain = MemberLedger(facts).chain else { return false }
        return facts.contains {
            if case .locked(_, let base, _, _) = $0 {
                [RoundKind.training, .closing].map { RoundContext.base(kind: $0, paramsHash: chain.paramsHash) }
                    .contains(base)
            } else {
                false
            }
        }
    }
}
