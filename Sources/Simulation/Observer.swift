// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives
import Quantization

/// Watches a run from outside and knows everything; says what must not have happened.
final class Observer {
    let setting: RunSetting
    private(set) var violations: [Violation] = []
    private(set) var counts = RunCounts()
    /// Whether somebody changed a vector on its way: then checks may fail.
    var vectorsWereTouched = false
    private let numbers: [PartyID: Int]
    private let corrupt: Set<PartyID>
    /// The corrupt ones among the real members, whom the bound counts.
    private let genuine: Set<PartyID>

    /// The vectors that left a party: what is in them, and what is over them.
    private struct Upload {
        let base: Digest
        let epochHash: Digest
        let leaf: Digest
        let plain: Field64Vector
        let maskKeys: [[UInt8]]
        let participant: PartyID
    }
    private struct Answer {
        let context: RoundContext
        let slot: Int
        let masks: [(participant: PartyID, key: [UInt8])]
    }
    private struct SeedKey: Hashable {
        let epochHash: Digest
        let participant: PartyID
        let slot: Int
    }
    /// What a party makes at most one signed statement about.
    private enum Matter: Hashable {
        case commit(party: Int, proposalHash: Digest)
        case epoch(UInt64)
        case outcome(ctx: Digest)
        case ready(party: Int, epochHash: Digest)
        case result(ctx: Digest)
        case vote(party: Int, epochHash: Digest, base: Digest)
    }
    private struct Voted: Hashable {
        let party: Int
        let ctx: Digest
    }

    private var uploads: [Digest: [PartyID: Upload]] = [:]
    private var allUploads: [(ctx: Digest, upload: Upload)] = []
    private var answers: [Answer] = []
    private var knownSeeds: Set<SeedKey> = []
    private var updates: [Int: [Digest: KeptUpdate]] = [:]
    private var lineage: Set<Digest> = []
    private var votes: [Voted: Digest] = [:]
    private var votedRounds: [Int: [Digest]] = [:]
    /// The last vote of each site, with the life of its program in which it voted.
    private var lastVotes: [Int: (life: Int, vote: Vote)] = [:]
    /// The last round that each site acted in.
    private var lastRounds: [Int: (round: UInt64, ctx: Digest)] = [:]
    /// What an honest party has signed about one matter, where another statement about it is evidence.
    private var statements: [Matter: [UInt8]] = [:]
    private var models: [UInt64: (party: Int, modelHash: Digest)] = [:]
    private var results: [Digest: (party: Int, paramsHash: Digest)] = [:]
    private var shownCommits: [Int: [Digest: [[UInt8]]]] = [:]
    private var draws: [Int: Set<Digest>] = [:]
    private var forgivenDraws: [Int: Int] = [:]
    /// What the protocol withstands in an epoch, by what its members would agree to, and how many of them are corrupt.
    private struct EpochBound {
        /// So many corrupt members open an update (protocol section 1).
        let corruptToOpen: Int
        let corruptMax: Int
        let corrupt: Int
    }

    private var epochs: [Digest: EpochBound] = [:]
    /// The most members of an epoch that a site took part in.
    private var largest: [Int: Int] = [:]
    /// Epochs that are too small for a member of them: whatever comes of that is no excuse.
    private var tooSmall: Set<Digest> = []
    /// The nonces of corrupt members that were shown last, by proposal.
    private var nonces: [Digest: [PartyID: Digest]] = [:]
    /// Whether the coordinator and a corrupt member, which knows the key of the check, have made a sum up (section 7).
    var sumsWereForged = false

