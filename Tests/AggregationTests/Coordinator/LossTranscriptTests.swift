// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// What the coordinator does when a member is lost, at each step of a round, and when it comes back (protocol sections 5
/// and 6).
@Suite struct LossTranscriptTests {
    /// The actions with which an epoch of three goes on after site 3 is lost.
    private func goesOn(_ phase: String, epoch: Int = 2) -> [String] {
        [
            "report 3 lost in \(phase)", "record epochProposed", "report epoch \(epoch) of 0 1 2",
            "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
        ]
    }

    private func lose(_ party: Int, _ stage: inout Conductor) throws -> [String] {
        #expect(try stage.disconnect(party).isEmpty)
        #expect(try stage.wait(.milliseconds(4_999)).isEmpty)
        return stage.lines(try stage.wait(.milliseconds(1)))
    }

    @Test func beforeItsUpload() throws {
        var stage = try Conductor.ready(4)
        let before = try stage.openContext()
        try stage.upload(0)
        #expect(try lose(3, &stage) == goesOn("uploads"))
        // The old epoch's uploads are nobody's any more: the new round has another ctx and the same base.
        try stage.setUp()
        let context = try stage.openContext()
        #expect(context.ctx != before.ctx && context.round == 2 && context.cohortMin == 3)
        #expect(context.base == before.base)
        try stage.runRound()
        #expect(stage.machine.chain.appliedRounds == 1)
    }

