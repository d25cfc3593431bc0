// SPDX-License-Identifier: MIT

import Aggregation
import Identity
import Messages
import Primitives
import Quantization

/// What the adversary keeps of an epoch that it proposed.
struct AdversaryEpoch {
    let proposal: EpochProposal
    let envelope: Envelope
    let proposalHash: Digest
    /// Corrupt members' seeds by slot, shares and nonces.
    var seeds: [Int: [Int: SecretBytes]] = [:]
    var shares: [Int: SecretBytes] = [:]
    var nonces: [Int: Digest] = [:]
    /// The seeds that corrupt holders were given, by slot and participant.
    var held: [Int: [Int: SecretBytes]] = [:]
    var commits: [Int: Envelope] = [:]
    var reveals: [Int: Envelope] = [:]
    var ready: [Int: Envelope] = [:]
    /// The word that a member has not voted, by base.
    var notVoted: [Digest: [Int: Envelope]] = [:]
    /// Where its chain stands.
    let handover: (header: HandoverHeader, parameters: [Float])?
}

/// What can be wrong with a proposal.
enum Mischief: CaseIterable {
    case few, fewSlots, forSome, invented, newcomersAlone, none, oldNumber, oldProposal, oldRound, otherModel, otherRun
    case otherSlots, smallCohort
}

extension AdversaryRun {
    // MARK: E1

    /// Proposes an epoch: a proper one, or one that somebody should refuse.
    func propose(properly: Bool = false) throws {
        guard let reference = alive.randomElement(using: &random) else { return }
        // One thing that somebody should refuse, or none: two would hide each other.
        try propose(
            reference, properly: properly, properly ? nil : Mischief.allCases.randomElement(using: &random))
    }

    /// Proposes an epoch from where one of the sites stands.
    func propose(_ reference: Int, properly: Bool, _ mischief: Mischief?) throws {
        if mischief == .oldProposal, let old = epochs.randomElement(using: &random) {
            for number in alive { try deliver(.epochProposal(old.envelope), to: number) }
            return
        }
        var members = alive.filter { $0 < setting.siteCount } + corrupt
        if properly ? random.happens(0.3) : random.happens(0.5) {
            members = members.filter { corrupt.contains($0) || !random.happens(0.25) }
        }
        if random.happens(0.2) { members += part(of: alive.filter { $0 >= setting.siteCount }) }
        if mischief == .newcomersAlone { members = alive.filter { $0 >= setting.siteCount } + corrupt }
        if mischief == .few { members = Array(alive.shuffled(using: &random).prefix(random.between(1...4))) + corrupt }
        if mischief == .invented {
            // Parties that nobody has confirmed: the adversary itself.
            let first = setting.siteCount + setting.spareCount
            members += first..<(first + random.between(1...6))
        }
        members = Array(Set(members)).sorted()
        guard members.count >= 3 else { return }
        var configuration = setting.configuration
        if mischief == .otherRun { configuration.run = random.bytes(16) }
        var choice = setting.slots
        if mischief == .otherSlots { choice = random.pick([.all, .sampled, .pinned(pairs(members))]) }
        if case .pinned(let pairs) = choice,
            !Set(pairs.flatMap { [$0.primary, $0.standby] }).isSubset(of: members.map(id))
        {
            choice = .pinned(self.pairs(members))
        }
        guard let committee = choice.committee(members: members.count, gammaPercent: configuration.gammaPercent) else {
            return
        }
        configuration.cohortMin =
            mischief == .smallCohort ? random.between(1...max(1, committee.cohortMin - 1)) : committee.cohortMin
        var slotCount = committee.slotCount
        if mischief == .fewSlots { slotCount = random.between(1...max(1, slotCount - 1)) }
        var pairs = choice.pairsOfProposal
        if !pairs.isEmpty { pairs = Array(pairs.prefix(slotCount)) }
        let isBogus = mischief == .otherModel || mischief == .newcomersAlone && random.happens(0.6)
        let (chain, handover) = try chain(of: reference, configuration, isBogus: isBogus)
        let number = mischief == .oldNumber && epochMax > 0 ? epochMax : epochMax + 1
        let first = mischief == .oldRound ? max(1, roundMax) : roundMax + 1
        epochMax = max(epochMax, number)
        let proposal = EpochProposal(
            federation: setting.federation, epoch: number, round: first, modelHash: chain.modelHash,
            paramsHash: chain.paramsHash, appliedRounds: chain.appliedRounds, members: members.map(setting.member),
            mode: choice.mode(members: members.count), slotCount: slotCount, pinned: pairs, configuration: configuration
        )
        let envelope = try sign(proposal)
        epochs.append(
            AdversaryEpoch(
                proposal: proposal, envelope: envelope, proposalHash: EpochProposal.hash(payload: envelope.payload),
                handover: handover))
        let shown = mischief == .forSome ? part(of: members) : members
        try setUp(epochs.count - 1, to: shown.filter { sites[$0] != nil }, properly: properly || random.happens(0.8))
    }