    init(_ setting: RunSetting) {
        self.setting = setting
        let all = 0..<SimulatedKeys.partiesMax
        numbers = Dictionary(
            uniqueKeysWithValues: all.map { (PartyID(publicKey: SimulatedKeys.keys[$0].publicKey), $0) })
        // Parties that nobody has heard of are the adversary's as well.
        let invented = (setting.siteCount + setting.spareCount)..<SimulatedKeys.partiesMax
        corrupt = Set((Array(setting.corrupt) + invented).map { PartyID(publicKey: SimulatedKeys.keys[$0].publicKey) })
        genuine = Set(setting.corrupt.map { PartyID(publicKey: SimulatedKeys.keys[$0].publicKey) })
        lineage = [setting.paramsHash(setting.initialParameters(setting.configuration))]
    }

    /// Where the run is told step by step, when somebody reads it.
    var trace: ((String) -> Void)?

    func violate(_ violation: Violation) {
        trace?("VIOLATION \(violation)")
        violations.append(violation)
    }

    func count(_ path: WritableKeyPath<RunCounts, Int>, _ more: Int = 1) { counts[keyPath: path] += more }

    private func isHonest(_ site: SimulatedSite) -> Bool { !setting.corrupt.contains(site.number) }

    private func short(_ digest: Digest) -> String { String(digest.hex.prefix(8)) }

    // MARK: What a site does

    func died(_ site: SimulatedSite) { counts.crashes += 1 }

    /// A corrupt party learns a seed.
    func learned(epochHash: Digest, participant: PartyID, slot: Int) {
        knownSeeds.insert(SeedKey(epochHash: epochHash, participant: participant, slot: slot))
    }

    func said(_ message: ControlMessage, to peer: PartyID, _ site: SimulatedSite) {
        guard case .slotSeed(let seed) = message, corrupt.contains(peer),
            let statement = try? SlotSeedStatement(payload: seed.statement.payload)
        else { return }
        learned(epochHash: statement.epochHash, participant: site.id, slot: statement.slot)
    }

    func said(_ message: ControlMessage, _ site: SimulatedSite) {
        guard isHonest(site) else { return }
        switch message {
        case .vote(let envelope):
            guard let vote = try? Vote(payload: envelope.payload) else { return }
            votes[Voted(party: site.number, ctx: vote.ctx)] = vote.survivorsHash
            votedRounds[site.number, default: []].append(vote.ctx)
            lastVotes[site.number] = (site.life, vote)
            note(
                vote.survivorsHash.bytes, on: .vote(party: site.number, epochHash: vote.epochHash, base: vote.base),
                of: "site \(site.number)", "votes for two sets under one base, or one and that it has not voted")
        case .notVoted(let envelope):
            guard let word = try? NotVoted(payload: envelope.payload) else { return }
            note(
                [], on: .vote(party: site.number, epochHash: word.epochHash, base: word.base),
                of: "site \(site.number)", "that it has not voted, and a vote")
        case .epochReady(let envelope):
            guard let ready = try? EpochReady(payload: envelope.payload) else { return }
            note(
                envelope.payload, on: .ready(party: site.number, epochHash: ready.epochHash),
                of: "site \(site.number)", "two EpochReady of one epoch")
        case .beaconCommit(let envelope):
            guard let commit = try? BeaconCommit(payload: envelope.payload) else { return }
            note(
                commit.commit.bytes, on: .commit(party: site.number, proposalHash: commit.proposalHash),
                of: "site \(site.number)", "two commits of one draw")
        case .beaconReveal(let envelope):
            guard let reveal = try? BeaconReveal(payload: envelope.payload) else { return }
            if shownCommits[site.number]?[reveal.proposalHash] == nil {
                shownCommits[site.number, default: [:]][reveal.proposalHash] = site.commits
            }
            draws[site.number, default: []].insert(reveal.proposalHash)
            let count = (draws[site.number]?.count ?? 0) - forgivenDraws[site.number, default: 0]
            if count > Limits.drawsPerDay { violate(.tooManyDraws(party: site.number, draws: count)) }
        default: break
        }
    }

    /// An honest party says one thing about a matter, as often as it likes.
    private func note(_ statement: [UInt8], on matter: Matter, of party: String, _ what: String) {
        let first = statements[matter] ?? statement
        statements[matter] = first
        if first != statement { violate(.contradictsItself(party: party, what: what)) }
    }

