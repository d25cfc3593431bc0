// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// A coordinator alone, with the duties of its shell: the members are keys in the hands of the test.
///
/// Party i is the one with the i-th smallest identity. Every action that the machine asks for goes through an `Audit`:
/// nothing is sent before it is recorded, and one base has one set.
struct Conductor {
    let key: SigningKey
    let parties: [SigningKey]
    var machine: Coordinator
    var settings: CoordinatorSettings
    var configuration: RunConfiguration
    /// Which of the parties are registered.
    var registered: [Int]
    /// What survives a restart.
    var facts: [CoordinatorFact]
    var now = ContinuousClock.now
    var audit = Audit()
    /// Whether an order to make a sum is answered at once.
    var sumsAtOnce = true
    /// Whether a sum is applied at once, and to which parameters it leads; nil for others each time.
    var appliesAtOnce = true
    var nextParameters: Digest?
    private var streams = 0

    var plan: EpochPlan { machine.epoch ?? proposedPlan }

    /// The epoch that is being set up.
    var proposedPlan: EpochPlan {
        guard case .settingUp(let setUp) = machine.phase, let plan = setUp.plan else {
            preconditionFailure("no set-up with slots")
        }
        return plan
    }

    /// A run that begins, before anybody has connected.
    init(
        _ count: Int, strangers: Int = 0, rounds: Int = 2, earlier: [CoordinatorFact] = [],
        change: (inout CoordinatorSettings, inout RunConfiguration) -> Void = { _, _ in }
    ) throws {
        key = try Stage.key(200)
        parties = try Stage.keys(count + strangers)
        registered = Array(0..<count)
        settings = CoordinatorSettings(federation: "clinics", cohort: count)
        configuration = RunConfiguration(
            run: [UInt8](repeating: 1, count: 16), bits: 63, clip: 0, weightMax: 0x1p20, uniformWeights: false,
            layout: ScriptedSite.layout, model: "softmax:4-2", initial: .seed(Stage.digest(1)), seed: 2,
            rounds: rounds, roundsPerEpoch: 10, gammaPercent: 20, cohortMin: 3,
            training: .init(optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 8, localEpochs: 1))
        change(&settings, &configuration)
        let chain = ModelChain(run: configuration.run, paramsHash: Stage.digest(100), scale: .exact)
        facts = earlier + [.runBegan(configuration: configuration.encoded(), chain: chain)]
        machine = try Coordinator(
            settings: settings, facts: facts, registry: Self.members(parties, registered), signer: key, now: now)
    }

    /// A run whose first epoch is ready; nobody is connected who is not in it.
    static func ready(
        _ count: Int, strangers: Int = 0, rounds: Int = 2,
        change: (inout CoordinatorSettings, inout RunConfiguration) -> Void = { _, _ in }
    ) throws -> Conductor {
        var conductor = try Conductor(count, strangers: strangers, rounds: rounds, change: change)
        for party in conductor.registered { try conductor.connect(party) }
        try conductor.setUp()
        return conductor
    }

    static func members(_ parties: [SigningKey], _ indices: [Int]) -> [EpochProposal.Member] {
        indices.map { EpochProposal.Member(key: parties[$0].publicKey, name: "site-\($0)") }
    }

    func id(_ party: Int) -> PartyID { PartyID(publicKey: parties[party].publicKey) }

    func index(_ party: PartyID) -> Int { parties.firstIndex { PartyID(publicKey: $0.publicKey) == party } ?? -1 }

    /// The members of the present or proposed epoch.
    var members: [Int] {
        if case .settingUp(let setUp) = machine.phase { return setUp.members.map(index) }
        return plan.members.map(index)
    }

    // MARK: Events