    private func pairs(_ members: [Int]) -> [EpochProposal.Pair] {
        let count = members.count < 6 ? 2 : 3
        guard members.count >= 2 * count else { return [] }
        // A corrupt party in as many pairs as there are.
        let order = members.sorted { (corrupt.contains($0) ? 0 : 1, $0) < (corrupt.contains($1) ? 0 : 1, $1) }
        return (0..<count).map { .init(primary: id(order[$0]), standby: id(order[count + $0])) }
    }

    /// Where an epoch begins: where a site stands, at the first parameters, or where nobody is.
    private func chain(
        of number: Int, _ configuration: RunConfiguration, isBogus: Bool
    ) throws -> (ModelChain, (HandoverHeader, [Float])?) {
        let first = ModelChain(
            run: configuration.run, paramsHash: setting.paramsHash(setting.initialParameters(configuration)),
            scale: try configuration.firstScale())
        var chain = sites[number]?.chain ?? first
        if chain.run != configuration.run { chain = first }
        var parameters = sites[number]?.parameters(chain.paramsHash) ?? setting.initialParameters(configuration)
        if isBogus {
            parameters = parameters.map { $0 + Float(random.between(1...9)) }
        } else if chain.index == 0 {
            return (chain, nil)
        }
        let header = HandoverHeader(
            configuration: configuration, chainIndex: max(1, chain.index), appliedRounds: chain.appliedRounds,
            previousModelHash: chain.previousModelHash, middle: chain.middle,
            paramsHash: setting.paramsHash(parameters),
            scale: chain.scale, elements: parameters.count)
        return (isBogus ? ModelChain(handedOver: header) : chain, (header, parameters))
    }

    // MARK: E2 to E5

    /// Drives an epoch from the proposal to the bundle, as far as its members come.
    func setUp(_ epoch: Int, to shown: [Int]? = nil, properly: Bool) throws {
        guard epochs.indices.contains(epoch) else { return }
        let members = epochs[epoch].proposal.members.compactMap { numbers[$0.id] }
        let targets = shown ?? members.filter { sites[$0] != nil }
        for number in targets {
            if var (header, parameters) = epochs[epoch].handover {
                if !properly, random.happens(0.15) {
                    // Parameters that do not lead to the model of the proposal.
                    parameters = parameters.map { $0 + 1 }
                    header = HandoverHeader(
                        configuration: header.configuration, chainIndex: header.chainIndex,
                        appliedRounds: header.appliedRounds, previousModelHash: header.previousModelHash,
                        middle: header.middle, paramsHash: setting.paramsHash(parameters), scale: header.scale,
                        elements: header.elements)
                }
                try deliver(header, parameters, to: number)
            }
            try deliver(.epochProposal(epochs[epoch].envelope), to: number)
        }
        if epochs[epoch].proposal.mode == .sampled { try draw(epoch, members, targets, properly) }
        // Who was not connected when seeds went out says them again.
        for number in targets where sites[number]?.machine?.ledger.epochIsReady == false {
            try deliver(.epochProposal(epochs[epoch].envelope), to: number)
        }
        guard let plan = plan(of: epoch),
            let sample = epochs[epoch].ready.values.first.flatMap({ try? EpochReady(payload: $0.payload) })
        else { return }
        var statements: [Envelope] = []
        for number in members {
            if let own = epochs[epoch].ready[number] {
                statements.append(own)
            } else if sites[number] == nil {
                var hashes = plan.slots.indices.map { slotSeedHash(seed(epoch, number, $0)) }
                if !properly, random.happens(0.1), !hashes.isEmpty {
                    hashes[random.below(hashes.count)] = plan.epochHash
                }
                statements.append(
                    try sign(
                        EpochReady(
                            epochHash: plan.epochHash, own: true, readyHash: sample.readyHash, seedHashes: hashes),
                        as: number))
            }
        }
        for number in properly ? targets : part(of: targets) { try deliver(.epochReadyBundle(statements), to: number) }
    }