    /// What the honest coordinator says, whether it arrives or not.
    func coordinatorSaid(_ message: ControlMessage) {
        switch message {
        case .epochProposal(let envelope):
            guard let proposal = try? EpochProposal(payload: envelope.payload) else { return }
            note(envelope.payload, on: .epoch(proposal.epoch), of: "the coordinator", "two proposals with one number")
        case .survivors(let envelope):
            guard let survivors = try? Survivors(payload: envelope.payload) else { return }
            note(
                survivors.bitmap, on: .outcome(ctx: survivors.ctx), of: "the coordinator",
                "two sets of one round, or one and a Skip")
        case .skip(let envelope):
            guard let skip = try? Skip(payload: envelope.payload) else { return }
            note([], on: .outcome(ctx: skip.ctx), of: "the coordinator", "a Skip and a set of one round")
        default: break
        }
    }

    /// What the honest coordinator publishes.
    func coordinatorPublished(_ trailer: Envelope) {
        guard let result = try? RoundResult(payload: trailer.payload) else { return }
        note(trailer.payload, on: .result(ctx: result.ctx), of: "the coordinator", "two results of one round")
        note(
            result.bitmap, on: .outcome(ctx: result.ctx), of: "the coordinator",
            "a result and another set, or a Skip, of one round")
    }

    /// Says what a message of the coordinator contradicts, if it is evidence in the hands of a site: another set than the one
    /// that it voted for in this life of its program, or a Skip of that round.
    func contradiction(in message: ControlMessage, for site: SimulatedSite) -> String? {
        guard isHonest(site), let (life, vote) = lastVotes[site.number], life == site.life,
            site.machine?.openRound?.ctx == vote.ctx, let plan = site.machine?.plan
        else { return nil }
        switch message {
        case .survivors(let envelope):
            guard let survivors = try? Survivors(payload: envelope.payload), survivors.ctx == vote.ctx,
                survivors.epochHash == plan.epochHash,
                let set = SurvivorSet(bitmap: survivors.bitmap, of: plan.members.count),
                set.hash(epochHash: plan.epochHash) != vote.survivorsHash
            else { return nil }
            return "two sets of round \(short(vote.ctx))"
        case .skip(let envelope):
            guard let skip = try? Skip(payload: envelope.payload), skip.ctx == vote.ctx,
                skip.round == site.machine?.openRound?.round, skip.epochHash == plan.epochHash
            else { return nil }
            return "a set and a Skip of round \(short(vote.ctx))"
        default: return nil
        }
    }

    /// A site acts in a round: their numbers grow, and each stands for one round.
    private func acted(_ round: UInt64, _ ctx: Digest, _ site: SimulatedSite) {
        if let last = lastRounds[site.number], round < last.round || round == last.round && ctx != last.ctx {
            violate(.roundNumberAgain(party: site.number, round: round))
        }
        lastRounds[site.number] = (round, ctx)
    }

    func recorded(_ fact: MemberFact, _ site: SimulatedSite) {
        guard isHonest(site) else { return }
        switch fact {
        case .entered(let round, let ctx): acted(round, ctx, site)
        case .epochTaken(let epoch, let hash, let proposalHash, let mode, let count, _, _, _, _):
            noteBound(of: hash, site)
            if count < Committee.minMembersDefault(largestEpoch: largest[site.number] ?? 0) { tooSmall.insert(hash) }
            largest[site.number] = max(largest[site.number] ?? 0, count)
            if mode == .sampled, drawWasChosen(proposalHash, site) { violate(.drawWasChosen(epoch: epoch)) }
        case .skipped(let chain):
            counts.skips += 1
            if let ctx = votedRounds[site.number]?.first(where: { ctx in
                AbortReason.allCases.contains { ModelChain.skipHash(ctx: ctx, reason: $0) == chain.middle }
            }) {
                violate(.contradictionAccepted(party: site.number, what: "its vote and a Skip of round \(short(ctx))"))
            }
            moved(chain, site)
        case .applied(let chain):
            if draws[site.number]?.isEmpty == false {
                forgivenDraws[site.number] = draws[site.number]?.count ?? 0
            }
            moved(chain, site)
        case .overflowed(let chain): moved(chain, site)
        default: break
        }
    }