    /// Runs an event, performs what follows, and returns all of it in order.
    @discardableResult
    mutating func event(_ body: (inout Coordinator) throws -> [CoordinatorAction]) throws -> [CoordinatorAction] {
        let epochs = (before: machine.epoch, setUp: machine.phase.setUpPlan)
        let actions = try body(&machine)
        var log: [CoordinatorAction] = []
        for action in actions {
            log.append(action)
            audit.check(action, epochs.setUp ?? machine.epoch ?? epochs.before)
            switch action {
            case .record(let fact): facts.append(fact)
            case .makeSum(let context) where sumsAtOnce: log += try makeSum(context.ctx)
            case .apply(let application, _, _) where appliesAtOnce: log += try apply(application.context.ctx)
            default: break
            }
        }
        return log
    }

    @discardableResult
    mutating func connect(_ party: Int, position: Hello.Position? = nil) throws -> [CoordinatorAction] {
        let hello = Hello(instance: [UInt8](repeating: 0, count: 16), addresses: [], position: position)
        return try event { [id = id(party), now] in try $0.partyConnected(id, hello: hello, now: now) }
    }

    /// Connects a party that stands where the chain stands and holds the keys of the epoch.
    @discardableResult
    mutating func comeBack(_ party: Int) throws -> [CoordinatorAction] {
        try connect(party, position: position())
    }

    func position(epoch: UInt64? = nil, behind steps: UInt64 = 0) -> Hello.Position {
        Hello.Position(
            run: configuration.run, chainIndex: machine.chain.index - steps, modelHash: machine.chain.modelHash,
            epoch: epoch ?? machine.epoch?.proposal.epoch ?? 0)
    }

    @discardableResult
    mutating func disconnect(_ party: Int) throws -> [CoordinatorAction] {
        try event { [id = id(party), now] in try $0.partyDisconnected(id, now: now) }
    }

    @discardableResult
    mutating func say(_ message: ControlMessage, _ party: Int) throws -> [CoordinatorAction] {
        try event { [id = id(party), now] in try $0.handle(message, from: id, now: now) }
    }

    @discardableResult
    mutating func pong(_ party: Int) throws -> [CoordinatorAction] {
        try event { [id = id(party), now] in try $0.pong(from: id, now: now) }
    }

    /// Lets time pass, then tells the machine.
    @discardableResult
    mutating func wait(_ duration: Duration) throws -> [CoordinatorAction] {
        now += duration
        return try event { [now] in try $0.tick(now: now) }
    }

    @discardableResult
    mutating func register(_ parties: [Int]) throws -> [CoordinatorAction] {
        registered = parties
        let members = Self.members(self.parties, parties)
        return try event { [now] in try $0.registryChanged(members, now: now) }
    }

    @discardableResult
    mutating func makeSum(_ ctx: Digest) throws -> [CoordinatorAction] {
        try event { [now] in try $0.sumMade(ctx: ctx, sumHash: Stage.digest(77), now: now) }
    }

    @discardableResult
    mutating func apply(_ ctx: Digest) throws -> [CoordinatorAction] {
        let isClosing = machine.nextKind == .closing
        let next = nextParameters ?? Stage.digest(UInt8(101 + machine.chain.appliedRounds))
        let hash = isClosing ? machine.chain.paramsHash : next
        return try event { [now] in
            try $0.sumApplied(ctx: ctx, paramsHash: hash, scale: .exact, now: now)
        }
    }

    /// Starts again from the facts, as they are on disk; nobody is connected.
    @discardableResult
    mutating func restart() throws -> [CoordinatorAction] {
        let stored = try JSONDecoder().decode([CoordinatorFact].self, from: JSONEncoder().encode(facts))
        machine = try Coordinator(
            settings: settings, facts: stored, registry: Self.members(parties, registered), signer: key, now: now)
        return try event { $0.resume() } + event { [now] in try $0.tick(now: now) }
    }

    // MARK: Vectors

    func header(_ context: RoundContext, slot: Int = 0) -> VectorHeader {
        VectorHeader(ctx: context.ctx, slot: slot, elements: context.elements)
    }

    /// Opens a stream and returns its number.
    mutating func offer(_ header: StreamHeader, _ party: Int) throws -> (stream: StreamID, log: [CoordinatorAction]) {
        streams += 1
        let stream = StreamID(streams)
        let log = try event { [id = id(party), now] in try $0.vectorOffered(stream, header, from: id, now: now) }
        return (stream, log)
    }

