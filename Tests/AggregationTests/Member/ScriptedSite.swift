// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Identity
import Messages
import Primitives
import Quantization
import Shares

@testable import Aggregation

/// A member and the duties of its shell: what it kept, and every action that it asked for.
struct ScriptedSite {
    static let federation = "clinics"
    static let layout: [UInt8] = [0, 0, 0, 1, 0x77, 0, 0, 0, 1, 0, 0, 0, 10]

    let key: SigningKey
    let coordinator: PublicKey
    var member: Member
    /// What survives a restart.
    var facts: [MemberFact] = []
    var keysFile: [UInt8]?
    var update: KeptUpdate?
    var parameters: [Float] = []
    /// How many updates it made: more than one under a base would be a fault.
    var updatesMade = 0
    /// The vectors it made, by ctx.
    var uploads: [Digest: Field64Vector] = [:]
    var partials: [Digest: Field64Vector] = [:]
    /// Whether an order to train is answered at once.
    var trainsAtOnce = true
    /// Whether a sum is checked and applied at once.
    var verifiesAtOnce = true
    private var sum: Field64Vector?

    var id: PartyID { PartyID(publicKey: key.publicKey) }
    var ledger: MemberLedger { member.ledger }

    init(key: SigningKey, coordinator: PublicKey, policy: SitePolicy = SitePolicy(), facts: [MemberFact] = []) {
        self.key = key
        self.coordinator = coordinator
        self.facts = facts
        member = Member(
            rules: Self.rules(key, policy), ledger: MemberLedger(facts), members: MemberRecord(), keys: nil,
            signer: key, coordinator: coordinator, random: { SecretBytes(randomCount: $0) })
    }

    private static func rules(_ key: SigningKey, _ policy: SitePolicy) -> SiteRules {
        SiteRules(federation: federation, id: PartyID(publicKey: key.publicKey), policy: policy) {
            configuration throws(ModelRefusal) in
            switch configuration.initial {
            case .seed(let seed): return paramsHash(initialParameters(seed))
            case .file(let hash):
                guard policy.refusal(parametersFromFile: hash) == nil else {
                    throw ModelRefusal(line: .initialParameters, detail: "not named by the policy")
                }
                return hash
            }
        }
    }

    static func initialParameters(_ seed: Digest) -> [Float] { seed.bytes.prefix(10).map { Float($0) / 256 - 0.5 } }

    static func paramsHash(_ parameters: [Float]) -> Digest {
        let bytes = parameters.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        return LabeledBytes("params").variable(layout).variable(bytes).hash
    }

    /// Starts again from what was kept, as after a crash.
    mutating func restart() throws {
        let facts = try JSONDecoder().decode([MemberFact].self, from: JSONEncoder().encode(facts))
        member = Member(
            rules: member.rules, ledger: MemberLedger(facts), members: member.members,
            keys: keysFile.flatMap { EpochKeys(encoded: $0) }, signer: key, coordinator: coordinator,
            random: { SecretBytes(randomCount: $0) })
        uploads = [:]
        partials = [:]
    }

    /// Hands a message of the coordinator over, and returns every action that follows.
    @discardableResult
    mutating func receive(_ message: ControlMessage) throws -> [MemberAction] {
        try perform(member.handle(message))
    }

    @discardableResult
    mutating func receive(_ message: ControlMessage, from peer: PartyID) throws -> [MemberAction] {
        try perform(member.handle(message, from: peer))
    }

    @discardableResult
    mutating func receive(_ header: ResultHeader, _ trailer: Envelope, sum: Field64Vector) throws -> [MemberAction] {
        self.sum = sum
        return try perform(member.resultArrived(header, trailer: trailer, leaf: vectorLeaf(sum)))
    }

    /// Does what the machine asks for, and what follows from that.
    mutating func perform(_ actions: [MemberAction]) throws -> [MemberAction] {
        var log: [MemberAction] = []
        for action in actions {
            log.append(action)
            log += try follow(action)
        }
        return log
    }

    private mutating func follow(_ action: MemberAction) throws -> [MemberAction] {
        switch action {
        case .record(let fact): facts.append(fact)
        case .storeKeys(let keys): keysFile = keys.encoded()
        case .wipeKeys: keysFile = nil
        case .deleteUpdate: update = nil
        case .takeInitial(let configuration):
            if case .seed(let seed) = configuration.initial { parameters = Self.initialParameters(seed) }
        case .makeUpdate(let context, _) where trainsAtOnce: return try train(context)
        case .makeVector(let order): return try encode(order)
        case .answer(let order):
            var generator = SystemRandomNumberGenerator()
            let share = try order.aggregateShare(using: &generator).vector
            partials[order.context.ctx] = share
            return try perform(member.partialMade(ctx: order.context.ctx, leaf: vectorLeaf(share)))
        case .verifyResult(let order) where verifiesAtOnce: return try verify(order)
        default: break
        }
        return []
    }

