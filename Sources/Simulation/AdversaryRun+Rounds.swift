// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives
import Quantization
import Shares

/// What the adversary keeps of a round that some honest member acts in.
struct AdversaryRound {
    let epoch: Int
    let open: RoundOpen
    let context: RoundContext
    let plan: EpochPlan
    /// By participant.
    var uploads: [Int: (leaf: Digest, vector: Field64Vector)] = [:]
    /// By set, then by voter.
    var votes: [Digest: [Int: Envelope]] = [:]
    /// By set, then by slot.
    var partials: [Digest: [Int: (helper: Int, leaf: Digest, vector: Field64Vector)]] = [:]
    var sets: [SurvivorSet] = []
    /// Who was shown a set.
    var shown: Set<Int> = []
    /// How its vectors are made, as any member knows.
    var check: VectorCheck?
    var layout: VectorLayout?
}

extension AdversaryRun {
    // MARK: R0

    func openRound() throws {
        let ready = epochs.indices.filter { !members(readyIn: $0).isEmpty }
        guard let epoch = ready.last else { return }
        try openRound(epoch, to: part(of: members(readyIn: epoch)), properly: false)
    }

    /// Opens a round as one of the members expects it; whoever stands elsewhere has to refuse it.
    ///
    /// - Parameter number: its number; nil for the next one, or now and then that of the last.
    func openRound(_ epoch: Int, to targets: [Int], properly: Bool, number given: UInt64? = nil) throws {
        guard let reference = targets.randomElement(using: &random), expected(0, of: reference) != nil else { return }
        var number = given ?? roundMax + 1
        let last = rounds.last.map(\.open.round)
        if !properly, random.happens(0.4), let last { number = last }
        roundMax = max(roundMax, number)
        guard let (open, context, plan) = expected(number, of: reference) else { return }
        if !rounds.contains(where: { $0.context.ctx == context.ctx }) {
            rounds.append(AdversaryRound(epoch: epoch, open: open, context: context, plan: plan))
            observer.count(\.rounds)
        }
        for target in targets { try deliver(.roundOpen(open), to: target) }
    }

    /// The round of a number as one of the members expects it.
    private func expected(_ number: UInt64, of member: Int) -> (RoundOpen, RoundContext, EpochPlan)? {
        guard let machine = sites[member]?.machine, let chain = machine.ledger.chain, let plan = machine.plan else {
            return nil
        }
        let configuration = plan.proposal.configuration
        let kind: RoundKind = chain.appliedRounds >= configuration.rounds ? .closing : .training
        guard let encoding = try? configuration.checkedEncoding(kind: kind, scale: chain.scale) else { return nil }
        let open = RoundOpen(
            epochHash: plan.epochHash, round: number, kind: kind, modelHash: chain.modelHash,
            encodingHash: encoding.hash, deadlineSeconds: 600)
        let context = RoundContext(
            epochHash: plan.epochHash, round: number, kind: kind, modelHash: chain.modelHash,
            paramsHash: chain.paramsHash, encodingHash: encoding.hash, elements: encoding.elements,
            cohortMin: configuration.cohortMin)
        return (open, context, plan)
    }

    /// Opens the next round in another encoding than its members compute: all of them have to refuse it, and take the proper
    /// one of the same number afterwards.
    func openRoundOtherwise(to targets: [Int]) throws {
        guard let reference = targets.first, let (open, _, _) = expected(roundMax + 1, of: reference) else { return }
        let otherwise = RoundOpen(
            epochHash: open.epochHash, round: open.round, kind: open.kind, modelHash: open.modelHash,
            encodingHash: open.modelHash, deadlineSeconds: open.deadlineSeconds)
        for target in targets { try deliver(.roundOpen(otherwise), to: target, keeps: false) }
    }