    private func draw(_ epoch: Int, _ members: [Int], _ targets: [Int], _ properly: Bool) throws {
        let hash = epochs[epoch].proposalHash
        func commits() throws -> [Envelope]? {
            var all: [Envelope] = []
            for number in members {
                if let commit = epochs[epoch].commits[number] {
                    all.append(commit)
                } else if sites[number] == nil {
                    let nonce = epochs[epoch].nonces[number] ?? Digest(bytes: random.bytes(32)) ?? .zero
                    epochs[epoch].nonces[number] = nonce
                    all.append(
                        try sign(
                            BeaconCommit(proposalHash: hash, commit: commitHash(hash, id(number), nonce)), as: number))
                } else {
                    return nil
                }
            }
            return all
        }
        guard let bundle = try commits() else { return }
        for number in targets { try deliver(.beaconCommits(bundle), to: number) }
        let isChosen = !properly && random.happens(0.4)
        if isChosen, let number = members.first(where: { sites[$0] == nil }) {
            // With all nonces in view a corrupt member takes another one: with another commit, or with the first.
            epochs[epoch].nonces[number] = Digest(bytes: random.bytes(32)) ?? .zero
            if random.happens(0.6), let second = try commits() {
                for number in targets { try deliver(.beaconCommits(second), to: number) }
            }
        }
        var reveals: [Envelope] = []
        for number in members {
            if let reveal = epochs[epoch].reveals[number] {
                reveals.append(reveal)
            } else if let nonce = epochs[epoch].nonces[number] {
                reveals.append(try sign(BeaconReveal(proposalHash: hash, nonce: nonce), as: number))
            }
        }
        var shown: [PartyID: Digest] = [:]
        for (number, nonce) in epochs[epoch].nonces { shown[id(number)] = nonce }
        observer.showed(shown, hash)
        for number in targets { try deliver(.beaconReveals(reveals), to: number) }
    }

    /// `H("beacon-commit", proposalHash, id, nonce)`, as protocol section 4 has it.
    private func commitHash(_ proposalHash: Digest, _ party: PartyID, _ nonce: Digest) -> Digest {
        LabeledBytes("beacon-commit").fixed(proposalHash).fixed(party.bytes).fixed(nonce).hash
    }

    /// Has slots drawn again and again, as often as the sites take part.
    func drawOverAndOver() throws {
        for _ in 0..<(Limits.drawsPerDay + 6) { try propose(properly: true) }
    }

    /// A corrupt member's seed of a slot.
    private func seed(_ epoch: Int, _ number: Int, _ slot: Int) -> SecretBytes {
        if let seed = epochs[epoch].seeds[number]?[slot] { return seed }
        let seed = SecretBytes(random.bytes(32))
        epochs[epoch].seeds[number, default: [:]][slot] = seed
        return seed
    }

    /// The connection between an honest site and a corrupt member stands.
    func corruptMember(_ number: Int, met site: Int) throws {
        guard let plan = sites[site]?.machine?.plan,
            let epoch = epochs.firstIndex(where: { $0.proposalHash == plan.proposalHash }),
            let slot = plan.slot(heldBy: id(site))
        else { return }
        // Another seed than the one that goes into the statement, now and then.
        let sent = random.happens(setting.plan.lies / 4) ? SecretBytes(random.bytes(32)) : seed(epoch, number, slot)
        let statement = try sign(
            SlotSeedStatement(epochHash: plan.epochHash, slot: slot, seedHash: slotSeedHash(sent)), as: number)
        toPeer(site, from: number, .slotSeed(SlotSeed(statement: statement, seed: sent)))
    }

