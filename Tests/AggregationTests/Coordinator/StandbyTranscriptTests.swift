// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Epochs with standbys at the coordinator: every event with every action that it leads to (protocol sections 4 to 6).
@Suite struct StandbyTranscriptTests {
    private func sampled(_ count: Int, rounds: Int = 2) throws -> Conductor {
        try Conductor(count, rounds: rounds) { settings, _ in settings.slots = .sampled }
    }

    private func ready(_ count: Int, rounds: Int = 2) throws -> Conductor {
        try Conductor.ready(count, rounds: rounds) { settings, _ in settings.slots = .sampled }
    }

    /// The members that hold no slot.
    private func others(_ stage: Conductor) -> [Int] {
        stage.members.filter { !stage.plan.holders.contains(stage.id($0)) }
    }

    private func holders(_ stage: Conductor, _ slot: Int) throws -> (primary: Int, standby: Int) {
        let pair = stage.plan.slots[slot]
        return (stage.index(pair.primary), stage.index(try #require(pair.standby)))
    }

    // MARK: The draw

    @Test func aDrawFromTheFirstCommitToTheKeys() throws {
        var stage = try sampled(4)
        for party in 0..<3 { try stage.connect(party) }
        #expect(
            stage.lines(try stage.connect(3)) == [
                "record epochProposed", "report epoch 1 of 0 1 2 3", "send Directory to 0 1 2 3",
                "send EpochProposal to 0 1 2 3",
            ])
        let draft = try stage.draft()
        #expect(draft.proposal.mode == .sampled && draft.proposal.slotCount == 2)
        #expect(draft.proposal.configuration.cohortMin == 3)
        for party in 0..<3 {
            #expect(stage.lines(try stage.say(.beaconCommit(stage.beaconCommit(party)), party)).isEmpty)
        }
        // Nobody's nonce is passed on before all are bound to theirs.
        let early = try stage.say(.beaconReveal(stage.beaconReveal(0)), 0)
        #expect(early.rejections == [.outOfPhase(message: "BeaconReveal", phase: "before BeaconCommits")])
        let log = try stage.say(.beaconCommit(stage.beaconCommit(3)), 3)
        #expect(stage.lines(log) == ["send BeaconCommits to 0 1 2 3"])
        guard case .beaconCommits(let statements)? = log.sent(to: stage.id(1)).first else {
            Issue.record("no commits")
            return
        }
        let committed = try statements.map { try BeaconCommit(payload: $0.payload) }
        #expect(try committed == (0..<4).map { try BeaconCommit(payload: stage.beaconCommit($0).payload) })
        for party in [2, 0, 3] {
            #expect(stage.lines(try stage.say(.beaconReveal(stage.beaconReveal(party)), party)).isEmpty)
        }
        #expect(stage.lines(try stage.say(.beaconReveal(stage.beaconReveal(2)), 2)).isEmpty)
        #expect(
            stage.lines(try stage.say(.beaconReveal(stage.beaconReveal(1)), 1)) == [
                "record slotsDrawn", "send BeaconReveals to 0 1 2 3",
            ])
        #expect(Set(stage.proposedPlan.holders).count == 4)
    }