    /// Trains: every update differs from every other.
    mutating func train(_ context: RoundContext) throws -> [MemberAction] {
        updatesMade += 1
        let delta =
            context.kind == .closing
            ? [] : (0..<10).map { Float(Int(id.bytes[0]) + $0 + 100 * updatesMade) / 1024 }
        update = KeptUpdate(
            base: context.base, delta: delta, samples: 64, lossSum: 12.5, correct: 40, tested: 64,
            seed: SecretBytes(randomCount: 32))
        return try perform(member.updateMade(for: context.base))
    }

    private mutating func encode(_ order: VectorOrder) throws -> [MemberAction] {
        guard let update, update.base == order.context.base else {
            return try perform(member.vectorFailed(ctx: order.context.ctx))
        }
        let share = try order.explicitShare(of: update).vector
        uploads[order.context.ctx] = share
        return try perform(member.vectorMade(ctx: order.context.ctx, leaf: vectorLeaf(share)))
    }

    private mutating func verify(_ order: ResultOrder) throws -> [MemberAction] {
        guard let sum, case .applied(let applied) = try order.applied(sum, to: parameters) else {
            return try perform(member.resultVerified(ctx: order.context.ctx, .checkFailed))
        }
        parameters = applied.parameters
        return try perform(
            member.resultVerified(
                ctx: order.context.ctx,
                .applied(paramsHash: Self.paramsHash(parameters), scale: applied.scale)))
    }
}

extension [MemberAction] {
    /// What each action is, in a word or two: a transcript.
    var lines: [String] { map(\.line) }

    var rejections: [PeerMisbehavior] {
        compactMap { if case .reject(let misbehavior) = $0 { misbehavior } else { nil } }
    }

    var stops: [MemberStop] {
        compactMap { if case .stop(let stop) = $0 { stop } else { nil } }
    }

    var facts: [MemberFact] {
        compactMap { if case .record(let fact) = $0 { fact } else { nil } }
    }

    var sent: [ControlMessage] {
        compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    var refusals: [EpochRefusal] {
        sent.compactMap { if case .epochRefusal(let refusal) = $0 { refusal } else { nil } }
    }

    var silences: [SilenceCause] {
        sent.compactMap { if case .silence(let silence) = $0 { silence.cause } else { nil } }
    }

    var votes: [Envelope] {
        sent.compactMap { if case .vote(let envelope) = $0 { envelope } else { nil } }
    }

    var uploads: [(header: VectorHeader, trailer: Envelope)] {
        compactMap { if case .sendUpload(let header, let trailer) = $0 { (header, trailer) } else { nil } }
    }

    var partials: [(header: VectorHeader, trailer: Envelope)] {
        compactMap { if case .sendPartial(let header, let trailer) = $0 { (header, trailer) } else { nil } }
    }

    var toPeers: [(PartyID, ControlMessage)] {
        compactMap { if case .sendPeer(let peer, let message) = $0 { (peer, message) } else { nil } }
    }
}

extension MemberAction {
    fileprivate var line: String {
        switch self {
        case .answer: "answer"
        case .connectPeers: "connect peers"
        case .deleteUpdate: "delete update"
        case .disconnectPeers: "disconnect peers"
        case .makeUpdate: "make update"
        case .makeVector: "make vector"
        case .record(let fact): "record \(fact.line)"
        case .recordMembers: "record members"
        case .reject: "reject"
        case .send(let message): "send \(message.name)"
        case .sendPeer(_, let message): "send peer \(message.name)"
        case .sendPartial: "send Partial"
        case .sendUpload: "send Upload"
        case .stop: "stop"
        case .storeKeys: "store keys"
        case .takeHandover: "take handover"
        case .takeInitial: "take initial"
        case .verifyResult: "verify result"
        case .wipeKeys: "wipe keys"
        }
    }
}

extension MemberFact {
    fileprivate var line: String {
        switch self {
        case .drawBegan: "drawBegan"
        case .revealed: "revealed"
        case .epochTaken: "epochTaken"
        case .epochReady: "epochReady"
        case .entered: "entered"
        case .updateKept: "updateKept"
        case .uploaded: "uploaded"
        case .locked: "locked"
        case .answered: "answered"
        case .closed: "closed"
        case .witnesses: "witnesses"
        case .unopenable: "unopenable"
        case .released: "released"
        case .chain: "chain"
        case .configured: "configured"
        case .applied: "applied"
        case .overflowed: "overflowed"
        case .skipped: "skipped"
        }
    }
}