    @discardableResult
    mutating func end(_ stream: StreamID, leaf: Digest, _ trailer: Envelope) throws -> [CoordinatorAction] {
        try event { [now] in try $0.vectorEnded(stream, leaf: leaf, trailer: trailer, now: now) }
    }

    /// A vector does not come in whole, through somebody's fault or nobody's.
    @discardableResult
    mutating func fail(_ stream: StreamID, _ misbehavior: PeerMisbehavior? = nil) throws -> [CoordinatorAction] {
        try event { [now] in try $0.vectorFailed(stream, misbehavior, now: now) }
    }

    /// The operator ends the run.
    @discardableResult
    mutating func stop() throws -> [CoordinatorAction] {
        try event { [now] in $0.stop("stopped", now: now) }
    }

    @discardableResult
    mutating func upload(_ party: Int) throws -> [CoordinatorAction] {
        let context = try openContext()
        let (stream, log) = try offer(.upload(header(context)), party)
        return try log + end(stream, leaf: leaf(party), uploadTrailer(party, context))
    }

    @discardableResult
    mutating func answer(_ party: Int) throws -> [CoordinatorAction] {
        let context = try openContext()
        let slot = try #require(plan.slot(heldBy: id(party)))
        let (stream, log) = try offer(.partial(header(context, slot: slot)), party)
        return try log + end(stream, leaf: leaf(party + 50), partialTrailer(party, context))
    }

    func leaf(_ number: Int) -> Digest { Stage.digest(UInt8(number)) }

    func uploadTrailer(_ party: Int, _ context: RoundContext, leaf: Digest? = nil) throws -> Envelope {
        try signed(
            Upload(epochHash: context.epochHash, ctx: context.ctx, leaf: leaf ?? self.leaf(party)), party)
    }

    func partialTrailer(_ party: Int, _ context: RoundContext, leaf: Digest? = nil) throws -> Envelope {
        let voting = try #require(machine.phase.voting)
        let slot = try #require(plan.slot(heldBy: id(party)))
        return try signed(
            Partial(
                epochHash: context.epochHash, ctx: context.ctx,
                survivorsHash: voting.set.hash(epochHash: context.epochHash), slot: slot,
                leaf: leaf ?? self.leaf(party + 50)), party)
    }

    func signed(_ payload: some SignedPayload, _ party: Int) throws -> Envelope {
        try Signed(signing: payload, with: parties[party]).envelope
    }

    // MARK: Statements

