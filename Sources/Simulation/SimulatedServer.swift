// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives

/// The world around an honest coordinator.
protocol ServerHost: AnyObject {
    func send(_ message: ControlMessage, to party: PartyID) throws
    func sendResult(_ header: ResultHeader, _ trailer: Envelope, _ sum: Field64Vector, to party: PartyID) throws
    func sendHandover(_ header: HandoverHeader, _ parameters: [Float], to party: PartyID) throws
    func grant(_ stream: StreamID)
    func ping(_ parties: [PartyID])
    /// Whether no fault begins any more.
    var faultsAreOver: Bool { get }
    /// The coordinator's program died.
    func serverDied()
}

/// The honest coordinator: the real machine, its disk and its sums.
final class SimulatedServer {
    let setting: RunSetting
    let observer: Observer
    unowned let host: any ServerHost
    var settings: CoordinatorSettings
    /// The parties that are enrolled and not revoked.
    var registry: [EpochProposal.Member]

    // What a crash leaves.
    private var facts: [CoordinatorFact] = []
    private var storedUploadSum: Field64Vector?
    private var sums: [Digest: Field64Vector] = [:]
    private var models: [Digest: [Float]] = [:]

    // What a crash takes.
    private(set) var machine: Coordinator?
    /// Whether there is a machine; to look at the machine itself is to copy it.
    private(set) var isAlive = false
    private var unsynced: [CoordinatorFact] = []
    private var uploadSum: Field64Vector?
    private var partialSum: Field64Vector?
    private var streams: [StreamID: Field64Vector] = [:]
    private var lastTick: ContinuousClock.Instant
    /// Draws when it dies with the first copies of a statement on their way; nil where nothing aims at that.
    private var aim: SimulationRandom?

    private(set) var end: RunEnd?
    var actionsToLive: Int?

    init(
        _ setting: RunSetting, registry: [EpochProposal.Member], observer: Observer, host: any ServerHost,
        now: ContinuousClock.Instant
    ) throws {
        self.setting = setting
        self.observer = observer
        self.host = host
        self.registry = registry
        lastTick = now
        settings = CoordinatorSettings(federation: setting.federation, cohort: registry.count)
        settings.slots = setting.slots
        var random = SimulationRandom(seed: setting.seed, stream: 3)
        settings.crossCheck = random.happens(0.2)
        aim = setting.aimedCrashes
        let chain = try setting.firstChain()
        models[chain.paramsHash] = setting.initialParameters(setting.configuration)
        facts = [.runBegan(configuration: setting.configuration.encoded(), chain: chain)]
    }

    func start(now: ContinuousClock.Instant) throws {
        var machine = try Coordinator(
            settings: settings, facts: facts, registry: registry,
            signer: setting.signing.signer(SimulatedKeys.coordinator), verifier: setting.signing.verifier, now: now)
        let actions = machine.resume()
        self.machine = machine
        isAlive = true
        lastTick = now
        // The program before wrote that the run is over, and died before it said so.
        if self.machine?.hasEnded == true, case .runEnded(let outcome, let sentence) = facts.last {
            try perform(.finish(RunEnd(outcome: outcome, sentence: sentence)), now)
        }
        try perform(actions, now)
    }

    func crash() {
        guard isAlive else { return }
        isAlive = false
        observer.count(\.serverCrashes)
        machine = nil
        unsynced = []
        uploadSum = nil
        partialSum = nil
        streams = [:]
        actionsToLive = nil
        host.serverDied()
    }

    /// When the machine wants to hear of the time.
    var nextTick: ContinuousClock.Instant? {
        machine?.nextDeadline(after: lastTick).map { max($0, lastTick + .milliseconds(1)) }
    }

    func tick(_ now: ContinuousClock.Instant) throws {
        lastTick = now
        try event(now) { try $0.tick(now: now) }
    }

    func offered(
        _ stream: StreamID, _ header: StreamHeader, _ vector: Field64Vector, from party: PartyID,
        _ now: ContinuousClock.Instant
    ) throws {
        streams[stream] = vector
        try event(now) { try $0.vectorOffered(stream, header, from: party, now: now) }
    }

    func ended(_ stream: StreamID, _ trailer: Envelope, _ now: ContinuousClock.Instant) throws {
        guard let vector = streams[stream] else { return }
        try event(now) { try $0.vectorEnded(stream, leaf: vectorLeaf(vector), trailer: trailer, now: now) }
    }

