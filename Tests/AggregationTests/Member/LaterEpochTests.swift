// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// "One base, one set" across epochs, on the member's side (protocol section 5, rules (b) and (c)); slots with standbys.
@Suite struct LaterEpochTests {
    @Test func aLaterEpochClosesTheEarlierAndSendsTheSameUpdate() throws {
        var stage = try Stage.ready(4)
        let first = try stage.openRound(1)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], first)))
        let update = stage.sites[0].update
        try stage.enterEpoch(2, round: 5)
        let log = try stage.sites[0].receive(.roundOpen(stage.open(5)))
        #expect(
            log.lines == ["record entered", "record closed", "make vector", "record uploaded", "send Upload"])
        #expect(log.facts.contains(.closed(epochHash: first.epochHash, base: first.base)))
        #expect(stage.sites[0].update == update && stage.sites[0].updatesMade == 1)
        // The lock was the earlier epoch's: here another set may be voted for, once.
        let second = try #require(stage.sites[0].member.openRound)
        #expect(try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 3], second))).votes.count == 1)
        #expect(
            !stage.sites[0].ledger.mayVote(
                epochHash: first.epochHash, base: first.base,
                survivorsHash: SurvivorSet([0, 1, 2], of: 4).hash(epochHash: first.epochHash)))
    }

    @Test func whoHasAnsweredStaysSilentInALaterEpoch() throws {
        var stage = try Stage.ready(4)
        let first = try stage.openRound(1)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], first)))
        try stage.sites[0].receive(stage.certificate([0, 1, 2, 3], [0, 1, 2], first))
        try stage.enterEpoch(2, round: 5)
        let second = try stage.openRound(5)
        #expect(stage.sites[0].uploads[second.ctx] == nil)
        #expect(stage.sites[1].uploads[second.ctx] != nil)
        let again = try stage.sites[0].receive(.roundOpen(stage.open(5)))
        #expect(again.silences == [.answeredUnderThisBase])
        // It votes and answers there all the same.
        try stage.answer([1, 2, 3], second)
        #expect(stage.sites[0].partials[second.ctx] != nil)
        try stage.publish([1, 2, 3], second)
        #expect(Set(stage.sites.map { $0.ledger.chain?.modelHash }).count == 1)
        // The base has moved: the next round is an ordinary one.
        let third = try stage.openRound(6)
        #expect(stage.sites[0].uploads[third.ctx] != nil)
    }

    /// A sum may be opened there without this member, and nobody's word says that none will be.
    @Test func afterAnEpochWithStandbysNothingIsUploadedUnderItsBaseElsewhere() throws {
        for slots in [SlotChoice.sampled, .all] {
            var stage = try Stage.ready(5, slots: .sampled)
            let first = try stage.openRound(1)
            #expect(stage.sites.allSatisfy { $0.uploads[first.ctx] != nil })
            stage.slots = slots
            try stage.enterEpoch(2, round: 5)
            let second = try stage.openRound(5)
            #expect(second.base == first.base)
            for index in stage.sites.indices {
                #expect(stage.sites[index].uploads[second.ctx] == nil)
                #expect(
                    try stage.sites[index].receive(.roundOpen(stage.open(5))).silences == [.mayBeOpenedElsewhere])
            }
            // Across a restart too, and whatever else happens in the new epoch.
            try stage.sites[0].restart()
            #expect(
                stage.sites[0].ledger.uploadPermission(epochHash: second.epochHash, base: second.base)
                    == .silent(.mayBeOpenedElsewhere))
        }
    }

    @Test func aRoundWithStandbysWhoseAnswersTheStandbysGive() throws {
        var stage = try Stage.ready(6, slots: .sampled)
        let plan = try #require(stage.plan)
        let context = try stage.openRound(1)
        let set = [0, 1, 2, 4, 5]
        let survivors = try stage.survivors(set, context)
        for index in stage.sites.indices {
            #expect(try stage.sites[index].receive(.survivors(survivors)).lines == ["record locked", "send Vote"])
        }
        let certificate = try stage.certificate([0, 1, 2, 3, 5], set, context)
        let short = try stage.certificate([0, 1, 2, 3], set, context)
        for slot in plan.slots {
            let leaves = try slot.holders.map { holder -> Digest in
                let index = try stage.index(holder)
                #expect(
                    try stage.sites[index].receive(short).rejections == [.certificateTooSmall(valid: 4, quorum: 5)])
                #expect(
                    try stage.sites[index].receive(certificate).lines == ["record answered", "answer", "send Partial"])
                return vectorLeaf(try #require(stage.sites[index].partials[context.ctx]))
            }
            #expect(leaves[0] == leaves[1], "primary and standby give the same bytes")
        }
        let result = try stage.result(set, context, answered: plan.slots.map { $0.holders[1] })
        for index in stage.sites.indices {
            let log = try stage.sites[index].receive(result.header, result.trailer, sum: result.sum)
            #expect(log.lines.contains("record applied"), "\(log.lines)")
        }
        #expect(Set(stage.sites.map { $0.ledger.chain?.modelHash }).count == 1)
    }

    @Test func whoHoldsNoSlotAnswersNothing() throws {
        var stage = try Stage.ready(5, slots: .sampled)
        let plan = try #require(stage.plan)
        let context = try stage.openRound(1)
        let survivors = try stage.survivors([0, 1, 2, 3, 4], context)
        for index in stage.sites.indices { try stage.sites[index].receive(.survivors(survivors)) }
        let other = try stage.index(#require(plan.members.first { plan.slot(heldBy: $0) == nil }))
        let log = try stage.sites[other].receive(stage.certificate([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], context))
        #expect(log.rejections == [.notEntitled(message: "Certificate")])
    }

    @Test func aResultAnsweredByAPartyWithoutTheSlotIsRefused() throws {
        var stage = try Stage.ready(4, slots: .sampled)
        let plan = try #require(stage.plan)
        let context = try stage.openRound(1)
        try stage.answer([0, 1, 2, 3], context)
        // Both holders of slot 0, each in the other's place.
        let result = try stage.result([0, 1, 2, 3], context, answered: [plan.holders[2], plan.holders[0]])
        let log = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.rejections == [.resultInconsistent(field: "answered")])
    }

    @Test func aNewRunFromSpentParametersGetsNothing() throws {
        var stage = try Stage.ready(3)
        try stage.runRound(1)
        stage.configuration.run = [UInt8](repeating: 9, count: 16)
        let initial = ScriptedSite.paramsHash(ScriptedSite.initialParameters(Stage.digest(1)))
        let chain = ModelChain(run: stage.configuration.run, paramsHash: initial, scale: .exact)
        let envelope = try stage.proposal(2, round: 5) {
            $0.modelHash = chain.modelHash
            $0.appliedRounds = 0
            $0.paramsHash = initial
        }
        for index in stage.sites.indices { try stage.sites[index].receive(.epochProposal(envelope)) }
        let bundle = try stage.exchange()
        for index in stage.sites.indices { try stage.sites[index].receive(.epochReadyBundle(bundle)) }
        #expect(stage.sites[0].ledger.chain == chain)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(5))).silences == [.spentBase])
        #expect(stage.sites[0].updatesMade == 1)
    }
}