    /// With an honest coordinator everybody is on one chain.
    private func moved(_ chain: ModelChain, _ site: SimulatedSite) {
        guard !setting.coordinatorIsCorrupt else { return }
        if let known = models[chain.index] {
            guard known.modelHash != chain.modelHash else { return }
            violate(.modelsDiffer(first: known.party, second: site.number, at: "at step \(chain.index)"))
        } else {
            models[chain.index] = (site.number, chain.modelHash)
        }
    }

    private func noteBound(of hash: Digest, _ site: SimulatedSite) {
        guard let plan = site.machine?.plan, plan.epochHash == hash else { return }
        let gamma = plan.proposal.configuration.gammaPercent
        let count = plan.members.count
        // What n and γ demand, whatever the proposal said.
        let committee: Committee =
            switch plan.proposal.mode {
            case .all: .all(members: count, gammaPercent: gamma)
            case .sampled: .sampled(members: count, gammaPercent: gamma)
            case .pinned:
                .withStandbys(members: count, slots: max(plan.slots.count, count < 6 ? 2 : 3), gammaPercent: gamma)
            }
        epochs[hash] = EpochBound(
            corruptToOpen: committee.corruptToOpen, corruptMax: committee.corruptMax,
            corrupt: plan.members.count(where: genuine.contains))
    }

    /// Corrupt members show these nonces to the sites.
    func showed(_ shown: [PartyID: Digest], _ proposalHash: Digest) { nonces[proposalHash] = shown }

    /// Whether the slots that a site has come to rest on other commits than those for which it showed its nonce, or on a nonce
    /// that was not committed to.
    private func drawWasChosen(_ proposalHash: Digest, _ site: SimulatedSite) -> Bool {
        guard let shown = shownCommits[site.number]?[proposalHash] else { return false }
        guard site.commits == shown else { return true }
        guard let plan = site.machine?.plan, let nonces = nonces[proposalHash] else { return false }
        return zip(plan.members, site.commits).contains { member, payload in
            guard let nonce = nonces[member], let commit = try? BeaconCommit(payload: payload) else { return false }
            return commit.commit
                != LabeledBytes("beacon-commit").fixed(proposalHash).fixed(member.bytes).fixed(nonce).hash
        }
    }

    func uploaded(
        _ order: VectorOrder, _ update: KeptUpdate?, plain: Field64Vector, masked: Field64Vector, _ site: SimulatedSite
    ) {
        let context = order.context
        let leaf = vectorLeaf(masked)
        if let held = uploads[context.ctx]?[site.id], isHonest(site) {
            if held.leaf != leaf { violate(.twoVectors(party: site.number, ctx: short(context.ctx))) }
            return
        }
        let upload = Upload(
            base: context.base, epochHash: context.epochHash, leaf: leaf, plain: plain,
            maskKeys: order.roundKeys.map { $0.exposedBytes() }, participant: site.id)
        uploads[context.ctx, default: [:]][site.id] = upload
        counts.uploads += 1
        guard isHonest(site) else { return }
        acted(context.round, context.ctx, site)
        allUploads.append((context.ctx, upload))
        if let update {
            if let first = updates[site.number]?[context.base], first.delta != update.delta {
                violate(.twoUpdates(party: site.number, base: short(context.base)))
            }
            updates[site.number, default: [:]][context.base] = update
        }
        guard let chain = site.chain else { return }
        if let configuration = site.machine?.plan?.proposal.configuration,
            (try? configuration.checkedEncoding(kind: context.kind, scale: chain.scale))?.hash != context.encodingHash
        {
            violate(.strangeEncoding(party: site.number, ctx: short(context.ctx)))
        }
        guard !lineage.contains(chain.paramsHash) else { return }
        if let epoch = epochs[context.epochHash], epoch.corrupt > epoch.corruptMax {
            // Its members may lead it anywhere; who goes on from there in another epoch is not to blame.
            lineage.insert(chain.paramsHash)
        } else {
            violate(.strangeBase(party: site.number, base: short(context.base)))
        }
    }