    /// Any member knows the check and the layout of a round.
    func note(_ order: VectorOrder) {
        guard let index = rounds.firstIndex(where: { $0.context.ctx == order.context.ctx }) else { return }
        rounds[index].check = order.check
        rounds[index].layout = order.encoding.parameters.vectorLayout
    }

    // MARK: R2

    /// The set of a proper round: every honest upload, and corrupt members where they are needed.
    func properSet(_ round: Int) -> SurvivorSet? {
        let plan = rounds[round].plan
        let uploaders = plan.members.indices.filter { index in
            numbers[plan.members[index]].map { rounds[round].uploads[$0] != nil || sites[$0] == nil } ?? false
        }
        return uploaders.count >= rounds[round].context.cohortMin ? SurvivorSet(uploaders, of: plan.members.count) : nil
    }

    func fixSet() throws {
        guard let round = recentRound() else { return }
        let plan = rounds[round].plan
        var set: SurvivorSet?
        if random.happens(0.5) { set = rounds[round].sets.randomElement(using: &random) }
        // A set of another round under the same base, or the proper one, or any.
        if set == nil, random.happens(0.3) {
            set = rounds.filter { $0.plan.epochHash == plan.epochHash }.flatMap(\.sets).randomElement(using: &random)
        }
        if set == nil {
            let possible = properSet(round)?.indices ?? Array(plan.members.indices)
            let kept = random.happens(0.3) ? possible : possible.filter { _ in !random.happens(0.25) }
            set = SurvivorSet(random.happens(0.1) ? Array(kept.prefix(2)) : kept, of: plan.members.count)
        }
        if random.happens(0.15) { set = lonelySet(round) ?? set }
        guard let set, set.count > 0 else { return }
        try show(set, round, to: random.happens(0.5) ? alive : part(of: alive))
    }

    /// Everybody who is corrupt or made up, and one other.
    func lonelySet(_ round: Int) -> SurvivorSet? {
        let plan = rounds[round].plan
        let honest = plan.members.indices.filter { index in
            numbers[plan.members[index]].map { rounds[round].uploads[$0] != nil } ?? false
        }
        let own = plan.members.indices.filter { numbers[plan.members[$0]].map { sites[$0] == nil } ?? false }
        return honest.randomElement(using: &random).map { SurvivorSet(own + [$0], of: plan.members.count) }
    }

    /// Shows one holder of each slot one set, and the other holder another one, and asks each for its answer with the votes
    /// that there are.
    func split(_ round: Int, _ set: SurvivorSet) throws {
        let plan = rounds[round].plan
        guard let out = set.indices.randomElement(using: &random) else { return }
        try split(round, set, SurvivorSet(set.indices.filter { $0 != out }, of: plan.members.count))
    }

    func split(_ round: Int, _ set: SurvivorSet, _ other: SurvivorSet) throws {
        let plan = rounds[round].plan
        var groups: [[Int]] = [[], []]
        for pair in plan.slots {
            let holders = pair.holders.compactMap { numbers[$0] }.shuffled(using: &random)
            for (index, holder) in holders.enumerated() { groups[index % 2].append(holder) }
        }
        for number in plan.members.compactMap({ numbers[$0] }) where !groups.contains(where: { $0.contains(number) }) {
            groups[random.below(2)].append(number)
        }
        for (group, shown) in zip(groups, [set, other]) {
            try show(shown, round, to: group.filter { sites[$0] != nil })
        }
        for (group, shown) in zip(groups, [set, other]) {
            try certify(round, shown, to: group.filter { sites[$0] != nil }, properly: false)
        }
    }

    func show(_ set: SurvivorSet, _ round: Int, to targets: [Int]) throws {
        let context = rounds[round].context
        let survivors = try sign(Survivors(epochHash: context.epochHash, ctx: context.ctx, bitmap: set.bitmap))
        if !rounds[round].sets.contains(set) { rounds[round].sets.append(set) }
        for target in targets { try deliver(.survivors(survivors), to: target) }
    }

