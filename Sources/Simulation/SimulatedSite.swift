// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives
import Quantization
import Shares
import Synchronization

/// What a site's shell does beside its machine, and how long it takes is up to the run.
enum SiteWork {
    case update(RoundContext, number: Int)
    case vector(VectorOrder)
    case answer(AnswerOrder)
    case verify(ResultOrder)
}

/// The world around a site: the network, the time that work takes, and whoever watches.
protocol SiteHost: AnyObject {
    func send(_ message: ControlMessage, from site: SimulatedSite) throws
    func send(_ message: ControlMessage, to peer: PartyID, from site: SimulatedSite) throws
    func offer(_ header: StreamHeader, _ trailer: Envelope, _ vector: Field64Vector, from site: SimulatedSite) throws
    func connectPeers(_ peers: [PartyID], of site: SimulatedSite) throws
    func disconnectPeers(of site: SimulatedSite) throws
    /// Has `site.finish(work)` called, unless the site dies before.
    func begin(_ work: SiteWork, at site: SimulatedSite) throws
}

/// One site: the real machine, its disk, and a trainer that is a formula.
final class SimulatedSite {
    let number: Int
    let key: SigningKey
    let id: PartyID
    let setting: RunSetting
    let observer: Observer
    unowned let host: any SiteHost
    var random: SimulationRandom
    var policy = SitePolicy()

    // What a crash leaves.
    private(set) var facts: [MemberFact] = []
    private var keys: EpochKeys?
    private var update: KeptUpdate?
    var record = MemberRecord()
    private var models: [Digest: [Float]] = [:]

    // What a crash takes.
    private(set) var machine: Member?
    /// Whether there is a machine; to look at the machine itself is to copy it.
    private var isRunning = false
    private(set) var life = 0
    /// Facts that were written and not synced: only without the rule that they are.
    private var unsynced: [MemberFact] = []
    private var unsyncedKeys: EpochKeys??
    private var handedOver: [Digest: [Float]] = [:]
    private var sums: [Digest: Field64Vector] = [:]
    private var vector: Field64Vector?
    private var vectorOrder: (order: VectorOrder, plain: Field64Vector)?
    private var answer: (order: AnswerOrder, vector: Field64Vector)?

    /// Why the site's program ended for good.
    private(set) var stopped: MemberStop?
    /// Dies before so many more actions.
    var actionsToLive: Int?
    /// Time of day, as the site's clock has it.
    var unixSeconds: Int64 = 1_700_000_000
    /// What the site's updates are multiplied by, by the number of the round.
    var growth: (Int) -> Float = { _ in 1 }
    /// The commits of the draw that the site holds, or held last.
    private(set) var commits: [[UInt8]] = []

    init(number: Int, setting: RunSetting, observer: Observer, host: any SiteHost, random: SimulationRandom) {
        self.number = number
        key = SimulatedKeys.keys[number]
        id = PartyID(publicKey: key.publicKey)
        self.setting = setting
        self.observer = observer
        self.host = host
        self.random = random
    }

    var isAlive: Bool { isRunning && stopped == nil }
    var chain: ModelChain? { machine?.ledger.chain }

    /// Parameters that the site holds.
    func parameters(_ hash: Digest) -> [Float]? { models[hash] }

    // MARK: Life and death

    /// Starts the site's program from its disk.
    func start() {
        guard stopped == nil else { return }
        life += 1
        let rules = SiteRules(federation: setting.federation, id: id, policy: policy) {
            [setting] configuration throws(ModelRefusal) in
            setting.paramsHash(setting.initialParameters(configuration))
        }
        let generator = SecretSource(seed: random.next())
        machine = Member(
            rules: rules, ledger: MemberLedger(facts), members: record, keys: keys,
            signer: setting.signing.signer(key), verifier: setting.signing.verifier,
            coordinator: setting.coordinatorKey, random: { generator.draw($0) })
        isRunning = true
    }

