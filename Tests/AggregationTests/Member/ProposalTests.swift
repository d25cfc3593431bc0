// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Step E1: what a member makes of a proposal (protocol section 4). A refusal names its line.
@Suite struct ProposalTests {
    /// The line under which site 0 refuses a proposal, nil when it accepts.
    private func refusal(
        _ stage: Stage, _ epoch: UInt64, round: UInt64, of members: [SigningKey]? = nil,
        change: (inout EpochProposal.Parts) -> Void = { _ in }
    ) throws -> RefusalLine? {
        var site = stage.sites[0]
        let envelope = try stage.proposal(epoch, round: round, of: members, change: change)
        let actions = try site.receive(.epochProposal(envelope))
        guard let refusal = actions.refusals.first else {
            #expect(actions.lines.contains("store keys"))
            return nil
        }
        #expect(refusal.proposalHash == EpochProposal.hash(payload: envelope.payload))
        #expect(refusal.epoch == epoch)
        #expect(site.keysFile == stage.sites[0].keysFile, "a refused proposal changes no key")
        #expect(site.member.plan == stage.sites[0].member.plan)
        #expect(actions.facts.isEmpty)
        return refusal.line
    }

    @Test func theFirstProposalIsTakenInThisOrder() throws {
        var stage = try Stage(3)
        let envelope = try stage.proposal(1, round: 1)
        let actions = try stage.sites[0].receive(.epochProposal(envelope))
        #expect(
            actions.lines == [
                "disconnect peers", "wipe keys", "record members", "delete update", "take initial", "record configured",
                "record chain", "store keys", "record epochTaken", "connect peers",
            ])
        #expect(stage.sites[0].ledger.ownsChain)
        // The same again is no second proposal.
        #expect(try stage.sites[0].receive(.epochProposal(envelope)).lines == ["connect peers", "send EpochRefusal"])
    }

    @Test func nobodyElseSignsProposals() throws {
        var stage = try Stage(3)
        let proposal = try EpochProposal(payload: stage.proposal(1, round: 1).payload)
        let envelope = try Signed(signing: proposal, with: stage.sites[1].key).envelope
        let actions = try stage.sites[0].receive(.epochProposal(envelope))
        #expect(actions.lines == ["reject"])
        #expect(actions.rejections == [.invalid(.signature(message: "EpochProposal"))])
    }

    @Test func anotherFederation() throws {
        #expect(try refusal(Stage(3), 1, round: 1) { $0.federation = "banks" } == .federation)
    }

    @Test func anInventedMemberAfterTheFirstEpoch() throws {
        var stage = try Stage.ready(3)
        let stranger = try Stage.key(99)
        let members = stage.sites.map(\.key) + [stranger]
        #expect(try refusal(stage, 2, round: 5, of: members) == .unknownMember)

        let envelope = try stage.proposal(2, round: 5, of: members)
        let actions = try stage.sites[0].receive(.epochProposal(envelope))
        let id = PartyID(publicKey: stranger.publicKey)
        #expect(actions.lines == ["record members", "send EpochRefusal"])
        #expect(actions.refusals.first?.parties == [id])
        #expect(stage.sites[0].member.members.members[id]?.state == .pending)
        // Asking again does not help; the site's engineer does.
        #expect(try refusal(stage, 2, round: 5, of: members) == .unknownMember)
        let confirmed = stage.sites[0].member.members.confirm(id, now: 0)
        #expect(confirmed)
        #expect(try refusal(stage, 2, round: 5, of: members) == nil)
    }

    @Test func inventedMembersAreTakenOnlyByAPolicyThatSaysSo() throws {
        var policy = SitePolicy()
        policy.newMembers = .accept
        let stage = try Stage.ready(3, policy: policy)
        #expect(try refusal(stage, 2, round: 5, of: stage.sites.map(\.key) + [Stage.key(99)]) == nil)
    }

    @Test func aChangedKey() throws {
        let stage = try Stage.ready(3)
        let name = try EpochProposal(payload: stage.proposal(2, round: 5).payload).members[1].name
        let other = try Stage.key(99).publicKey
        #expect(
            try refusal(stage, 2, round: 5) { $0.members[1] = .init(key: other, name: name) } == .changedKey)
    }

    @Test func theOwnEntryIsMissing() throws {
        let stage = try Stage.ready(4)
        #expect(try refusal(stage, 2, round: 5, of: stage.sites[1...].map(\.key)) == .ownEntryMissing)
    }

    @Test func tooFewMembers() throws {
        let stage = try Stage.ready(4)
        let two = stage.sites.prefix(2).map(\.key)
        #expect(try refusal(stage, 2, round: 5, of: two) { $0.configuration.cohortMin = 2 } == .minMembers)
        #expect(try refusal(stage, 2, round: 5, of: stage.sites.prefix(3).map(\.key)) == nil)
        var policy = SitePolicy()
        policy.minMembers = 4
        #expect(
            try refusal(Stage.ready(4, policy: policy), 2, round: 5, of: stage.sites.prefix(3).map(\.key))
                == .minMembers)
    }

    @Test func fewerThanTwoThirdsOfTheLargestEpoch() throws {
        var stage = try Stage(3)
        let large = MemberFact.epochTaken(
            epoch: 1, epochHash: Stage.digest(9), proposalHash: Stage.digest(8), mode: .all, memberCount: 5,
            slotCount: 5, quorum: 5, corruptMax: 1, firstRound: 1)
        stage.sites[0] = ScriptedSite(
            key: stage.sites[0].key, coordinator: stage.coordinator.publicKey, facts: [large])
        #expect(try refusal(stage, 2, round: 5) == .minMembers)
    }

    @Test func aCohortThatIsTooSmallOrTooLarge() throws {
        let stage = try Stage(4)
        #expect(try refusal(stage, 1, round: 1) { $0.configuration.cohortMin = 2 } == .cohortMin)
        #expect(try refusal(stage, 1, round: 1) { $0.configuration.cohortMin = 5 } == .cohortMin)
        #expect(try refusal(stage, 1, round: 1) { $0.configuration.gammaPercent = 50 } == .cohortMin)
        #expect(
            try refusal(stage, 1, round: 1) {
                $0.configuration.gammaPercent = 50
                $0.configuration.cohortMin = 4
            } == nil)
        var policy = SitePolicy()
        policy.cohortFloor = 4
        #expect(try refusal(Stage(4, policy: policy), 1, round: 1) == .policy)
    }

    @Test func epochAndRoundNumbersGrow() throws {
        var stage = try Stage.ready(3)
        try stage.openRound(4)
        #expect(try refusal(stage, 2, round: 4) == .roundNumber)
        #expect(try refusal(stage, 2, round: 3) == .roundNumber)
        #expect(try refusal(stage, 2, round: 5) == nil)
        try stage.enterEpoch(7, round: 5)
        #expect(try refusal(stage, 6, round: 6) == .epochNumber)
        #expect(try refusal(stage, 8, round: 6) == nil)
        // Across a restart too.
        try stage.sites[0].restart()
        #expect(try refusal(stage, 6, round: 6) == .epochNumber)
        #expect(try refusal(stage, 8, round: 4) == .roundNumber)
    }

    @Test func anotherModel() throws {
        let stage = try Stage.ready(3)
        #expect(try refusal(stage, 2, round: 5) { $0.modelHash = Stage.digest(9) } == .modelHash)
        #expect(try refusal(stage, 2, round: 5) { $0.paramsHash = Stage.digest(9) } == .modelHash)
        #expect(try refusal(Stage(3), 1, round: 1) { $0.modelHash = Stage.digest(9) } == .modelHash)
        #expect(try refusal(Stage(3), 1, round: 1) { $0.paramsHash = Stage.digest(9) } == .modelHash)
    }

    @Test func anOlderModelOfTheRun() throws {
        var stage = try Stage.ready(3)
        let before = try #require(stage.sites[0].ledger.chain)
        try stage.runRound(1)
        #expect(
            try refusal(stage, 2, round: 5) {
                $0.modelHash = before.modelHash
                $0.paramsHash = before.paramsHash
            } == .modelHash)
        #expect(try refusal(stage, 2, round: 5) == nil)
    }

    @Test func otherFirstParameters() throws {
        let stage = try Stage(3)
        // A seed that does not lead to the model proposed.
        #expect(try refusal(stage, 1, round: 1) { $0.configuration.initial = .seed(Stage.digest(3)) } == .modelHash)
        // A file that the site's policy does not name.
        let hash = Stage.digest(8)
        func file(_ parts: inout EpochProposal.Parts) {
            let chain = ModelChain(run: parts.configuration.run, paramsHash: hash, scale: .exact)
            parts.configuration.initial = .file(paramsHash: hash)
            parts.modelHash = chain.modelHash
            parts.paramsHash = hash
        }
        #expect(try refusal(stage, 1, round: 1, change: file) == .initialParameters)
        var policy = SitePolicy()
        policy.initialParameters = hash
        #expect(try refusal(Stage(3, policy: policy), 1, round: 1, change: file) == nil)
        policy.initialParameters = Stage.digest(7)
        #expect(try refusal(Stage(3, policy: policy), 1, round: 1, change: file) == .initialParameters)
    }

    @Test(arguments: [SlotMode.all, .sampled], 1...5)
    func anotherNumberOfSlotsThanFollowsFromTheMembers(mode: SlotMode, slots: Int) throws {
        let right = mode == .all ? 4 : 2
        #expect(
            try refusal(Stage(4), 1, round: 1) {
                $0.mode = mode
                $0.slotCount = slots
            } == (slots == right ? nil : .slotMode))
    }

    @Test func threeMembersDrawNoSlots() throws {
        for slots in 1...3 {
            #expect(
                try refusal(Stage(3), 1, round: 1) {
                    $0.mode = .sampled
                    $0.slotCount = slots
                } == .slotMode)
        }
    }

    @Test func pinnedSlotsAreThoseOfTheSitesOwnPolicy() throws {
        let ids = try Stage(5).sites.map(\.id)
        func pin(_ places: [(Int, Int)]) -> (inout EpochProposal.Parts) -> Void {
            { parts in
                parts.mode = .pinned
                parts.slotCount = places.count
                parts.pinned = places.map { .init(primary: ids[$0.0], standby: ids[$0.1]) }
                parts.configuration.cohortMin = 4
            }
        }
        var policy = SitePolicy()
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 1), (2, 3)])) == .policy)
        policy.pinnedSlots = [(0, 1), (2, 3)].map { PinnedSlot(primary: ids[$0.0], standby: ids[$0.1]) }
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 1), (2, 3)])) == nil)
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(1, 0), (2, 3)])) == .policy)
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(2, 3), (0, 1)])) == .policy)
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 1), (2, 4)])) == .policy)
        // What is no set of slots is refused whatever the policy says.
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 1)])) == .slotMode)
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 1), (1, 2)])) == .slotMode)
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 0), (2, 3)])) == .slotMode)
        #expect(
            try refusal(Stage(5, policy: policy), 1, round: 1) { parts in
                pin([(0, 1), (2, 3)])(&parts)
                parts.slotCount = 3
            } == .slotMode)
        #expect(
            try refusal(Stage(5, policy: policy), 1, round: 1) { parts in
                pin([(0, 1), (2, 3)])(&parts)
                parts.mode = .sampled
            } == .slotMode)
        policy.slots = ["sampled"]
        #expect(try refusal(Stage(5, policy: policy), 1, round: 1, change: pin([(0, 1), (2, 3)])) == .policy)
        #expect(try refusal(Stage(4, policy: policy), 1, round: 1) == .policy)
    }

    @Test(arguments: [33, 48, 62]) func bitsThatNoEncodingHas(bits: UInt8) throws {
        #expect(try refusal(Stage(3), 1, round: 1) { $0.configuration.bits = bits } == .encoding)
    }

    @Test func encodingsThatAreNone() throws {
        let stage = try Stage(3)
        #expect(try refusal(stage, 1, round: 1) { $0.configuration.layout = [1, 2, 3] } == .encoding)
        // −0 is not "no clipping norm", although it equals 0.
        #expect(try refusal(stage, 1, round: 1) { $0.configuration.clip = -0.0 } == .encoding)
        var policy = SitePolicy()
        policy.encodings = ["16"]
        #expect(try refusal(Stage(3, policy: policy), 1, round: 1) == .policy)
    }

    @Test(arguments: [(19, 50, nil), (20, 20, nil), (21, 50, RefusalLine.gamma), (0, 19, .gamma)])
    func gammaOutsideTheSitesPolicy(least: Int, most: Int, line: RefusalLine?) throws {
        var policy = SitePolicy()
        policy.gammaMin = least
        policy.gammaMax = most
        // The proposal has 20 %.
        #expect(try refusal(Stage(3, policy: policy), 1, round: 1) == line)
    }

    @Test func twoProposalsWithOneNumberAreEvidence() throws {
        var stage = try Stage.ready(3)
        let first = try #require(EpochKeys(encoded: stage.sites[0].keysFile ?? [])).proposal
        let second = try stage.proposal(1, round: 2)
        let actions = try stage.sites[0].receive(.epochProposal(second))
        let evidence = PeerMisbehavior.conflictingStatements(of: "coordinator", first: first, second: second)
        #expect(actions.lines == ["reject", "stop"])
        #expect(actions.rejections == [evidence])
        #expect(actions.stops == [.evidence(evidence)])
    }

    @Test func aPeersProposalIsJudgedLikeTheCoordinators() throws {
        var stage = try Stage.ready(3)
        let peer = stage.sites[1].id
        // A lower epoch gives way, so it is not even looked at.
        let reject = SlotReject(epoch: 0, proposal: nil)
        #expect(try stage.sites[0].receive(.slotReject(reject), from: peer).isEmpty)
        let second = try stage.proposal(1, round: 2)
        let conflicting = SlotReject(epoch: 1, proposal: second)
        #expect(try stage.sites[0].receive(.slotReject(conflicting), from: peer).lines == ["reject", "stop"])
        let forged = try EpochProposal(payload: stage.proposal(2, round: 5).payload)
        let envelope = try Signed(signing: forged, with: stage.sites[1].key).envelope
        let actions = try stage.sites[0].receive(.slotReject(SlotReject(epoch: 2, proposal: envelope)), from: peer)
        #expect(actions.rejections == [.invalid(.signature(message: "EpochProposal"))])
        let next = try stage.proposal(2, round: 5)
        let taken = try stage.sites[0].receive(.slotReject(SlotReject(epoch: 2, proposal: next)), from: peer)
        #expect(taken.lines.contains("record epochTaken"))
    }
}