    @Test func streamsOfTheOldEpochAreLetGo() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        let stream = try stage.offer(.upload(stage.header(context)), 1).stream
        try stage.disconnect(3)
        #expect(stage.lines(try stage.wait(.seconds(5)))[1] == "refuse \(stream.number): notExpected")
        #expect(try stage.end(stream, leaf: stage.leaf(1), stage.uploadTrailer(1, context)).refusals == [.notExpected])
    }

    @Test func afterItsUpload() throws {
        var stage = try Conductor.ready(4)
        for party in [0, 1, 3] { try stage.upload(party) }
        #expect(try lose(3, &stage) == goesOn("uploads"))
        #expect(stage.machine.answeredUnderBase.isEmpty)
    }

    @Test func afterTheSetWasFixedAndBeforeItsVote() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        #expect(try lose(3, &stage) == goesOn("votes"))
        try stage.setUp()
        try stage.uploadAll()
        // The first set was never certified: under the same base the next epoch has its own.
        #expect(stage.machine.phase.voting?.set.memberCount == 3)
        #expect(stage.machine.answeredUnderBase.isEmpty)
    }

    @Test func afterItsVote() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        for party in [0, 1, 3] { try stage.say(.vote(stage.vote(party)), party) }
        #expect(try lose(3, &stage) == goesOn("votes"))
    }

    /// From the certificate on all four may have answered: three that may not upload are no cohort, so that only the lost
    /// one's return helps. The round goes on where it stopped.
    @Test func afterTheCertificateTheRunWaitsAndGoesOnWhereItStopped() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        try stage.voteAll()
        for party in 0..<3 { try stage.answer(party) }
        #expect(try lose(3, &stage) == ["report 3 lost in partials", "report waiting for 3"])
        #expect(stage.machine.answeredUnderBase.count == 4)
        #expect(stage.lines(try stage.wait(.seconds(59))).isEmpty)
        #expect(
            stage.lines(try stage.comeBack(3)) == [
                "send RoundOpen to 3", "send Survivors to 3", "send Certificate to 3 0 1 2 3",
            ])
        #expect(stage.lines(try stage.answer(3)).contains("record resultMade"))
    }

    @Test func whoDoesNotComeBackEndsTheRunAndIsNamed() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        try stage.voteAll()
        try stage.disconnect(3)
        try stage.wait(.seconds(5))
        let log = try stage.wait(.seconds(60))
        #expect(stage.lines(log) == ["record runEnded", "send RunEnd to 0 1 2", "finish aborted"])
        let sentence = try #require(log.end?.sentence)
        #expect(sentence.contains("missing: site-3 for 60.0 seconds"))
        #expect(sentence.contains("some have answered in the open round and may not upload again"))
        #expect(sentence.contains("start the missing clients with their state directories"))
    }

    /// After the first step of the certificate, which two of seven got, the others are enough. Whoever may have answered
    /// takes part in the new epoch and uploads nothing there.
    @Test func afterTheFirstStepOfTheCertificate() throws {
        var stage = try Conductor.ready(7)
        try stage.uploadAll()
        try stage.voteAll()
        #expect(stage.machine.answeredUnderBase == [stage.id(0), stage.id(1)])
        try stage.disconnect(6)
        #expect(stage.lines(try stage.wait(.seconds(5))).contains("report epoch 2 of 0 1 2 3 4 5"))
        try stage.setUp()
        let context = try stage.openContext()
        #expect(context.cohortMin == 4)
        for party in [0, 1] {
            try stage.say(.silence(Silence(ctx: context.ctx, cause: .answeredUnderThisBase)), party)
        }
        for party in 2..<6 { try stage.upload(party) }
        #expect(stage.machine.phase.voting?.set.indices == [2, 3, 4, 5])
        try stage.voteAll()
        try stage.answerAll()
        try stage.applyAll(context)
        #expect(stage.machine.chain.appliedRounds == 1 && stage.machine.answeredUnderBase.isEmpty)
    }

    @Test func ofTheOthersTooFewMayUploadAndTheRunEndsAsAPossibleSecondOpening() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        try stage.upload(0)
        try stage.upload(1)
        try stage.say(.silence(Silence(ctx: context.ctx, cause: .answeredUnderThisBase)), 2)
        let log = try stage.say(.silence(Silence(ctx: context.ctx, cause: .cannotRepeat)), 3)
        #expect(stage.lines(log) == ["record runEnded", "send RunEnd to 0 1 2 3", "finish aborted"])
        #expect(log.end?.sentence.hasPrefix("possible second opening: site-2, site-3") == true)
    }

    @Test func whileTheSumIsMadeOrAppliedALossHasNoEffectOnTheRound() throws {
        var stage = try Conductor.ready(4)
        stage.sumsAtOnce = false
        stage.appliesAtOnce = false
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        try stage.disconnect(3)
        #expect(try stage.wait(.seconds(6)).isEmpty)
        #expect(
            stage.lines(try stage.makeSum(context.ctx)) == [
                "record resultMade", "send Result to 0 1 2", "apply over 0 1 2 3",
            ])
        try stage.apply(context.ctx)
        for party in 0..<2 { #expect(try stage.say(stage.applied(context), party).isEmpty) }
        #expect(
            stage.lines(try stage.say(stage.applied(context), 2)) == [
                "record epochProposed", "report epoch 2 of 0 1 2", "send Directory to 0 1 2",
                "send EpochProposal to 0 1 2",
            ])
    }

    @Test func twoThatAreLeftWaitAndTakeTheRoundUpAgain() throws {
        var stage = try Conductor.ready(3)
        try stage.upload(0)
        #expect(stage.lines(try stage.disconnect(2)).isEmpty)
        #expect(
            stage.lines(try stage.wait(.seconds(5))) == ["report 2 lost in uploads", "report waiting for 2"])
        try stage.wait(.seconds(30))
        #expect(stage.lines(try stage.comeBack(2)) == ["send RoundOpen to 2 1 2"])
        // What was held is held; the time it waited does not count towards the deadline.
        #expect(stage.machine.nextDeadline == stage.now + .seconds(600))
        try stage.upload(1)
        #expect(stage.lines(try stage.upload(2)).contains("record survivorsFixed"))
    }

    @Test func votesThatWereCastBeforeTheWaitStillCount() throws {
        var stage = try Conductor.ready(3)
        try stage.uploadAll()
        for party in [0, 1] { try stage.say(.vote(stage.vote(party)), party) }
        try stage.disconnect(2)
        #expect(stage.lines(try stage.wait(.seconds(5))) == ["report 2 lost in votes", "report waiting for 2"])
        #expect(
            stage.lines(try stage.comeBack(2)) == [
                "send RoundOpen to 2", "send Survivors to 2 0 1 2",
            ])
        for party in 0..<3 { try stage.pong(party) }
        #expect(
            stage.lines(try stage.say(.vote(stage.vote(2)), 2)) == ["record certified", "send Certificate to 0 1 2"])
    }

    @Test func whoComesBackWithinFiveSecondsIsNotLost() throws {
        var stage = try Conductor.ready(3)
        try stage.upload(0)
        try stage.disconnect(1)
        try stage.wait(.seconds(4))
        #expect(stage.lines(try stage.comeBack(1)) == ["send RoundOpen to 1"])
        #expect(try stage.wait(.seconds(10)).isEmpty)
        #expect(stage.machine.phaseName == "uploads")
    }

    /// It holds no place in the epoch that goes on without it; when the base has moved it is taken in again, and what it
    /// missed is handed over, as it was not in the last epoch.
    @Test func whoComesBackLaterIsTakenIntoTheNextEpoch() throws {
        var stage = try Conductor.ready(4, rounds: 5)
        try stage.disconnect(3)
        try stage.wait(.seconds(5))
        try stage.setUp()
        #expect(stage.lines(try stage.connect(3, position: stage.position(epoch: 1))).isEmpty)
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        #expect(
            stage.lines(try stage.applyAll(context)) == [
                "record epochProposed", "report epoch 3 of 0 1 2 3", "send Directory to 0 1 2 3",
                "send EpochProposal to 0 1 2", "send handover to 3", "send EpochProposal to 3",
            ])
    }

    /// A member that lost its keys ends the epoch: nobody's masks cancel without it.
    @Test func whoComesBackWithoutItsKeysNeedsANewEpoch() throws {
        var stage = try Conductor.ready(4)
        try stage.upload(0)
        try stage.disconnect(2)
        #expect(
            stage.lines(try stage.connect(2, position: stage.position(epoch: 0))) == [
                "send RoundOpen to 2", "record epochProposed", "report epoch 2 of 0 1 2 3",
                "send Directory to 0 1 2 3", "send EpochProposal to 0 1 2 3",
            ])
    }

    @Test func whatAMemberMissedIsSentInOrder() throws {
        var stage = try Conductor.ready(3, rounds: 5)
        let first = try stage.openContext()
        for party in 0..<3 { try stage.say(.silence(Silence(ctx: first.ctx, cause: .noUpdate)), party) }
        try stage.disconnect(2)
        let log = try stage.connect(2, position: stage.position(behind: 1))
        #expect(stage.lines(log) == ["send RoundOpen to 2", "send Skip to 2", "send RoundOpen to 2"])
        try stage.runRound()
        try stage.disconnect(2)
        #expect(
            stage.lines(try stage.connect(2, position: stage.position(behind: 2))) == [
                "send RoundOpen to 2", "send Skip to 2", "send Result to 2", "send RoundOpen to 2",
            ])
    }

    @Test func whoWasRevokedIsLost() throws {
        var stage = try Conductor.ready(4)
        try stage.upload(0)
        #expect(stage.lines(try stage.register([0, 1, 2])) == goesOn("uploads"))
        #expect(stage.lines(try stage.connect(3)) == ["reject 3: notEntitled"])
    }

    /// Some have answered: without the one that was revoked the sum would be lost and could not be made again.
    @Test func aRevocationWhileHelpersAnswerWaitsForTheSum() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answer(0)
        #expect(try stage.register([0, 1, 2]).isEmpty)
        #expect(stage.machine.registry[stage.id(3)] != nil)
        for party in 1..<3 { try stage.answer(party) }
        #expect(stage.lines(try stage.answer(3)).contains("record resultMade"))
        #expect(stage.machine.registry[stage.id(3)] == nil)
        #expect(
            stage.lines(try (0..<3).flatMap { try stage.say(stage.applied(context), $0) }) == [
                "record epochProposed", "report epoch 2 of 0 1 2", "send Directory to 0 1 2",
                "send EpochProposal to 0 1 2",
            ])
    }

    /// ⌈2/3⌉ of the largest epoch of the run: members refuse fewer.
    @Test func fewerThanTwoThirdsOfTheLargestEpochAreNone() throws {
        var stage = try Conductor.ready(6)
        for party in [4, 5] { try stage.disconnect(party) }
        #expect(stage.lines(try stage.wait(.seconds(5))).contains("report epoch 2 of 0 1 2 3"))
        try stage.setUp()
        try stage.disconnect(3)
        #expect(
            stage.lines(try stage.wait(.seconds(5))) == ["report 3 lost in uploads", "report waiting for 3"])
        let log = try stage.wait(.seconds(60))
        #expect(log.end?.outcome == .aborted)
        #expect(log.end?.sentence.contains("an epoch of the 3 that are connected is too small") == true)
    }

    @Test func aVectorThatStallsCostsItsOwnerTheRoundOnly() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        for party in 0..<3 { try stage.upload(party) }
        let stream = try stage.offer(.upload(stage.header(context)), 3).stream
        let log = try stage.fail(stream, .stalled(message: "Upload"))
        #expect(
            stage.lines(log) == [
                "reject 3: stalled", "store sum of uploads", "record survivorsFixed", "send Survivors to 0 1 2 3",
            ])
        try stage.voteAll()
        try stage.answerAll()
        // Between two bases an epoch is proposed without it, for ten seconds.
        #expect(stage.lines(try stage.applyAll(context)).contains("report epoch 2 of 0 1 2"))
        #expect(stage.machine.probation[stage.id(3)]?.strikes == 1)
    }
}