    func failed(_ stream: StreamID, _ now: ContinuousClock.Instant) throws {
        streams[stream] = nil
        try event(now) { try $0.vectorFailed(stream, nil, now: now) }
    }

    func event(_ now: ContinuousClock.Instant, _ body: (inout Coordinator) throws -> [CoordinatorAction]) throws {
        guard end == nil, var machine = machine.take() else { return }
        let result = Result { try body(&machine) }
        self.machine = consume machine
        try perform(result.get(), now)
    }

    private func perform(_ actions: [CoordinatorAction], _ now: ContinuousClock.Instant) throws {
        for action in actions {
            guard isAlive else { return }
            if let left = actionsToLive {
                guard left > 0 else { return crash() }
                actionsToLive = left - 1
            }
            try perform(action, now)
        }
    }

    private func perform(_ action: CoordinatorAction, _ now: ContinuousClock.Instant) throws {
        if let trace = observer.trace { trace("coordinator: \(brief(action))") }
        switch action {
        case .accept(let stream, let isPartial):
            guard let vector = streams.removeValue(forKey: stream) else { return }
            if isPartial { try partialSum?.add(vector) } else { try uploadSum?.add(vector) }
        case .beginSums(let context):
            uploadSum = Field64Vector(count: context.elements)
            partialSum = Field64Vector(count: context.elements)
        case .discard: break
        case .grant(let stream): host.grant(stream)
        case .makeSum(let context): try makeSum(context, now)
        case .ping(let parties): host.ping(parties)
        case .apply(let application, _, _): try apply(application, now)
        case .record(let fact): write(fact)
        case .refuse(let stream, _): streams[stream] = nil
        case .reject(_, let misbehavior): observer.accuse(misbehavior, by: "the coordinator")
        case .send(let party, let message):
            observer.coordinatorSaid(message)
            aim(at: message)
            try host.send(message, to: party)
        case .sendDirectory: break
        case .sendHandover(let party, let header):
            try host.sendHandover(header, models[header.paramsHash] ?? [], to: party)
        case .sendResult(let party, let header, let trailer):
            guard let sum = sums[header.ctx] else { return }
            observer.coordinatorPublished(trailer)
            try host.sendResult(header, trailer, sum, to: party)
        case .storeUploadSum: storedUploadSum = uploadSum
        case .report(let report): count(report)
        case .finish(let end):
            self.end = end
            if end.outcome == .complete || end.outcome == .converged { observer.count(\.completed) }
        }
    }

    /// Dies behind one of the next actions, where a statement that must not be forgotten has begun to go out.
    private func aim(at message: ControlMessage) {
        switch message {
        case .epochProposal, .skip, .survivors: break
        default: return
        }
        if actionsToLive == nil, !host.faultsAreOver, aim?.happens(0.2) == true { actionsToLive = aim?.below(4) }
    }

    private func count(_ report: CoordinatorReport) {
        switch report {
        case .roundOpened: observer.count(\.rounds)
        case .roundOverflowed: observer.count(\.overflows)
        case .epochReady: observer.count(\.epochs)
        default: break
        }
    }

    private func write(_ fact: CoordinatorFact) {
        if setting.removed.leavesUnsynced(fact) { return unsynced.append(fact) }
        facts += unsynced
        unsynced = []
        facts.append(fact)
    }

    private func makeSum(_ context: RoundContext, _ now: ContinuousClock.Instant) throws {
        guard var sum = storedUploadSum, let partials = partialSum else { return }
        try sum.subtract(partials)
        sum.canonicalize()
        sums[context.ctx] = sum
        let hash = vectorLeaf(sum)
        try event(now) { try $0.sumMade(ctx: context.ctx, sumHash: hash, now: now) }
    }

    private func apply(_ application: SumApplication, _ now: ContinuousClock.Instant) throws {
        let ctx = application.context.ctx
        guard let sum = sums[ctx], let chain = machine?.chain, let parameters = models[chain.paramsHash] else { return }
        switch try application.outcome(of: sum, to: parameters) {
        case .applied(let applied):
            let hash = setting.paramsHash(applied.parameters)
            models[hash] = applied.parameters
            try event(now) { try $0.sumApplied(ctx: ctx, paramsHash: hash, scale: applied.scale, now: now) }
        case .overflowed: try event(now) { try $0.sumOverflowed(ctx: ctx, now: now) }
        case .refused: try event(now) { try $0.sumRefused(ctx: ctx, now: now) }
        }
    }
}
