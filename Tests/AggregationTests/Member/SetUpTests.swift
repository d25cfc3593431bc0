// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Steps E3 to E5: seeds, check-key shares and what is said about them (protocol section 4).
@Suite struct SetUpTests {
    /// Three sites that have taken a proposal and exchanged nothing yet.
    private func proposed(_ count: Int = 3) throws -> Stage {
        var stage = try Stage(count)
        let envelope = try stage.proposal(1, round: 1)
        for index in stage.sites.indices { try stage.sites[index].receive(.epochProposal(envelope)) }
        return stage
    }

    private func epochHash(_ stage: Stage) throws -> Digest { try #require(stage.sites[0].member.plan).epochHash }

    private func seed(_ byte: UInt8) -> SecretBytes { SecretBytes([UInt8](repeating: byte, count: 32)) }

    /// A seed of site `from` for site `to`, with whatever it states of it.
    private func slotSeed(
        _ stage: Stage, from: Int, slot: Int, _ bytes: SecretBytes, stating: Digest? = nil, epochHash: Digest? = nil,
        signer: SigningKey? = nil
    ) throws -> SlotSeed {
        let statement = SlotSeedStatement(
            epochHash: try epochHash ?? self.epochHash(stage), slot: slot, seedHash: stating ?? slotSeedHash(bytes))
        let signed = try Signed(signing: statement, with: signer ?? stage.sites[from].key)
        return SlotSeed(statement: signed.envelope, seed: bytes)
    }

    private func receive(_ stage: inout Stage, _ seed: SlotSeed, from: Int) throws -> [MemberAction] {
        try stage.sites[0].receive(.slotSeed(seed), from: stage.sites[from].id)
    }

    @Test func everybodyHoldsTheSameKeysInTheEnd() throws {
        var stage = try proposed(4)
        let bundle = try stage.exchange()
        #expect(bundle.count == 4)
        let keys = try stage.sites.map { try #require(EpochKeys(encoded: $0.keysFile ?? [])) }
        #expect(keys.allSatisfy { $0.isComplete && $0.seeds.isEmpty })
        #expect(Set(keys.compactMap { $0.checkKey?.readyHash }).count == 1)
        for participant in 0..<4 {
            for slot in 0..<4 {
                #expect(keys[participant].ownKeys[slot].key == keys[slot].heldKeys[participant].key)
                #expect(keys[participant].seedHashes[slot] == keys[slot].heldSeedHashes[participant])
            }
        }
        for index in stage.sites.indices {
            let actions = try stage.sites[index].receive(.epochReadyBundle(bundle))
            #expect(actions.lines == ["record epochReady", "send SlotReady", "disconnect peers"])
            #expect(stage.sites[index].ledger.othersOwning == 3)
        }
        // The same bundle again is answered again.
        #expect(try stage.sites[0].receive(.epochReadyBundle(bundle)).lines == ["send SlotReady"])
        let proposal = try #require(keys.first).proposal
        #expect(
            try stage.sites[0].receive(.epochProposal(proposal)).lines == ["send EpochReady", "send SlotReady"])
    }

    @Test func aSeedIsAnsweredWithTheShareAndARepeatLikewise() throws {
        var stage = try proposed()
        let slotSeed = try slotSeed(stage, from: 1, slot: 0, seed(1))
        #expect(try receive(&stage, slotSeed, from: 1).lines == ["send peer SlotSeedAck"])
        #expect(try receive(&stage, slotSeed, from: 1).lines == ["send peer SlotSeedAck"])
    }

    @Test func aSeedOtherThanItsStatement() throws {
        var stage = try proposed()
        let slotSeed = try slotSeed(stage, from: 1, slot: 0, seed(1), stating: slotSeedHash(seed(2)))
        #expect(try receive(&stage, slotSeed, from: 1).rejections == [.resultInconsistent(field: "slot seed")])
    }

    @Test func aSeedForAnotherSlot() throws {
        var stage = try proposed()
        for slot in [1, 2, 1000] {
            let slotSeed = try slotSeed(stage, from: 1, slot: slot, seed(1))
            #expect(try receive(&stage, slotSeed, from: 1).rejections == [.resultInconsistent(field: "slot seed")])
        }
    }

    @Test func aSeedSignedBySomebodyElse() throws {
        var stage = try proposed()
        let slotSeed = try slotSeed(stage, from: 1, slot: 0, seed(1), signer: stage.sites[2].key)
        #expect(
            try receive(&stage, slotSeed, from: 1).rejections == [.invalid(.signature(message: "SlotSeed"))])
    }

