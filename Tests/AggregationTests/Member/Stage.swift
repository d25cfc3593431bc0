// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// A few sites and a coordinator that says whatever the test wants, all with real keys.
struct Stage {
    enum Failure: Error { case notSaid(String) }

    let coordinator: SigningKey
    /// In PartyID order: site i is member i.
    var sites: [ScriptedSite]
    var configuration: RunConfiguration
    /// How slots are filled.
    var slots = SlotChoice.all
    /// The epoch that was set up last.
    private(set) var plan: EpochPlan?

    /// The keys of parties, in PartyID order.
    static func keys(_ count: Int) throws -> [SigningKey] {
        try (1...count).map { try key(UInt8($0)) }.sorted {
            PartyID(publicKey: $0.publicKey) < PartyID(publicKey: $1.publicKey)
        }
    }

    /// The key with a small private scalar.
    static func key(_ scalar: UInt8) throws -> SigningKey {
        try SigningKey(scalar: SecretBytes([UInt8](repeating: 0, count: 31) + [scalar]))
    }

    static func digest(_ byte: UInt8) -> Digest { SHA256.hash([byte]) }

    /// Sites that know nothing yet.
    init(_ count: Int, policy: SitePolicy = SitePolicy()) throws {
        coordinator = try Self.key(200)
        let publicKey = coordinator.publicKey
        sites = try Self.keys(count).map { ScriptedSite(key: $0, coordinator: publicKey, policy: policy) }
        configuration = RunConfiguration(
            run: [UInt8](repeating: 1, count: 16), bits: 63, clip: 0, weightMax: 0x1p20, uniformWeights: false,
            layout: ScriptedSite.layout, model: "softmax:4-2", initial: .seed(Self.digest(1)), seed: 2,
            rounds: 3, roundsPerEpoch: 10, gammaPercent: 20, cohortMin: 3,
            training: .init(optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 8, localEpochs: 1))
    }

    /// Sites in an epoch that is ready.
    static func ready(
        _ count: Int, rounds: Int = 3, policy: SitePolicy = SitePolicy(), slots: SlotChoice = .all
    ) throws -> Stage {
        var stage = try Stage(count, policy: policy)
        stage.configuration.rounds = rounds
        stage.slots = slots
        if slots != .all {
            let committee = slots.committee(members: count, gammaPercent: stage.configuration.gammaPercent)
            stage.configuration.cohortMin = try #require(committee).cohortMin
        }
        try stage.enterEpoch(1, round: 1)
        return stage
    }

    // MARK: The epoch

    /// A proposal for a run's first model, or for the model of site 0.
    func proposal(
        _ epoch: UInt64, round: UInt64, of members: [SigningKey]? = nil,
        change: (inout EpochProposal.Parts) -> Void = { _ in }
    ) throws -> Envelope {
        let paramsHash = ScriptedSite.paramsHash(ScriptedSite.initialParameters(Self.digest(1)))
        let first = ModelChain(run: configuration.run, paramsHash: paramsHash, scale: .exact)
        let chain = sites[0].ledger.chain ?? first
        let keys = members ?? sites.map(\.key)
        var parts = EpochProposal.Parts(
            federation: ScriptedSite.federation, epoch: epoch, round: round, modelHash: chain.modelHash,
            paramsHash: chain.paramsHash, appliedRounds: chain.appliedRounds,
            members: keys.map { .init(key: $0.publicKey, name: "site \($0.publicKey.spkiHash.hex.prefix(6))") },
            mode: slots.mode(members: keys.count),
            slotCount: slots.committee(members: keys.count, gammaPercent: configuration.gammaPercent)?.slotCount
                ?? keys.count, pinned: slots.pairs, configuration: configuration)
        change(&parts)
        return try Signed(signing: parts.proposal, with: coordinator).envelope
    }

    /// Takes the sites into an epoch, from the proposal to SlotReady.
    mutating func enterEpoch(_ epoch: UInt64, round: UInt64) throws {
        let envelope = try proposal(epoch, round: round)
        for index in sites.indices {
            let actions = try sites[index].receive(.epochProposal(envelope))
            if let refusal = actions.refusals.first { throw Failure.notSaid("\(refusal.line): \(refusal.detail)") }
        }
        if try EpochProposal(payload: envelope.payload).mode == .sampled { try draw(commits(of: envelope)) }
        let bundle = try exchange()
        for index in sites.indices { try sites[index].receive(.epochReadyBundle(bundle)) }
    }