    /// A corrupt participant's vector, for the sum that it is part of.
    func tookPart(_ participant: PartyID, _ context: RoundContext, plain: Field64Vector) {
        uploads[context.ctx, default: [:]][participant] = Upload(
            base: context.base, epochHash: context.epochHash, leaf: .zero, plain: plain, maskKeys: [],
            participant: participant)
    }

    func answered(_ order: AnswerOrder, _ site: SimulatedSite) {
        guard isHonest(site) else { return }
        counts.answers += 1
        answers.append(
            Answer(
                context: order.context, slot: order.slot,
                masks: order.masks.map { ($0.participant, $0.roundKey.exposedBytes()) }))
    }

    /// A site has taken a sum in; `parameters` are the hashes before and after, nil after an overflow.
    func applied(
        _ order: ResultOrder, _ sum: Field64Vector, parameters: (before: Digest, after: Digest)?, _ site: SimulatedSite
    ) {
        guard isHonest(site) else { return }
        let ctx = order.context.ctx
        counts.applied += 1
        if let vote = votes[Voted(party: site.number, ctx: ctx)], let plan = site.machine?.plan {
            let set = SurvivorSet(order.survivors.compactMap(plan.index(of:)), of: plan.members.count)
            if set.hash(epochHash: plan.epochHash) != vote {
                violate(.contradictionAccepted(party: site.number, what: "its vote for another set"))
            }
        }
        guard !sumsWereForged else {
            // Whoever forges a sum leads to any model; who goes on from there is not to blame.
            if let parameters { lineage.insert(parameters.after) }
            return
        }
        var expected = Field64Vector(count: sum.count)
        for participant in order.survivors {
            guard let upload = uploads[ctx]?[participant], upload.plain.count == sum.count else {
                return violate(.wrongSum(party: site.number, ctx: short(ctx)))
            }
            guard upload.base == order.context.base else { return violate(.mixedBases(ctx: short(ctx))) }
            try? expected.add(upload.plain)
        }
        expected.canonicalize()
        // Nothing speaks of the blinds, which any participant may choose.
        let checked = vectorsWereTouched ? 0..<max(0, sum.count - 2) : 0..<sum.count
        guard expected[checked] == sum[checked] else {
            return violate(.wrongSum(party: site.number, ctx: short(ctx)))
        }
        guard let parameters else { return }
        if lineage.contains(parameters.before) { lineage.insert(parameters.after) }
        if let first = results[ctx] {
            if first.paramsHash != parameters.after {
                violate(.modelsDiffer(first: first.party, second: site.number, at: "after round \(short(ctx))"))
            }
        } else {
            results[ctx] = (site.number, parameters.after)
        }
    }

    func rejected(_ misbehavior: PeerMisbehavior, by site: SimulatedSite) {
        guard isHonest(site) else { return }
        accuse(misbehavior, by: "site \(site.number)")
    }

    /// Who is honest never gives evidence against itself.
    func accuse(_ misbehavior: PeerMisbehavior, by accuser: String) {
        guard case .conflictingStatements(let party, _, _) = misbehavior else { return }
        if party == "coordinator" {
            if !setting.coordinatorIsCorrupt { violate(.honestAccused(by: accuser, of: "the coordinator")) }
            return
        }
        guard let id = PartyID(hex: party), let number = numbers[id], !setting.corrupt.contains(number),
            number < setting.siteCount + setting.spareCount
        else { return }
        violate(.honestAccused(by: accuser, of: "site \(number)"))
    }