    /// A round, mostly one of the last.
    private func recentRound() -> Int? {
        guard !rounds.isEmpty else { return nil }
        return random.happens(0.8) ? max(0, rounds.count - 1 - random.below(3)) : random.below(rounds.count)
    }

    // MARK: R3

    func certify() throws {
        guard let round = recentRound(), let set = rounds[round].sets.randomElement(using: &random) else { return }
        try certify(round, set, to: random.happens(0.5) ? alive : part(of: alive), properly: false)
    }

    func certify(_ round: Int, _ set: SurvivorSet, to targets: [Int], properly: Bool) throws {
        let context = rounds[round].context
        let plan = rounds[round].plan
        let hash = set.hash(epochHash: plan.epochHash)
        let vote = Vote(epochHash: plan.epochHash, ctx: context.ctx, base: context.base, survivorsHash: hash)
        var votes: [Envelope] = []
        for member in plan.members {
            guard let number = numbers[member] else { continue }
            if let held = rounds[round].votes[hash]?[number] {
                votes.append(held)
            } else if sites[number] == nil {
                votes.append(try sign(vote, as: number))
            }
        }
        if votes.count < plan.committee.quorum {
            guard !properly, !votes.isEmpty, random.happens(0.8) else { return }
            // Too few, or the same ones twice.
            if random.happens(0.5) {
                while votes.count < plan.committee.quorum { votes.append(votes[random.below(votes.count)]) }
                votes.sort { $0.signature.lexicographicallyPrecedes($1.signature) }
            }
        }
        for target in targets {
            try deliver(.certificate(VoteCertificate(ctx: context.ctx, votes: votes)), to: target)
        }
    }

    // MARK: R4

    func publish() throws {
        guard let round = recentRound(), let set = rounds[round].sets.randomElement(using: &random) else { return }
        try publish(round, set, to: random.happens(0.6) ? alive : part(of: alive), properly: false)
    }

    func publish(_ round: Int, _ set: SurvivorSet, to targets: [Int], properly: Bool) throws {
        guard let opened = try sum(round, set) else { return }
        var sum = opened.sum
        let context = rounds[round].context
        let plan = rounds[round].plan
        var claimed = set
        if !properly, random.happens(0.15) {
            observer.vectorsWereTouched = true
            var words = sum.canonicalWords()
            words[random.below(words.count - 2)] ^= 1
            sum = Field64Vector(unreduced: words)
        } else if !properly, random.happens(0.1), let other = rounds[round].sets.randomElement(using: &random),
            other != set
        {
            observer.vectorsWereTouched = true
            claimed = other
            // A corrupt member knows the key of the check: then the sum may say what they like (section 7).
            if !corrupt.isEmpty { try forge(&sum, round, from: set, to: other) }
        }
        let leaves = claimed.indices.map { index in
            numbers[plan.members[index]].flatMap { rounds[round].uploads[$0]?.leaf } ?? .zero
        }
        let survivors = zip(claimed.indices, leaves).map { (id: plan.members[$0], leaf: $1) }
        let helpers = zip(opened.helpers, opened.leaves).map { (id: $0, leaf: $1) }
        let result = RoundResult(
            epochHash: plan.epochHash, ctx: context.ctx, bitmap: claimed.bitmap, answered: opened.helpers,
            uploadLeaves: leaves, partialLeaves: opened.leaves,
            root: resultRoot(survivors: survivors, helpers: helpers),
            sumHash: vectorLeaf(sum))
        let trailer = try sign(result)
        let header = ResultHeader(open: rounds[round].open, ctx: context.ctx, elements: context.elements)
        for target in targets { try deliver(header, trailer, sum, to: target) }
    }

