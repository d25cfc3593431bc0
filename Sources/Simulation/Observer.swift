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

    func recorded(_ fact: MemberFact, _ site: SimulatedSite) {
        guard isHonest(site) else { return }
        switch fact {
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
        allUploads.append((context.ctx, upload))
        if let update {
            if let first = updates[site.number]?[context.base], first.delta != update.delta {
                violate(.twoUpdates(party: site.number, base: short(context.base)))
            }
            updates[site.number, default: [:]][context.base] = update
        }
        guard let chain = site.chain, !lineage.contains(chain.paramsHash) else { return }
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
        guard !sumsWereForged else { return }
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
        for (base, functions) in view.determined() where !functions.isEmpty {
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
            if !areSums {
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