    func openContext() throws -> RoundContext { try #require(machine.phase.openRound?.context) }

    func epochReady(
        _ party: Int, check: UInt8 = 9, seeds: Int? = nil, epochHash: Digest? = nil, seed: UInt8 = 1
    ) throws -> Envelope {
        let plan = proposedPlan
        let seedHashes = (0..<(seeds ?? plan.slots.count)).map { Stage.digest(UInt8(party * 16 + $0) &* seed) }
        return try signed(
            EpochReady(
                epochHash: epochHash ?? plan.epochHash, own: true, readyHash: Stage.digest(check),
                seedHashes: seedHashes), party)
    }

    /// The draft of the epoch that is being set up.
    func draft() throws -> EpochDraft {
        guard case .settingUp(let setUp) = machine.phase else { throw Known.Missing(what: "set-up") }
        return setUp.draft
    }

    /// A member's nonce for every draw.
    func nonce(_ party: Int) -> Digest { Stage.digest(UInt8(150 + party)) }

    func beaconCommit(_ party: Int, nonce: Digest? = nil, proposalHash: Digest? = nil) throws -> Envelope {
        let hash = try proposalHash ?? draft().proposalHash
        let commit = SlotBeacon.commit(proposalHash: hash, party: id(party), nonce: nonce ?? self.nonce(party))
        return try signed(BeaconCommit(proposalHash: hash, commit: commit), party)
    }

    func beaconReveal(_ party: Int, nonce: Digest? = nil, proposalHash: Digest? = nil) throws -> Envelope {
        try signed(
            BeaconReveal(proposalHash: proposalHash ?? draft().proposalHash, nonce: nonce ?? self.nonce(party)), party)
    }

    func slotReady(_ party: Int) throws -> Envelope {
        try signed(SlotReady(epochHash: proposedPlan.epochHash), party)
    }

    func vote(_ party: Int, for indices: [Int]? = nil, base: Digest? = nil) throws -> Envelope {
        let voting = try #require(machine.phase.voting)
        let context = voting.round.context
        let set = indices.map { SurvivorSet($0, of: plan.members.count) } ?? voting.set
        return try signed(
            Vote(
                epochHash: context.epochHash, ctx: context.ctx, base: base ?? context.base,
                survivorsHash: set.hash(epochHash: context.epochHash)), party)
    }

    func applied(_ context: RoundContext) -> ControlMessage {
        .applied(
            Applied(
                ctx: context.ctx, modelHash: machine.chain.modelHash, sinceTrainingMicros: 0, bytesUp: 0, bytesDown: 0,
                peakMemoryBytes: 0, phases: []))
    }

    // MARK: Whole steps, all honest

    /// E2 of mode `sampled`.
    @discardableResult
    mutating func draw() throws -> [CoordinatorAction] {
        let members = members
        var log: [CoordinatorAction] = []
        for party in members { log += try say(.beaconCommit(beaconCommit(party)), party) }
        for party in members { log += try say(.beaconReveal(beaconReveal(party)), party) }
        return log
    }

    /// E2 to E5 of the proposed epoch.
    @discardableResult
    mutating func setUp() throws -> [CoordinatorAction] {
        let members = members
        var log: [CoordinatorAction] = []
        if try draft().proposal.mode == .sampled { log += try draw() }
        for party in members { log += try say(.epochReady(epochReady(party)), party) }
        let statements = try members.map { try slotReady($0) }
        for (party, statement) in zip(members, statements) { log += try say(.slotReady(statement), party) }
        return log
    }

    @discardableResult
    mutating func uploadAll() throws -> [CoordinatorAction] { try members.flatMap { try upload($0) } }

    /// The votes of everybody; the connections have been heard from just now.
    @discardableResult
    mutating func voteAll() throws -> [CoordinatorAction] {
        for party in members { try pong(party) }
        return try members.flatMap { try say(.vote(vote($0)), $0) }
    }

    /// Brings the open round to its result, which nobody has applied yet.
    @discardableResult
    mutating func answerAll() throws -> [CoordinatorAction] { try plan.slots.flatMap { try answer(index($0.primary)) } }

    @discardableResult
    mutating func applyAll(_ context: RoundContext) throws -> [CoordinatorAction] {
        try members.flatMap { try say(applied(context), $0) }
    }

    /// Runs the open round to its end; the next one may be open afterwards.
    @discardableResult
    mutating func runRound() throws -> RoundContext {
        let context = try openContext()
        try uploadAll()
        try voteAll()
        try answerAll()
        try applyAll(context)
        return context
    }
}

extension CoordinatorPhase {
    /// The round that is open, in whatever phase it is.
    var openRound: OpenedRound? {
        switch self {
        case .collecting(let round): round.round
        case .voting(let round): round.round
        case .answering(let round), .summing(let round): round.round
        case .publishing(let round): round.round
        default: nil
        }
    }

    /// The set of the open round, once it is fixed.
    var fixedSet: (ctx: Digest, set: SurvivorSet)? {
        switch self {
        case .publishing(let round): (round.round.context.ctx, round.set)
        case .waiting(let waiting):
            switch waiting.suspended {
            case .voting(let round): (round.round.context.ctx, round.set)
            case .answering(let round): (round.round.context.ctx, round.voting.set)
            case .collecting, .nothing: nil
            }
        default: voting.map { ($0.round.context.ctx, $0.set) }
        }
    }

    var setUpPlan: EpochPlan? {
        if case .settingUp(let setUp) = self { setUp.plan } else { nil }
    }
}