    /// Makes the check of a sum over one set that of another.
    private func forge(_ sum: inout Field64Vector, _ round: Int, from set: SurvivorSet, to other: SurvivorSet) throws {
        guard let check = rounds[round].check, let layout = rounds[round].layout else { return }
        observer.sumsWereForged = true
        let members = rounds[round].plan.members
        let nothing = Field64Vector(count: layout.checked.count)
        var value = try layout.check(in: sum)
        // The tag over zeros is the pad alone.
        for index in set.indices { value = value - check.tag(over: nothing, participant: members[index]) }
        for index in other.indices { value = value + check.tag(over: nothing, participant: members[index]) }
        let words = sum.canonicalWords()
        try layout.place(check: value, blind: Array(words[layout.blind]), in: &sum)
    }

    /// Computes the sum over a set, if every slot has answered for it or is held by the adversary.
    private func sum(_ round: Int, _ set: SurvivorSet) throws -> (
        sum: Field64Vector, helpers: [PartyID], leaves: [Digest]
    )? {
        let entry = rounds[round]
        guard let check = entry.check, let layout = entry.layout else { return nil }
        let plan = entry.plan
        let hash = set.hash(epochHash: plan.epochHash)
        var sum = Field64Vector(count: entry.context.elements)
        let participants = set.indices.map { plan.members[$0] }
        for participant in participants {
            guard let number = numbers[participant] else { return nil }
            if let upload = entry.uploads[number] {
                try sum.add(upload.vector)
            } else if sites[number] == nil {
                var own = Field64Vector(count: entry.context.elements)
                try layout.place(
                    check: check.tag(over: own[layout.checked], participant: participant), blind: [0, 0], in: &own)
                observer.tookPart(participant, entry.context, plain: own)
                try sum.add(own)
            } else {
                return nil
            }
        }
        var helpers: [PartyID] = []
        var leaves: [Digest] = []
        for (slot, pair) in plan.slots.enumerated() {
            if let partial = entry.partials[hash]?[slot] {
                helpers.append(id(partial.helper))
                leaves.append(partial.leaf)
                try sum.subtract(partial.vector)
                // Its masks for corrupt participants, who masked nothing.
                for participant in participants {
                    guard let number = numbers[participant], sites[number] == nil else { continue }
                    guard let seed = givenSeed(entry.epoch, number, slot) else { return nil }
                    try sum.add(mask(seed, participant, slot, entry))
                }
            } else if let holder = pair.holders.first(where: { numbers[$0].map { sites[$0] == nil } ?? false }) {
                helpers.append(holder)
                leaves.append(.zero)
                for participant in participants {
                    guard let number = numbers[participant], sites[number] != nil else { continue }
                    guard let seed = epochs[entry.epoch].held[slot]?[number] else { return nil }
                    try sum.subtract(mask(seed, participant, slot, entry))
                }
            } else {
                return nil
            }
        }
        sum.canonicalize()
        return (sum, helpers, leaves)
    }

    /// The mask of a participant for a slot whose seed the adversary holds.
    private func mask(
        _ seed: SecretBytes, _ participant: PartyID, _ slot: Int, _ round: AdversaryRound
    ) throws -> Field64Vector {
        var key = SlotKey(
            seed: seed, epochHash: round.plan.epochHash, participant: participant, slot: slot,
            firstRound: round.plan.proposal.round)
        key.advance(to: max(round.open.round, key.round))
        let order = AnswerOrder(
            context: round.context, slot: slot, masks: [(participant, key.roundKey(ctx: round.context.ctx))])
        return try order.aggregateShare(using: &random).vector
    }

    // MARK: "Skip"

    func skip() throws {
        guard let round = recentRound() else { return }
        try skip(round, to: random.happens(0.4) ? alive : part(of: alive))
    }

    func skip(_ round: Int, to targets: [Int]) throws {
        let context = rounds[round].context
        let skip = try sign(
            Skip(epochHash: context.epochHash, ctx: context.ctx, round: context.round, reason: .deadline))
        for target in targets { try deliver(.skip(skip), to: target) }
    }
}