    @Test func aSecondSeedWithOtherBytesIsEvidenceAndTheFirstStays() throws {
        var stage = try proposed()
        let first = try slotSeed(stage, from: 1, slot: 0, seed(1))
        let second = try slotSeed(stage, from: 1, slot: 0, seed(2))
        _ = try receive(&stage, first, from: 1)
        let actions = try receive(&stage, second, from: 1)
        #expect(actions.lines == ["reject"])
        #expect(
            actions.rejections == [
                .conflictingStatements(
                    of: stage.sites[1].id.hex, first: first.statement, second: second.statement)
            ])
    }

    @Test func aSecondSeedAfterTheExchangeIsEvidenceToo() throws {
        var stage = try Stage.ready(3)
        let keys = try #require(EpochKeys(encoded: stage.sites[0].keysFile ?? []))
        let first = try #require(keys.statements[1])
        let second = try slotSeed(stage, from: 1, slot: 0, seed(2))
        #expect(
            try receive(&stage, second, from: 1).rejections == [
                .conflictingStatements(of: stage.sites[1].id.hex, first: first, second: second.statement)
            ])
        // Across a restart as well: the statements lie with the keys.
        try stage.sites[0].restart()
        #expect(try receive(&stage, second, from: 1).rejections.count == 1)
    }

    @Test func aSeedOfAnotherEpochIsAnsweredWithTheProposal() throws {
        var stage = try proposed()
        let slotSeed = try slotSeed(stage, from: 1, slot: 0, seed(1), epochHash: Stage.digest(5))
        let actions = try receive(&stage, slotSeed, from: 1)
        #expect(actions.lines == ["send peer SlotReject"])
        guard case .slotReject(let reject) = actions.toPeers.first?.1 else {
            Issue.record("no SlotReject")
            return
        }
        #expect(reject.epoch == 1)
        #expect(reject.proposal == EpochKeys(encoded: stage.sites[0].keysFile ?? [])?.proposal)
    }

    @Test func aSeedThatComesBeforeTheProposalIsKept() throws {
        var stage = try Stage(3)
        let envelope = try stage.proposal(1, round: 1)
        for index in [1, 2] { try stage.sites[index].receive(.epochProposal(envelope)) }
        let sender = stage.sites[1].id
        let me = stage.sites[0].id
        let sent = try stage.sites[1].perform(stage.sites[1].member.peerConnected(me)).toPeers
        #expect(try stage.sites[0].receive(#require(sent.first).1, from: sender).isEmpty)
        try stage.sites[0].receive(.epochProposal(envelope))
        let actions = try stage.sites[0].perform(stage.sites[0].member.peerConnected(sender))
        #expect(actions.lines == ["send peer SlotSeed", "send peer SlotSeedAck"])
    }

    @Test func sharesThatAreNotWhatTheyState() throws {
        var stage = try proposed()
        let peer = stage.sites[1].id
        func ack(_ share: SecretBytes, stating: SecretBytes, epochHash: Digest, _ key: SigningKey) throws -> SlotSeedAck
        {
            let statement = SlotSeedAckStatement(epochHash: epochHash, checkShareHash: checkShareHash(stating))
            return SlotSeedAck(statement: try Signed(signing: statement, with: key).envelope, checkShare: share)
        }
        let epoch = try epochHash(stage)
        let key = stage.sites[1].key
        let cases: [(SlotSeedAck, PeerMisbehavior)] = [
            (
                try ack(seed(1), stating: seed(2), epochHash: epoch, key),
                .resultInconsistent(field: "check share")
            ),
            (
                try ack(seed(1), stating: seed(1), epochHash: Stage.digest(5), key),
                .wrongEpoch(message: "SlotSeedAck")
            ),
            (
                try ack(seed(1), stating: seed(1), epochHash: epoch, stage.sites[2].key),
                .invalid(.signature(message: "SlotSeedAck"))
            ),
        ]
        for (ack, expected) in cases {
            #expect(try stage.sites[0].receive(.slotSeedAck(ack), from: peer).rejections == [expected])
        }
        #expect(
            try stage.sites[0].receive(
                .slotSeedAck(ack(seed(1), stating: seed(1), epochHash: epoch, key)), from: peer
            ).isEmpty)
    }

    @Test func nobodyElseIsHeardAsAPeer() throws {
        var stage = try Stage.ready(3)
        let context = try stage.openRound(1)
        let survivors = try ControlMessage.survivors(stage.survivors([0, 1, 2], context))
        let peer = stage.sites[1].id
        #expect(
            try stage.sites[0].receive(survivors, from: peer).rejections == [.notEntitled(message: "Survivors")])
        let slotSeed = try ControlMessage.slotSeed(slotSeed(stage, from: 1, slot: 0, seed(2)))
        #expect(
            try stage.sites[0].receive(slotSeed).rejections == [
                .outOfPhase(message: "SlotSeed", phase: "from the coordinator")
            ])
    }

    // MARK: The bundle

    /// The EpochReady of one site, changed and signed again by that site.
    private func restated(
        _ stage: Stage, _ bundle: [Envelope], _ index: Int, epochHash: Digest? = nil, own: Bool? = nil,
        readyHash: Digest? = nil, seedHashes: (inout [Digest]) -> Void = { _ in }
    ) throws -> [Envelope] {
        let said = try EpochReady(payload: bundle[index].payload)
        var hashes = said.seedHashes
        seedHashes(&hashes)
        let statement = EpochReady(
            epochHash: epochHash ?? said.epochHash, own: own ?? said.own, readyHash: readyHash ?? said.readyHash,
            seedHashes: hashes)
        var result = bundle
        result[index] = try Signed(signing: statement, with: stage.sites[index].key).envelope
        return result
    }

    @Test func aSeedStatedOtherwiseIsADispute() throws {
        var stage = try proposed()
        let bundle = try stage.exchange()
        let false1 = try restated(stage, bundle, 1) { $0[0] = Stage.digest(7) }
        let actions = try stage.sites[0].receive(.epochReadyBundle(false1))
        #expect(actions.lines == ["send SlotDispute"])
        guard case .slotDispute(let dispute) = actions.sent.first else {
            Issue.record("no SlotDispute")
            return
        }
        #expect(dispute.party == stage.sites[1].id)
        #expect(dispute.epochReady == false1[1])
        let statement = try Signed<SlotSeedStatement>(
            opening: dispute.slotSeed, signedBy: stage.sites[1].key.publicKey
        ).value
        #expect(try statement.seedHash == EpochReady(payload: bundle[1].payload).seedHashes[0])
        // It says nothing of another slot's seed, and only that slot's helper sees it.
        let false2 = try restated(stage, bundle, 1) { $0[2] = Stage.digest(7) }
        #expect(try stage.sites[0].receive(.epochReadyBundle(false2)).lines.first == "record epochReady")
        #expect(try stage.sites[2].receive(.epochReadyBundle(false2)).lines == ["send SlotDispute"])
    }

    @Test func anotherCheckKeyOrEpoch() throws {
        var stage = try proposed()
        let bundle = try stage.exchange()
        let party = stage.sites[2].id.hex
        let cases: [([Envelope], PeerMisbehavior)] = [
            (
                try restated(stage, bundle, 2, readyHash: Stage.digest(7)),
                .resultInconsistent(field: "check key of \(party)")
            ),
            (
                try restated(stage, bundle, 2, epochHash: Stage.digest(7)), .wrongEpoch(message: "EpochReady")
            ),
            (
                try restated(stage, bundle, 2) { $0.removeLast() },
                .resultInconsistent(field: "seed hashes of \(party)")
            ),
            (Array(bundle.dropLast()), .certificateTooSmall(valid: 2, quorum: 3)),
            ([bundle[0], bundle[2], bundle[1]], .invalid(.signature(message: "EpochReady"))),
            ([bundle[0], bundle[1], bundle[1]], .invalid(.signature(message: "EpochReady"))),
        ]
        for (statements, expected) in cases {
            let actions = try stage.sites[0].receive(.epochReadyBundle(statements))
            #expect(actions.lines == ["reject"])
            #expect(actions.rejections == [expected])
        }
        #expect(!stage.sites[0].ledger.epochIsReady)
        #expect(try stage.sites[0].receive(.epochReadyBundle(bundle)).lines.first == "record epochReady")
    }

    @Test func noRoundBeforeTheBundle() throws {
        var stage = try proposed()
        _ = try stage.exchange()
        #expect(
            try stage.sites[0].receive(.roundOpen(stage.open(1))).rejections == [
                .outOfPhase(message: "RoundOpen", phase: "complete")
            ])
        #expect(
            try stage.sites[0].receive(.epochReadyBundle([])).rejections == [
                .certificateTooSmall(valid: 0, quorum: 3)
            ])
        var fresh = try proposed()
        #expect(
            try fresh.sites[0].receive(.epochReadyBundle([])).rejections == [
                .outOfPhase(message: "EpochReadyBundle", phase: "exchanging seeds")
            ])
    }

    // MARK: Crashes

    @Test func aRestartAtEveryStepOfTheSetUp() throws {
        var stage = try proposed()
        for index in stage.sites.indices { try stage.sites[index].restart() }
        let bundle = try stage.exchange()
        try stage.sites[0].restart()
        let proposal = try #require(EpochKeys(encoded: stage.sites[0].keysFile ?? [])).proposal
        #expect(try stage.sites[0].receive(.epochProposal(proposal)).lines == ["send EpochReady"])
        for index in stage.sites.indices { try stage.sites[index].receive(.epochReadyBundle(bundle)) }
        try stage.sites[0].restart()
        #expect(
            try stage.sites[0].receive(.epochProposal(proposal)).lines == ["send EpochReady", "send SlotReady"])
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(1))).uploads.count == 1)
    }

    @Test func aProposalWhoseKeysAreLostIsRefusedByThatName() throws {
        var stage = try Stage(3)
        let proposal = try ControlMessage.epochProposal(stage.proposal(1, round: 1))
        try stage.sites[0].receive(proposal)
        stage.sites[0].keysFile = nil
        try stage.sites[0].restart()
        let log = try stage.sites[0].receive(proposal)
        #expect(log.refusals.map(\.line) == [.keysLost] && log.lines == ["send EpochRefusal"])
        // Another one with the same number is what it always was.
        let other = try stage.proposal(1, round: 1) { $0.round = 2 }
        #expect(try stage.sites[0].receive(.epochProposal(other)).refusals.map(\.line) == [.epochNumber])
        #expect(try stage.sites[0].receive(.epochProposal(stage.proposal(2, round: 1))).refusals.isEmpty)
    }

    @Test func withoutItsKeysAMemberDoesNothing() throws {
        var stage = try Stage.ready(3)
        stage.sites[0].keysFile = nil
        try stage.sites[0].restart()
        #expect(stage.sites[0].member.position?.epoch == 0)
        #expect(
            try stage.sites[0].receive(.roundOpen(stage.open(1))).rejections == [
                .outOfPhase(message: "RoundOpen", phase: "without an epoch")
            ])
    }

    @Test func keysOfAnEarlierEpochAreNotUsed() throws {
        var stage = try Stage.ready(3)
        let old = stage.sites[0].keysFile
        try stage.enterEpoch(2, round: 5)
        stage.sites[0].keysFile = old
        try stage.sites[0].restart()
        #expect(stage.sites[0].member.plan == nil)
    }

    // MARK: Handovers

    /// A run in its second model, and a newcomer that all sites know.
    private func newcomer(own: Bool = true) throws -> (stage: Stage, header: HandoverHeader) {
        var policy = SitePolicy()
        policy.newMembers = .accept
        var stage = try Stage.ready(3, policy: policy)
        try stage.runRound(1)
        let chain = try #require(stage.sites[0].ledger.chain)
        let header = HandoverHeader(
            configuration: stage.configuration, chainIndex: chain.index, appliedRounds: chain.appliedRounds,
            previousModelHash: chain.previousModelHash, middle: chain.middle, paramsHash: chain.paramsHash,
            scale: chain.scale, elements: 10)
        return (stage, header)
    }

    @Test func aNewcomerTakesWhatLeadsToTheProposalsModel() throws {
        let (stage, header) = try newcomer()
        let key = try Stage.key(50)
        let members = stage.sites.map(\.key) + [key]
        let envelope = try stage.proposal(2, round: 5, of: members)
        func refusal(_ header: HandoverHeader?) throws -> [MemberAction] {
            var site = ScriptedSite(key: key, coordinator: stage.coordinator.publicKey)
            if let header { site.member.handedOver(header) }
            return try site.receive(.epochProposal(envelope))
        }
        #expect(try refusal(nil).refusals.first?.line == .modelHash)
        let taken = try refusal(header)
        #expect(taken.lines.contains("take handover"))
        guard case .chain(let chain, let own) = taken.facts.dropFirst().first else {
            Issue.record("no chain")
            return
        }
        #expect(!own && chain == ModelChain(handedOver: header))
        let forged = HandoverHeader(
            configuration: header.configuration, chainIndex: header.chainIndex, appliedRounds: header.appliedRounds,
            previousModelHash: header.previousModelHash, middle: header.middle, paramsHash: Stage.digest(4),
            scale: header.scale, elements: 10)
        #expect(try refusal(forged).refusals.first?.line == .modelHash)
        var other = header.configuration
        other.seed = 99
        let otherRun = HandoverHeader(
            configuration: other, chainIndex: header.chainIndex, appliedRounds: header.appliedRounds,
            previousModelHash: header.previousModelHash, middle: header.middle, paramsHash: header.paramsHash,
            scale: header.scale, elements: 10)
        #expect(try refusal(otherRun).refusals.first?.line == .modelHash)
    }

    /// modelHash does not show how many rounds led to it, and a member that counts others opens rounds of another kind.
    @Test func theNumberOfAppliedRoundsIsBoundByTheProposal() throws {
        let (stage, header) = try newcomer()
        let key = try Stage.key(50)
        let members = stage.sites.map(\.key) + [key]
        func refusal(proposed: Int, handedOver: Int) throws -> RefusalLine? {
            let envelope = try stage.proposal(2, round: 5, of: members) { $0.appliedRounds = proposed }
            var site = ScriptedSite(key: key, coordinator: stage.coordinator.publicKey)
            site.member.handedOver(
                HandoverHeader(
                    configuration: header.configuration, chainIndex: header.chainIndex, appliedRounds: handedOver,
                    previousModelHash: header.previousModelHash, middle: header.middle, paramsHash: header.paramsHash,
                    scale: header.scale, elements: 10))
            return try site.receive(.epochProposal(envelope)).refusals.first?.line
        }
        #expect(try refusal(proposed: 1, handedOver: 1) == nil)
        #expect(try refusal(proposed: 1, handedOver: 0) == .modelHash)
        #expect(try refusal(proposed: 3, handedOver: 1) == .modelHash)
        // Handed over as it is proposed, the lie is refused by every member that has computed the model.
        #expect(try refusal(proposed: 3, handedOver: 3) == nil)
        for (rounds, line) in [(1, nil), (3, RefusalLine.modelHash), (0, .modelHash)] {
            var site = stage.sites[0]
            let envelope = try stage.proposal(2, round: 5) { $0.appliedRounds = rounds }
            #expect(try site.receive(.epochProposal(envelope)).refusals.first?.line == line)
        }
        // A run that begins has applied none.
        var fresh = try Stage(3)
        let envelope = try fresh.proposal(1, round: 1) { $0.appliedRounds = 1 }
        #expect(try fresh.sites[0].receive(.epochProposal(envelope)).refusals.first?.line == .modelHash)
    }

    @Test func nothingIsHandedToAPartyOfTheLastEpoch() throws {
        var stage = try Stage.ready(3)
        // A model that nobody computed, with its preimage.
        let header = HandoverHeader(
            configuration: stage.configuration, chainIndex: 1, appliedRounds: 1, previousModelHash: .zero,
            middle: Stage.digest(1), paramsHash: Stage.digest(2), scale: .exact, elements: 10)
        let model = ModelChain(handedOver: header)
        let envelope = try stage.proposal(2, round: 5) {
            $0.modelHash = model.modelHash
            $0.paramsHash = model.paramsHash
        }
        stage.sites[0].member.handedOver(header)
        let actions = try stage.sites[0].receive(.epochProposal(envelope))
        #expect(actions.refusals.map(\.line) == [.modelHash])
        #expect(actions.refusals.first?.detail.contains("nothing is handed") == true)
    }

    @Test(arguments: [(owners: 0, members: 4), (1, 4), (1, 5), (2, 5)])
    func aNewcomerUploadsOnceEnoughOthersOwnTheModel(owners: Int, members: Int) throws {
        var policy = SitePolicy()
        policy.newMembers = .accept
        var stage = try Stage.ready(members - 1, policy: policy)
        stage.configuration.cohortMin = 4
        let chain = try #require(stage.sites[0].ledger.chain)
        // γ = 20 %: f = 0 of 4, 1 of 5.
        let corrupt = members == 5 ? 1 : 0
        let header = HandoverHeader(
            configuration: stage.configuration, chainIndex: chain.index, appliedRounds: 0, previousModelHash: .zero,
            middle: .zero, paramsHash: chain.paramsHash, scale: chain.scale, elements: 10)
        let key = try Stage.key(50)
        var newcomer = ScriptedSite(key: key, coordinator: stage.coordinator.publicKey)
        newcomer.member.rules = SiteRules(
            federation: ScriptedSite.federation, id: newcomer.id, policy: policy,
            initialParamsHash: { _ in Stage.digest(77) })
        newcomer.parameters = stage.sites[0].parameters
        newcomer.member.handedOver(header)
        stage.sites.append(newcomer)
        stage.sites.sort { $0.id < $1.id }
        let envelope = try proposalOfOwners(stage, chain)
        for index in stage.sites.indices {
            #expect(try stage.sites[index].receive(.epochProposal(envelope)).refusals.isEmpty)
        }
        let mine = try #require(stage.sites.firstIndex { $0.id == newcomer.id })
        var bundle = try stage.exchange()
        #expect(try !EpochReady(payload: bundle[mine].payload).own)
        for (rank, index) in stage.sites.indices.filter({ $0 != mine }).enumerated() {
            bundle = try restated(stage, bundle, index, own: rank < owners)
        }
        try stage.sites[mine].receive(.epochReadyBundle(bundle))
        #expect(stage.sites[mine].ledger.othersOwning == owners)
        let open = RoundOpen(
            epochHash: try #require(stage.sites[mine].member.plan).epochHash, round: 5, kind: .training,
            modelHash: chain.modelHash, encodingHash: stage.configuration.encoding(kind: .training, scale: .exact).hash,
            deadlineSeconds: 60)
        let actions = try stage.sites[mine].receive(.roundOpen(open))
        if owners >= corrupt + 1 {
            #expect(actions.uploads.count == 1)
        } else {
            #expect(actions.silences == [.unconfirmedHandover])
            #expect(actions.uploads.isEmpty)
        }
    }

    /// Otherwise a coordinator that proposes the epoch again would hold two statements of an honest site that contradict each
    /// other.
    @Test func whoWasHandedTheModelSaysSoOfThisEpochForEver() throws {
        var (stage, header) = try newcomer()
        let first = stage.sites[0].id
        // Behind the first site, whose model the proposal takes.
        let key = try #require(try (50...199).map(Stage.key).first { PartyID(publicKey: $0.publicKey) > first })
        var newcomer = ScriptedSite(key: key, coordinator: stage.coordinator.publicKey)
        newcomer.parameters = stage.sites[0].parameters
        newcomer.member.handedOver(header)
        stage.sites.append(newcomer)
        stage.sites.sort { $0.id < $1.id }
        try stage.enterEpoch(2, round: 5)
        let mine = try stage.index(newcomer.id)
        let proposal = try #require(EpochKeys(encoded: stage.sites[mine].keysFile ?? [])).proposal
        func statement() throws -> EpochReady {
            for case .epochReady(let ready) in try stage.sites[mine].receive(.epochProposal(proposal)).sent {
                return try EpochReady(payload: ready.payload)
            }
            throw Stage.Failure.notSaid("EpochReady")
        }
        let before = try statement()
        #expect(!before.own)
        try stage.runRound(5)
        #expect(stage.sites[mine].ledger.ownsChain)
        #expect(try statement() == before)
        try stage.sites[mine].restart()
        #expect(try statement() == before)
    }

    private func proposalOfOwners(_ stage: Stage, _ chain: ModelChain) throws -> Envelope {
        try stage.proposal(2, round: 5) {
            $0.modelHash = chain.modelHash
            $0.paramsHash = chain.paramsHash
        }
    }
}