    /// The program ends at once; what was not synced is lost.
    func crash() {
        guard isRunning else { return }
        machine = nil
        isRunning = false
        unsynced = []
        unsyncedKeys = nil
        handedOver = [:]
        sums = [:]
        vector = nil
        vectorOrder = nil
        answer = nil
        actionsToLive = nil
        observer.died(self)
        observer.trace?("site \(number) died")
        // A site whose software was changed may encode differently from here on: it must not send another vector.
        if let kept = update, setting.plan.driftAfterRestart > 0, random.happens(setting.plan.driftAfterRestart) {
            update = KeptUpdate(
                base: kept.base, delta: kept.delta, samples: kept.samples, lossSum: kept.lossSum, correct: kept.correct,
                tested: kept.tested, seed: SecretBytes(random.bytes(32)))
        }
    }

    // MARK: Events

    func handle(_ message: ControlMessage) throws {
        let (born, contradiction) = (life, observer.contradiction(in: message, for: self))
        try event { try $0.handle(message) }
        if let contradiction, isAlive, life == born {
            observer.violate(.contradictionAccepted(party: number, what: contradiction))
        }
    }

    func handle(_ message: ControlMessage, from peer: PartyID) throws {
        try event { try $0.handle(message, from: peer) }
    }

    func peerConnected(_ peer: PartyID) throws { try event { try $0.peerConnected(peer) } }

    func membersChanged(_ members: MemberRecord) {
        record = members
        machine?.membersChanged(members)
    }

    func peerDisconnected(_ peer: PartyID) { machine?.peerDisconnected(peer) }

    func receive(_ header: ResultHeader, _ trailer: Envelope, _ sum: Field64Vector) throws {
        sums[header.ctx] = sum
        try event { $0.resultArrived(header, trailer: trailer, leaf: vectorLeaf(sum)) }
    }

    func receive(_ header: HandoverHeader, _ values: [Float]) throws {
        guard setting.paramsHash(values) == header.paramsHash else { return }
        handedOver[header.paramsHash] = values
        try event {
            $0.handedOver(header)
            return []
        }
    }

    private func event(_ body: (inout Member) throws -> [MemberAction]) throws {
        guard isAlive else { return }
        guard var machine = machine.take() else { return }
        machine.unixSeconds = unixSeconds
        let result = Result { try body(&machine) }
        self.machine = consume machine
        let actions = try result.get()
        let born = life
        for action in actions {
            guard isAlive, life == born else { return }
            if let left = actionsToLive {
                guard left > 0 else { return crash() }
                actionsToLive = left - 1
            }
            try perform(action)
        }
    }

    private func perform(_ action: MemberAction) throws {
        if let trace = observer.trace { trace("site \(number): \(brief(action))") }
        switch action {
        case .answer(let order): try host.begin(.answer(order), at: self)
        case .connectPeers(let peers): try host.connectPeers(peers, of: self)
        case .deleteUpdate: update = nil
        case .disconnectPeers: try host.disconnectPeers(of: self)
        case .makeUpdate(let context, let number): try host.begin(.update(context, number: number), at: self)
        case .makeVector(let order): try host.begin(.vector(order), at: self)
        case .record(let fact): write(fact)
        case .recordMembers(let members): record = members
        case .reject(let misbehavior): observer.rejected(misbehavior, by: self)
        case .send(let message):
            observer.said(message, self)
            try host.send(message, from: self)
        case .sendPeer(let peer, let message):
            observer.said(message, to: peer, self)
            try host.send(message, to: peer, from: self)
        case .sendPartial(let header, let trailer):
            guard let answer, answer.order.context.ctx == header.ctx else { return }
            observer.answered(answer.order, self)
            try host.offer(.partial(header), trailer, answer.vector, from: self)
        case .sendUpload(let header, let trailer):
            guard let vector, let vectorOrder, vectorOrder.order.context.ctx == header.ctx else { return }
            observer.uploaded(vectorOrder.order, update, plain: vectorOrder.plain, masked: vector, self)
            try host.offer(.upload(header), trailer, vector, from: self)
        case .stop(let stop):
            stopped = stop
            observer.stopped(stop, self)
        case .storeKeys(let epochKeys): write(epochKeys)
        case .takeHandover(let header): models[header.paramsHash] = handedOver[header.paramsHash]
        case .takeInitial(let configuration):
            let values = setting.initialParameters(configuration)
            models[setting.paramsHash(values)] = values
        case .verifyResult(let order): try host.begin(.verify(order), at: self)
        case .wipeKeys:
            sync()
            keys = nil
        }
    }

    // MARK: The disk