    func corruptMember(_ number: Int, heard message: ControlMessage, from site: Int) throws {
        guard case .slotSeed(let seed) = message,
            let statement = try? SlotSeedStatement(payload: seed.statement.payload),
            let plan = sites[site]?.machine?.plan, plan.epochHash == statement.epochHash,
            let epoch = epochs.firstIndex(where: { $0.proposalHash == plan.proposalHash })
        else { return }
        if !setting.corrupt.contains(number) {
            // An invented party is the adversary as well.
            observer.learned(epochHash: plan.epochHash, participant: id(site), slot: statement.slot)
        }
        epochs[epoch].held[statement.slot, default: [:]][site] = seed.seed
        let share = epochs[epoch].shares[number] ?? SecretBytes(random.bytes(32))
        epochs[epoch].shares[number] = share
        let ack = try sign(
            SlotSeedAckStatement(epochHash: plan.epochHash, checkShareHash: checkShareHash(share)), as: number)
        toPeer(site, from: number, .slotSeedAck(SlotSeedAck(statement: ack, checkShare: share)))
    }

    /// The seed that a corrupt member gave the holders of a slot.
    func givenSeed(_ epoch: Int, _ number: Int, _ slot: Int) -> SecretBytes? { epochs[epoch].seeds[number]?[slot] }

    // MARK: What honest members say

    func heard(_ message: ControlMessage, from number: Int) throws {
        switch message {
        case .beaconCommit(let envelope):
            guard let commit = try? BeaconCommit(payload: envelope.payload),
                let epoch = epochs.firstIndex(where: { $0.proposalHash == commit.proposalHash })
            else { return }
            epochs[epoch].commits[number] = envelope
        case .beaconReveal(let envelope):
            guard let reveal = try? BeaconReveal(payload: envelope.payload),
                let epoch = epochs.firstIndex(where: { $0.proposalHash == reveal.proposalHash })
            else { return }
            epochs[epoch].reveals[number] = envelope
        case .epochReady(let envelope):
            guard let plan = sites[number]?.machine?.plan,
                let epoch = epochs.firstIndex(where: { $0.proposalHash == plan.proposalHash })
            else { return }
            epochs[epoch].ready[number] = envelope
            if diesWhenReady { sites[number]?.actionsToLive = 0 }
        case .vote(let envelope):
            guard let vote = try? Vote(payload: envelope.payload),
                let round = rounds.firstIndex(where: { $0.context.ctx == vote.ctx })
            else { return }
            rounds[round].votes[vote.survivorsHash, default: [:]][number] = envelope
        case .notVoted(let envelope):
            guard let word = try? NotVoted(payload: envelope.payload),
                let round = rounds.first(where: { $0.plan.epochHash == word.epochHash })
            else { return }
            epochs[round.epoch].notVoted[word.base, default: [:]][number] = envelope
        default: break
        }
    }

    // MARK: Leaving an epoch with standbys

    /// Asks for the word of members that they have not voted, and shows what there is of it.
    func leave() throws {
        guard let round = rounds.last(where: { $0.plan.committee.hasStandbys && !$0.uploads.isEmpty }) else { return }
        try askWhetherVoted(in: round, random.happens(0.6) ? alive : part(of: alive))
        try showWhoHasNotVoted(in: round)
    }

    func askWhetherVoted(in round: AdversaryRound, _ targets: [Int]) throws {
        let request = NotVotedRequest(epochHash: round.plan.epochHash, base: round.context.base)
        for number in targets { try deliver(.notVotedRequest(request), to: number) }
    }

    func showWhoHasNotVoted(in round: AdversaryRound) throws {
        let (plan, base) = (round.plan, round.context.base)
        var indices: [Int] = []
        var statements: [Envelope] = []
        for (index, member) in plan.members.enumerated() {
            guard let number = numbers[member] else { continue }
            if let word = epochs[round.epoch].notVoted[base]?[number] {
                statements.append(word)
            } else if sites[number] == nil {
                statements.append(try sign(NotVoted(epochHash: plan.epochHash, base: base), as: number))
            } else {
                continue
            }
            indices.append(index)
        }
        guard !indices.isEmpty else { return }
        let bundle = NotVotedBundle(
            epochHash: plan.epochHash, base: base, bitmap: SurvivorSet(indices, of: plan.members.count).bitmap,
            statements: statements)
        for number in alive { try deliver(.notVotedBundle(bundle), to: number) }
    }
}

extension SlotChoice {
    /// The pairs that a proposal in this mode names.
    fileprivate var pairsOfProposal: [EpochProposal.Pair] {
        if case .pinned(let pairs) = self { pairs } else { [] }
    }
}