    @Test func whoDoesNotCommitOrDoesNotRevealIsLeftOutAtTheDeadline() throws {
        for hasCommitted in [false, true] {
            var stage = try sampled(5)
            for party in 0..<5 { try stage.connect(party) }
            for party in 0..<5 where party != 3 || hasCommitted {
                try stage.say(.beaconCommit(stage.beaconCommit(party)), party)
            }
            if hasCommitted {
                for party in 0..<5 where party != 3 { try stage.say(.beaconReveal(stage.beaconReveal(party)), party) }
            }
            #expect(stage.lines(try stage.wait(.seconds(29))).isEmpty)
            #expect(
                stage.lines(try stage.wait(.seconds(1))) == [
                    "report 3 lost in setting up", "record epochProposed", "report epoch 2 of 0 1 2 4",
                    "send Directory to 0 1 2 4", "send EpochProposal to 0 1 2 4",
                ])
        }
    }

    @Test func twoCommitsOfOneMemberAreEvidenceAndPutItOut() throws {
        var stage = try sampled(5)
        for party in 0..<5 { try stage.connect(party) }
        let first = try stage.beaconCommit(2)
        try stage.say(.beaconCommit(first), 2)
        #expect(try stage.say(.beaconCommit(stage.beaconCommit(2)), 2).isEmpty, "the same again says nothing")
        let second = try stage.beaconCommit(2, nonce: Stage.digest(1))
        let log = try stage.say(.beaconCommit(second), 2)
        #expect(
            log.rejections == [.conflictingStatements(of: stage.id(2).hex, first: first, second: second)])
        #expect(stage.lines(log).contains("report epoch 2 of 0 1 3 4"))
    }

    @Test func aFalseNonceIsEvidenceAndPutsItsMemberOut() throws {
        var stage = try sampled(5)
        for party in 0..<5 { try stage.connect(party) }
        let commit = try stage.beaconCommit(4)
        for party in 0..<4 { try stage.say(.beaconCommit(stage.beaconCommit(party)), party) }
        try stage.say(.beaconCommit(commit), 4)
        let reveal = try stage.beaconReveal(4, nonce: Stage.digest(1))
        let log = try stage.say(.beaconReveal(reveal), 4)
        #expect(
            log.rejections == [.conflictingStatements(of: stage.id(4).hex, first: commit, second: reveal)])
        #expect(stage.lines(log).contains("report epoch 2 of 0 1 2 3"))
    }

    @Test func statementsOfADrawThatAreNone() throws {
        var stage = try sampled(4)
        for party in 0..<4 { try stage.connect(party) }
        let hash = try stage.draft().proposalHash
        let foreign = try stage.say(.beaconCommit(stage.beaconCommit(1)), 0)
        #expect(foreign.rejections == [.invalid(.signature(message: "BeaconCommit"))])
        let other = try stage.say(.beaconCommit(stage.beaconCommit(0, proposalHash: Stage.digest(3))), 0)
        #expect(other.rejections == [.wrongEpoch(message: "BeaconCommit")])
        for party in 0..<4 { try stage.say(.beaconCommit(stage.beaconCommit(party)), party) }
        let reveal = try stage.say(.beaconReveal(stage.beaconReveal(0, proposalHash: Stage.digest(3))), 0)
        #expect(reveal.rejections == [.wrongEpoch(message: "BeaconReveal")])
        try stage.setUpFromReveals()
        #expect(
            try stage.say(.beaconCommit(stage.beaconCommit(0, proposalHash: hash)), 0).discarded == ["BeaconCommit"])
        #expect(
            try stage.say(.beaconReveal(stage.beaconReveal(0, proposalHash: hash)), 0).discarded == ["BeaconReveal"])
    }

    @Test func whoConnectsAgainDuringADrawGetsAllOfIt() throws {
        var stage = try sampled(4)
        for party in 0..<4 { try stage.connect(party) }
        for party in 0..<4 { try stage.say(.beaconCommit(stage.beaconCommit(party)), party) }
        try stage.disconnect(2)
        #expect(
            stage.lines(try stage.connect(2)) == [
                "send Directory to 0 1 2 3", "send EpochProposal to 2", "send BeaconCommits to 2",
            ])
        for party in 0..<4 { try stage.say(.beaconReveal(stage.beaconReveal(party)), party) }
        try stage.disconnect(2)
        #expect(
            stage.lines(try stage.connect(2)) == [
                "send Directory to 0 1 2 3", "send EpochProposal to 2", "send BeaconCommits to 2",
                "send BeaconReveals to 2",
            ])
    }

    @Test func theSlotsAreThoseOfTheDrawAfterARestart() throws {
        var stage = try ready(6)
        let plan = stage.plan
        try stage.restart()
        #expect(stage.machine.epoch == plan)
        #expect(stage.machine.barred == Set(plan.members))
    }

    // MARK: Rounds

    @Test func aRoundWithAQuorumAndPrimariesOnly() throws {
        var stage = try ready(6)
        let context = try stage.openContext()
        try stage.uploadAll()
        for party in stage.members { try stage.pong(party) }
        for party in 0..<4 { #expect(stage.lines(try stage.say(.vote(stage.vote(party)), party)).isEmpty) }
        let primaries = try (0..<3).map { try holders(stage, $0).primary }.sorted()
        let log = try stage.say(.vote(stage.vote(4)), 4)
        let list = primaries.map(String.init).joined(separator: " ")
        #expect(stage.lines(log) == ["record certified", "send Certificate to \(list)"])
        for case .certificate(let certificate) in log.sent(to: stage.id(primaries[0])) {
            #expect(certificate.votes.count == 5)
        }
        #expect(try stage.say(.vote(stage.vote(5)), 5).isEmpty, "a late vote is no offence")
        let partials = try primaries.flatMap { try stage.answer($0) }
        #expect(stage.lines(partials).contains("apply over 0 1 2 3 4 5"))
        try stage.applyAll(context)
        #expect(stage.machine.phaseName == "uploads")
        #expect(stage.machine.epoch?.proposal.epoch == 1)
    }

    @Test func aPrimaryThatIsSilentPastItsDeadlineIsReplacedByItsStandby() throws {
        var stage = try ready(5)
        try stage.uploadAll()
        try stage.voteAll()
        let (primary, standby) = try holders(stage, 0)
        try stage.answer(holders(stage, 1).primary)
        #expect(stage.lines(try stage.wait(.seconds(29))).isEmpty)
        #expect(
            stage.lines(try stage.wait(.seconds(1))) == [
                "report standby \(standby) of slot 0 asked", "record certified", "send Certificate to \(standby)",
            ])
        #expect(stage.lines(try stage.answer(standby)).contains("apply over 0 1 2 3 4"))
        // The primary's own comes too late for anything.
        let (_, log) = try stage.offer(.partial(stage.header(stage.openContext(), slot: 0)), primary)
        #expect(log.refusals == [.notExpected])
    }

    @Test func aPrimaryThatAnswersLateAfterAllIsTakenIfItIsFirst() throws {
        var stage = try ready(5)
        try stage.uploadAll()
        try stage.voteAll()
        let (primary, standby) = try holders(stage, 0)
        try stage.wait(.seconds(30))
        #expect(stage.lines(try stage.answer(primary)).contains { $0.hasPrefix("accept partial") })
        #expect(try stage.answer(standby).refusals.contains(.alreadyHeld))
    }

    @Test func aPrimaryWhoseConnectionIsGoneIsReplacedAfterFiveSeconds() throws {
        var stage = try ready(5)
        try stage.uploadAll()
        try stage.voteAll()
        let (primary, standby) = try holders(stage, 1)
        try stage.disconnect(primary)
        #expect(stage.lines(try stage.wait(.seconds(4))).isEmpty)
        #expect(stage.lines(try stage.wait(.seconds(1))).contains("send Certificate to \(standby)"))
    }

    @Test func theCertificateWaitsForOneHolderOfEachSlot() throws {
        var stage = try ready(5)
        try stage.uploadAll()
        stage.now += .seconds(5)
        let (primary, standby) = try holders(stage, 0)
        let second = try holders(stage, 1)
        var log: [CoordinatorAction] = []
        for party in stage.members { log += try stage.say(.vote(stage.vote(party)), party) }
        #expect(log.count == 1 && stage.lines(log)[0].hasPrefix("ping "))
        #expect(try stage.pong(others(stage)[0]).isEmpty)
        #expect(try stage.pong(primary).isEmpty)
        // A standby that was heard from is asked in the place of its primary, which has half a second.
        #expect(try stage.pong(second.standby).isEmpty)
        #expect(try stage.wait(.milliseconds(499)).isEmpty)
        let certified = try stage.wait(.milliseconds(1))
        #expect(certified.sent(to: stage.id(primary)).count == 1)
        #expect(certified.sent(to: stage.id(second.standby)).count == 1)
        #expect(certified.sent(to: stage.id(standby)).isEmpty)
        #expect(certified.sent(to: stage.id(second.primary)).isEmpty)
    }

    @Test func theSlowerPongOfAPrimaryIsWaitedFor() throws {
        var stage = try ready(5)
        try stage.uploadAll()
        stage.now += .seconds(5)
        let slots = try [holders(stage, 0), holders(stage, 1)]
        for party in stage.members { try stage.say(.vote(stage.vote(party)), party) }
        for slot in slots { #expect(try stage.pong(slot.standby).isEmpty) }
        #expect(try stage.pong(slots[0].primary).isEmpty)
        let certified = try stage.pong(slots[1].primary)
        for slot in slots {
            #expect(certified.sent(to: stage.id(slot.primary)).count == 1)
            #expect(certified.sent(to: stage.id(slot.standby)).isEmpty)
        }
    }

    // MARK: Losses

    @Test func aMemberThatIsLostBeforeItsUploadIsNotInTheSet() throws {
        var stage = try ready(5)
        let lost = others(stage)[0]
        for party in stage.members where party != lost { try stage.upload(party) }
        try stage.disconnect(lost)
        let log = try stage.wait(.seconds(5))
        #expect(stage.lines(log).contains("store sum of uploads"))
        #expect(stage.machine.phase.voting?.set.count == 4)
        #expect(stage.machine.epoch?.proposal.epoch == 1)
    }

    /// The run keeps its epoch until the parameters have moved, then it goes on without the helper.
    @Test func afterTheLossOfAHelperANewEpochFollowsAsSoonAsTheBaseHasMoved() throws {
        var stage = try ready(6)
        let context = try stage.openContext()
        try stage.uploadAll()
        let (primary, standby) = try holders(stage, 2)
        try stage.disconnect(primary)
        try stage.wait(.seconds(5))
        #expect(stage.machine.epoch?.proposal.epoch == 1 && stage.machine.phaseName == "votes")
        for party in stage.members where party != primary { try stage.pong(party) }
        for party in stage.members where party != primary { try stage.say(.vote(stage.vote(party)), party) }
        for party in try [holders(stage, 0).primary, holders(stage, 1).primary, standby] { try stage.answer(party) }
        var log: [CoordinatorAction] = []
        for party in stage.members where party != primary { log += try stage.say(stage.applied(context), party) }
        let rest = stage.registered.filter { $0 != primary }.map(String.init).joined(separator: " ")
        #expect(stage.lines(log).contains("report epoch 2 of \(rest)"))
    }

    @Test func theLossOfASiteWithoutASlotKeepsTheEpochWhileEnoughAreLeft() throws {
        var stage = try ready(9)
        let lost = others(stage)[0]
        for party in stage.members where party != lost { try stage.upload(party) }
        try stage.disconnect(lost)
        try stage.wait(.seconds(5))
        let context = try stage.openContext()
        for party in stage.members where party != lost { try stage.pong(party) }
        for party in stage.members where party != lost { try stage.say(.vote(stage.vote(party)), party) }
        try stage.answerAll()
        for party in stage.members where party != lost { try stage.say(stage.applied(context), party) }
        #expect(stage.machine.epoch?.proposal.epoch == 1 && stage.machine.phaseName == "uploads")
        // It is back in the same epoch, and gets what it missed.
        let log = try stage.connect(lost, position: stage.position(behind: 1))
        #expect(stage.lines(log) == ["send Result to \(lost)", "send RoundOpen to \(lost)"])
    }

    /// The three that are left of five are too few for another epoch: the run ends and says which slot is lost.
    @Test(arguments: ["uploads", "votes", "partials"])
    func aSlotThatIsLostWholeEndsTheRunWithinAMinuteAndIsNamed(phase: String) throws {
        var stage = try ready(5)
        let (primary, standby) = try holders(stage, 1)
        if phase != "uploads" { try stage.uploadAll() }
        if phase == "partials" { try stage.voteAll() }
        #expect(stage.machine.phaseName == phase)
        try stage.disconnect(primary)
        try stage.disconnect(standby)
        let died = stage.now
        let log = try stage.wait(.seconds(5))
        #expect(stage.machine.phaseName == "waiting for members", "\(stage.lines(log))")
        var end: RunEnd?
        while end == nil, let deadline = stage.machine.nextDeadline {
            stage.now = deadline
            end = try stage.wait(.zero).end
        }
        #expect(end?.outcome == .aborted)
        #expect(stage.now - died <= .seconds(60))
        let sentence = try #require(end?.sentence)
        #expect(sentence.contains("slot 1 is lost"), "\(sentence)")
        #expect(sentence.contains("site-\(primary)") && sentence.contains("site-\(standby)"), "\(sentence)")
    }

    @Test func oneHolderThatComesBackInTimeSavesTheRound() throws {
        for phase in ["uploads", "votes", "partials"] {
            var stage = try ready(5)
            let (primary, standby) = try holders(stage, 1)
            if phase != "uploads" { try stage.uploadAll() }
            if phase == "partials" { try stage.voteAll() }
            try stage.disconnect(primary)
            try stage.disconnect(standby)
            try stage.wait(.seconds(20))
            #expect(stage.machine.phaseName == "waiting for members")
            try stage.comeBack(standby)
            #expect(stage.machine.phaseName == phase, "\(phase)")
        }
    }

    @Test func belowTheQuorumTheRunWaitsAndGoesOn() throws {
        var stage = try ready(4)
        try stage.uploadAll()
        let lost = try [holders(stage, 0).standby, holders(stage, 1).standby]
        for party in lost { try stage.disconnect(party) }
        try stage.wait(.seconds(5))
        #expect(stage.machine.phaseName == "waiting for members")
        try stage.comeBack(lost[0])
        #expect(stage.machine.phaseName == "votes")
        for party in stage.members where party != lost[1] { try stage.pong(party) }
        for party in stage.members where party != lost[1] { try stage.say(.vote(stage.vote(party)), party) }
        #expect(stage.machine.phaseName == "partials")
    }

    @Test func aMemberThatLostItsKeysCountsAsGoneUntilTheNextEpoch() throws {
        var stage = try ready(6)
        let context = try stage.openContext()
        let (primary, standby) = try holders(stage, 0)
        try stage.disconnect(primary)
        let log = try stage.connect(primary, position: stage.position(epoch: 0))
        #expect(!stage.lines(log).contains { $0.contains("EpochProposal") })
        for party in stage.members where party != primary { try stage.upload(party) }
        #expect(stage.machine.phaseName == "votes")
        for party in stage.members where party != primary { try stage.pong(party) }
        for party in stage.members where party != primary { try stage.say(.vote(stage.vote(party)), party) }
        for party in try [standby, holders(stage, 1).primary, holders(stage, 2).primary] { try stage.answer(party) }
        var end: [CoordinatorAction] = []
        for party in stage.members where party != primary { end += try stage.say(stage.applied(context), party) }
        #expect(stage.lines(end).contains("report epoch 2 of 0 1 2 3 4 5"), "\(stage.lines(end))")
    }

    @Test func underABaseOfAnEpochWithStandbysNoOtherEpochIsProposed() throws {
        var stage = try ready(6)
        for party in stage.members {
            try stage.say(.silence(Silence(ctx: stage.openContext().ctx, cause: .noUpdate)), party)
        }
        #expect(stage.machine.chain.index == 1, "the round was skipped")
        #expect(stage.machine.phaseName == "uploads")
        let (primary, _) = try holders(stage, 0)
        try stage.disconnect(primary)
        try stage.wait(.seconds(5))
        #expect(stage.machine.epoch?.proposal.epoch == 1 && stage.machine.phaseName == "uploads")
    }
}

extension Conductor {
    /// E2 from the reveals on, to the end of the set-up.
    fileprivate mutating func setUpFromReveals() throws {
        let members = members
        for party in members { try say(.beaconReveal(beaconReveal(party)), party) }
        for party in members { try say(.epochReady(epochReady(party)), party) }
        let statements = try members.map { try slotReady($0) }
        for (party, statement) in zip(members, statements) { try say(.slotReady(statement), party) }
    }
}