    func stopped(_ stop: MemberStop, _ site: SimulatedSite) {
        guard isHonest(site) else { return }
        counts.stops += 1
        if case .checkFailed = stop, !vectorsWereTouched { violate(.checkFailed(party: site.number)) }
    }

    // MARK: At the end

    /// Computes what the adversary has learned: all that was sent to the coordinator, and the seeds of corrupt holders.
    func judgePrivacy() {
        var view = LinearView()
        var beyond: Set<Digest> = []
        func isKnown(_ epochHash: Digest, _ participant: PartyID, _ slot: Int) -> Bool {
            corrupt.contains(participant)
                || knownSeeds.contains(SeedKey(epochHash: epochHash, participant: participant, slot: slot))
        }
        for (ctx, upload) in allUploads {
            guard let number = numbers[upload.participant] else { continue }
            let unknown = upload.maskKeys.indices.filter { !isKnown(upload.epochHash, upload.participant, $0) }
            view.sawUpload(
                ctx: ctx, base: upload.base, participant: number, unknownMasks: unknown.map { upload.maskKeys[$0] })
            if let epoch = epochs[upload.epochHash], epoch.corrupt >= epoch.corruptToOpen,
                !tooSmall.contains(upload.epochHash)
            {
                beyond.insert(upload.base)
            }
        }
        for answer in answers {
            let unknown = answer.masks.filter { !isKnown(answer.context.epochHash, $0.participant, answer.slot) }
            view.sawAnswer(ctx: answer.context.ctx, base: answer.context.base, unknownMasks: unknown.map(\.key))
        }
        for (base, functions, isInTwo) in view.determined() where !functions.isEmpty {
            counts.opened += 1
            if beyond.contains(base) {
                counts.beyondBound += 1
                continue
            }
            // The reduced basis of sums over disjoint sets is those sums, and of nothing else.
            var inSums: Set<Int> = []
            let areSums = functions.allSatisfy { function in
                function.allSatisfy { $0.value == .one && inSums.insert($0.key).inserted }
            }
            if !areSums || isInTwo {
                violate(.moreThanOneSum(base: short(base), determined: functions.count))
            } else if let least = functions.map(\.count).min(), least < 2 {
                violate(.sumOfTooFew(base: short(base), honest: least))
            }
        }
    }
}

/// What happened in one run or many.
public struct RunCounts: Equatable, Sendable {
    public var rounds = 0
    public var applied = 0
    public var skips = 0
    public var overflows = 0
    public var epochs = 0
    public var uploads = 0
    public var answers = 0
    /// Bases under which the coordinator and the corrupt parties could compute a sum.
    public var opened = 0
    /// Bases of epochs with more corrupt members than the protocol withstands.
    public var beyondBound = 0
    public var crashes = 0
    public var serverCrashes = 0
    public var brokenLinks = 0
    public var stops = 0
    public var completed = 0

    static let names: [(String, WritableKeyPath<RunCounts, Int> & Sendable)] = [
        ("rounds", \.rounds), ("applied", \.applied), ("skips", \.skips), ("overflows", \.overflows),
        ("epochs", \.epochs), ("uploads", \.uploads), ("answers", \.answers), ("opened", \.opened),
        ("beyond the bound", \.beyondBound), ("crashes", \.crashes), ("server crashes", \.serverCrashes),
        ("broken links", \.brokenLinks), ("stops", \.stops), ("completed", \.completed),
    ]

    /// Counts nothing yet.
    public init() {}

    /// Adds those of another run.
    public mutating func add(_ other: RunCounts) {
        for (_, path) in Self.names { self[keyPath: path] += other[keyPath: path] }
    }

    public var description: String { Self.names.map { "\(self[keyPath: $0.1]) \($0.0)" }.joined(separator: ", ") }
}