    /// Writes a fact and syncs it, unless the rule that wants it synced was taken away.
    private func write(_ fact: MemberFact) {
        observer.recorded(fact, self)
        if setting.removed.leavesUnsynced(fact) { return unsynced.append(fact) }
        sync()
        facts.append(fact)
    }

    private func write(_ epochKeys: EpochKeys) {
        if !epochKeys.commits.isEmpty { commits = epochKeys.commits.map(\.payload) }
        if setting.removed.contains(.keysBeforeBytes) { return unsyncedKeys = .some(epochKeys) }
        keys = epochKeys
    }

    /// What was written before is synced with what is written now.
    private func sync() {
        facts += unsynced
        unsynced = []
        if let unsyncedKeys { keys = unsyncedKeys }
        unsyncedKeys = nil
    }

    // MARK: Work

    /// Some work that the machine asked for is done.
    func finish(_ work: SiteWork) throws {
        guard isAlive else { return }
        switch work {
        case .update(let context, let number): try makeUpdate(context, number)
        case .vector(let order): try makeVector(order)
        case .answer(let order): try makeAnswer(order)
        case .verify(let order): try verify(order)
        }
    }

    private func makeUpdate(_ context: RoundContext, _ number: Int) throws {
        guard let chain, models[chain.paramsHash] != nil, !random.happens(setting.plan.noUpdate) else {
            return try event { $0.updateFailed(for: context.base) }
        }
        guard machine?.openRound?.base == context.base else { return }
        let scale = growth(number) / 64
        let delta =
            context.kind == .closing
            ? [] : (0..<setting.parameterCount).map { _ in Float(random.between(-31...31)) * scale }
        update = KeptUpdate(
            base: context.base, delta: delta, samples: 1 + random.below(200), lossSum: 50, correct: 70, tested: 100,
            seed: SecretBytes(random.bytes(32)))
        try event { $0.updateMade(for: context.base) }
    }

    private func makeVector(_ order: VectorOrder) throws {
        let ctx = order.context.ctx
        guard let update, update.base == order.context.base else { return try event { $0.vectorFailed(ctx: ctx) } }
        let masked = try order.explicitShare(of: update).vector
        vector = masked
        vectorOrder = (order, try order.vector(of: update))
        try event { try $0.vectorMade(ctx: ctx, leaf: vectorLeaf(masked)) }
    }

    private func makeAnswer(_ order: AnswerOrder) throws {
        let share = try order.aggregateShare(using: &random)
        answer = (order, share.vector)
        try event { try $0.partialMade(ctx: order.context.ctx, leaf: vectorLeaf(share.vector)) }
    }

    private func verify(_ order: ResultOrder) throws {
        let ctx = order.context.ctx
        guard let sum = sums[ctx], let chain, let parameters = models[chain.paramsHash] else { return }
        let outcome: SumOutcome
        if setting.removed.contains(.checkBeforeApply) {
            outcome = try order.application.outcome(of: sum, to: parameters)
        } else {
            outcome = try order.applied(sum, to: parameters)
        }
        sums[ctx] = nil
        switch outcome {
        case .refused: return try event { $0.resultVerified(ctx: ctx, .checkFailed) }
        case .overflowed:
            observer.applied(order, sum, parameters: nil, self)
            try event { $0.resultVerified(ctx: ctx, .overflowed) }
        case .applied(let applied):
            let hash = setting.paramsHash(applied.parameters)
            models[hash] = applied.parameters
            observer.applied(order, sum, parameters: (chain.paramsHash, hash), self)
            try event { $0.resultVerified(ctx: ctx, .applied(paramsHash: hash, scale: applied.scale)) }
        }
        guard isAlive, let modelHash = self.chain?.modelHash else { return }
        try host.send(
            .applied(
                Applied(
                    ctx: ctx, modelHash: modelHash, sinceTrainingMicros: 0, bytesUp: 0, bytesDown: 0,
                    peakMemoryBytes: 0,
                    phases: [])), from: self)
    }
}

/// Draws a site's secrets; each life of its program has one of its own.
private final class SecretSource: Sendable {
    private let generator: Mutex<SimulationRandom>

    init(seed: UInt64) { generator = Mutex(SimulationRandom(seed: seed, stream: 7)) }

    func draw(_ count: Int) -> SecretBytes { SecretBytes(generator.withLock { $0.bytes(count) }) }
}