    /// The commits of all sites to their nonces for a proposal, in member order: the same as often as they are asked.
    mutating func commits(of proposal: Envelope) throws -> [Envelope] {
        try sites.indices.map { index in
            for case .beaconCommit(let envelope) in try sites[index].receive(.epochProposal(proposal)).sent {
                return envelope
            }
            throw Failure.notSaid("BeaconCommit")
        }
    }

    /// Shows the commits to all sites and returns their reveals, in member order.
    mutating func reveals(for commits: [Envelope]) throws -> [Envelope] {
        try sites.indices.map { index in
            for case .beaconReveal(let envelope) in try sites[index].receive(.beaconCommits(commits)).sent {
                return envelope
            }
            throw Failure.notSaid("BeaconReveal")
        }
    }

    /// Has the slots drawn at all sites.
    mutating func draw(_ commits: [Envelope]) throws {
        let reveals = try reveals(for: commits)
        for index in sites.indices { try sites[index].receive(.beaconReveals(reveals)) }
    }

    /// The place of a party among the sites.
    func index(_ party: PartyID) throws -> Int { try #require(sites.firstIndex { $0.id == party }) }

    /// Lets all sites exchange seeds and returns their EpochReady, in member order.
    mutating func exchange() throws -> [Envelope] {
        var statements: [PartyID: Envelope] = [:]
        var queue: [(to: PartyID, from: PartyID, message: ControlMessage)] = []
        func take(_ actions: [MemberAction], _ site: PartyID) {
            for case .epochReady(let envelope) in actions.sent { statements[site] = envelope }
            queue += actions.toPeers.map { ($0.0, site, $0.1) }
        }
        for index in sites.indices {
            for peer in sites.map(\.id) where peer != sites[index].id {
                take(try sites[index].perform(sites[index].member.peerConnected(peer)), sites[index].id)
            }
        }
        while !queue.isEmpty {
            let next = queue.removeFirst()
            guard let index = sites.firstIndex(where: { $0.id == next.to }) else { continue }
            take(try sites[index].receive(next.message, from: next.from), next.to)
        }
        plan = sites[0].member.plan
        return try sites.map {
            guard let statement = statements[$0.id] else { throw Failure.notSaid("EpochReady") }
            return statement
        }
    }

    // MARK: What the coordinator says of a round

    /// The round as every site expects it.
    func open(_ round: UInt64, kind: RoundKind = .training) throws -> RoundOpen {
        let plan = try #require(plan)
        let chain = try #require(sites[0].ledger.chain)
        return RoundOpen(
            epochHash: plan.epochHash, round: round, kind: kind, modelHash: chain.modelHash,
            encodingHash: configuration.encoding(kind: kind, scale: .exact).hash, deadlineSeconds: 60)
    }

    /// Opens a round at all sites and returns its context.
    @discardableResult
    mutating func openRound(_ round: UInt64, kind: RoundKind = .training) throws -> RoundContext {
        let open = try open(round, kind: kind)
        for index in sites.indices { try sites[index].receive(.roundOpen(open)) }
        return try #require(sites[0].member.openRound)
    }

    func set(_ indices: [Int]) -> SurvivorSet { SurvivorSet(indices, of: sites.count) }

    func survivors(_ indices: [Int], _ context: RoundContext, signer: SigningKey? = nil) throws -> Envelope {
        let value = Survivors(epochHash: context.epochHash, ctx: context.ctx, bitmap: set(indices).bitmap)
        return try Signed(signing: value, with: signer ?? coordinator).envelope
    }

    func vote(_ voter: Int, _ indices: [Int], _ context: RoundContext) throws -> Envelope {
        let vote = Vote(
            epochHash: context.epochHash, ctx: context.ctx, base: context.base,
            survivorsHash: set(indices).hash(epochHash: context.epochHash))
        return try Signed(signing: vote, with: sites[voter].key).envelope
    }

    func certificate(_ voters: [Int], _ indices: [Int], _ context: RoundContext) throws -> ControlMessage {
        .certificate(VoteCertificate(ctx: context.ctx, votes: try voters.map { try vote($0, indices, context) }))
    }

    func skip(_ context: RoundContext, _ reason: AbortReason = .deadline) throws -> Envelope {
        let skip = Skip(epochHash: context.epochHash, ctx: context.ctx, round: context.round, reason: reason)
        return try Signed(signing: skip, with: coordinator).envelope
    }

    /// The sum and the result of a round in which everybody did its part.
    func result(
        _ indices: [Int], _ context: RoundContext, answered: [PartyID]? = nil,
        change: (inout RoundResult.Parts) -> Void = { _ in }
    ) throws -> (header: ResultHeader, trailer: Envelope, sum: Field64Vector) {
        var sum = Field64Vector(count: context.elements)
        for index in indices { try sum.add(#require(sites[index].uploads[context.ctx])) }
        let answered = try answered ?? #require(plan).slots.map(\.primary)
        let partials = try answered.map { sites[try index($0)].partials[context.ctx] }
        for case let partial? in partials { try sum.subtract(partial) }
        sum.canonicalize()
        let uploads = try indices.map { vectorLeaf(try #require(sites[$0].uploads[context.ctx])) }
        var parts = RoundResult.Parts(
            epochHash: context.epochHash, ctx: context.ctx, bitmap: set(indices).bitmap, answered: answered,
            uploadLeaves: uploads, partialLeaves: partials.map { $0.map(vectorLeaf) ?? .zero }, root: nil,
            sumHash: vectorLeaf(sum))
        change(&parts)
        let survivors = zip(indices, parts.uploadLeaves).map { (id: sites[$0].id, leaf: $1) }
        let helpers = zip(parts.answered, parts.partialLeaves).map { (id: $0, leaf: $1) }
        parts.root = parts.root ?? resultRoot(survivors: survivors, helpers: helpers)
        let header = ResultHeader(
            open: RoundOpen(
                epochHash: context.epochHash, round: context.round, kind: context.kind, modelHash: context.modelHash,
                encodingHash: context.encodingHash, deadlineSeconds: 60),
            ctx: context.ctx, elements: context.elements)
        return (header, try Signed(signing: parts.result, with: coordinator).envelope, sum)
    }

    // MARK: Whole steps, all honest

    /// Fixes a set at all sites and has all of them answer.
    mutating func answer(_ indices: [Int], _ context: RoundContext) throws {
        let survivors = try survivors(indices, context)
        for index in sites.indices { try sites[index].receive(.survivors(survivors)) }
        let certificate = try certificate(Array(sites.indices), indices, context)
        for index in sites.indices { try sites[index].receive(certificate) }
    }

    /// Publishes the result of a round to all sites.
    mutating func publish(_ indices: [Int], _ context: RoundContext) throws {
        let result = try result(indices, context)
        for index in sites.indices { try sites[index].receive(result.header, result.trailer, sum: result.sum) }
    }

    /// Runs a whole round over everybody.
    @discardableResult
    mutating func runRound(_ round: UInt64, kind: RoundKind = .training) throws -> RoundContext {
        let context = try openRound(round, kind: kind)
        try answer(Array(sites.indices), context)
        try publish(Array(sites.indices), context)
        return context
    }
}

extension EpochProposal {
    /// A proposal that a test may change before it is made.
    struct Parts {
        var federation: String
        var epoch: UInt64
        var round: UInt64
        var modelHash: Digest
        var paramsHash: Digest
        var appliedRounds: Int
        var members: [Member]
        var mode: SlotMode
        var slotCount: Int
        var pinned: [Pair] = []
        var configuration: RunConfiguration

        var proposal: EpochProposal {
            EpochProposal(
                federation: federation, epoch: epoch, round: round, modelHash: modelHash, paramsHash: paramsHash,
                appliedRounds: appliedRounds, members: members, mode: mode, slotCount: slotCount,
                pinned: pinned, configuration: configuration)
        }
    }
}

extension RoundResult {
    /// A result that a test may change before it is signed; a root of nil is computed.
    struct Parts {
        var epochHash: Digest
        var ctx: Digest
        var bitmap: [UInt8]
        var answered: [PartyID]
        var uploadLeaves: [Digest]
        var partialLeaves: [Digest]
        var root: Digest?
        var sumHash: Digest

        var result: RoundResult {
            RoundResult(
                epochHash: epochHash, ctx: ctx, bitmap: bitmap, answered: answered, uploadLeaves: uploadLeaves,
                partialLeaves: partialLeaves, root: root ?? .zero, sumHash: sumHash)
        }
    }
}

/// What the first site rejects of a message, which changes nothing and gets no answer.
func rejections(_ stage: inout Stage, _ message: ControlMessage) throws -> [PeerMisbehavior] {
    let facts = stage.sites[0].facts
    let actions = try stage.sites[0].receive(message)
    #expect(stage.sites[0].facts == facts, "what is rejected leaves no fact")
    #expect(actions.sent.isEmpty && actions.uploads.isEmpty && actions.partials.isEmpty)
    return actions.rejections
}
