// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Testing

@testable import Aggregation

/// A slow site is left out, not waited for: how long a round waits, and what becomes of whoever is late (protocol section 5,
/// R1).
@Suite struct SlowSiteTests {
    private static let bounds = Duration.seconds(30)...Duration.seconds(600)

    // MARK: The rule

    private func pace(_ times: [Duration]) -> Pace {
        times.reduce(into: Pace()) { $0.take([$1, $1], members: 2) }
    }

    @Test func theFirstRoundsWaitTheMost() {
        for count in 0..<3 {
            #expect(pace(Array(repeating: .seconds(20), count: count)).wait(within: Self.bounds) == .seconds(600))
        }
        #expect(pace(Array(repeating: .seconds(20), count: 3)).wait(within: Self.bounds) == .seconds(100))
    }

    @Test func theSlowestOfTheLastFiveRoundsCounts() {
        let times = [90, 10, 11, 40, 10, 12].map { Duration.seconds($0) }
        #expect(pace(times).wait(within: Self.bounds) == .seconds(200))
        #expect(pace(Array(times.dropLast())).wait(within: Self.bounds) == .seconds(450))
    }

    @Test func theWaitIsWithinItsBounds() {
        #expect(pace(Array(repeating: .milliseconds(20), count: 5)).wait(within: Self.bounds) == .seconds(30))
        #expect(pace(Array(repeating: .seconds(500), count: 5)).wait(within: Self.bounds) == .seconds(600))
        #expect(pace([.seconds(1), .seconds(2), .seconds(3)]).wait(within: .zero ... .seconds(2)) == .seconds(2))
    }

    @Test func ofARoundTheTimeOfTwoThirdsCounts() {
        var pace = Pace()
        for _ in 0..<3 { pace.take([1, 2, 3, 8, 100].map { .seconds($0) }, members: 5) }
        #expect(pace.times == Array(repeating: .seconds(8), count: 3))
        #expect(pace.wait(within: Self.bounds) == .seconds(40))
        // With a site the less there are two thirds just so; with two less nothing is learned.
        pace.take([1, 2, 3, 9].map { .seconds($0) }, members: 6)
        #expect(pace.times.last == .seconds(9))
        pace.take([1, 2, 3].map { .seconds($0) }, members: 6)
        pace.take([], members: 0)
        #expect(pace.times.count == 4)
    }

    @Test func whoIsLateAgainAndAgainIsWaitedForLessAndLess() {
        var late = Lateness()
        var pauses: [UInt64] = []
        var round: UInt64 = 1
        for _ in 0..<7 {
            late.miss(round: round)
            pauses.append(late.waitedFor - round - 1)
            round = late.waitedFor
        }
        #expect(pauses == [1, 2, 4, 8, 16, 16, 16])
    }

    // MARK: Transcripts

    private static let slow = 4

    /// Five sites in an epoch with standbys, three rounds done in ten seconds each, the fourth open.
    private func stage(rounds: Int = 30, slots: SlotChoice = .sampled) throws -> Conductor {
        var stage = try Conductor.ready(5, rounds: rounds) { settings, _ in settings.slots = slots }
        for _ in 0..<3 {
            #expect(stage.machine.phase.openRound?.open.deadlineSeconds == 600)
            try stage.wait(.seconds(10))
            try stage.runRound()
        }
        return stage
    }

    /// Brings the round on, from votes to `Applied`. The slow site is slow at its training: it votes, and answers for its
    /// slot, but has not applied the sum.
    private func finish(_ stage: inout Conductor) throws {
        let context = try stage.openContext()
        try stage.voteAll()
        try stage.answerAll()
        for party in stage.members where party != Self.slow { try stage.say(stage.applied(context), party) }
    }

    private func uploadQuick(_ stage: inout Conductor) throws {
        for party in stage.members where party != Self.slow { try stage.upload(party) }
    }

    @Test func aSlowSiteIsLeftOutWhenItsTimeIsOver() throws {
        var stage = try stage()
        #expect(stage.machine.phase.openRound?.open.deadlineSeconds == 50)
        try stage.wait(.seconds(9))
        try uploadQuick(&stage)
        #expect(stage.lines(try stage.wait(.milliseconds(40_999))).isEmpty, "five times ten seconds are not over")
        #expect(stage.machine.nextDeadline == stage.now + .milliseconds(1))
        #expect(
            stage.lines(try stage.wait(.milliseconds(1))) == [
                "report 4 late in round 4", "store sum of uploads", "record survivorsFixed",
                "send Survivors to 0 1 2 3 4",
            ])
        #expect(stage.machine.phase.voting?.set.count == 4)
        #expect(stage.machine.probation.isEmpty, "to be slow is no offence")
    }

    @Test func theNextRoundDoesNotWaitForItAndTheOneAfterDoes() throws {
        var stage = try stage()
        try uploadQuick(&stage)
        try stage.wait(.seconds(50))
        try finish(&stage)
        #expect(stage.machine.phase.openRound?.open.round == 5, "its report is not waited for")
        try uploadQuick(&stage)
        #expect(stage.machine.phaseName == "votes")
        try finish(&stage)
        #expect(stage.machine.phase.openRound?.open.round == 6)
        try uploadQuick(&stage)
        #expect(stage.machine.phaseName == "uploads")
        try stage.wait(.seconds(50))
        #expect(stage.machine.phaseName == "votes")
        try finish(&stage)
        for _ in 7...8 {
            try uploadQuick(&stage)
            #expect(stage.machine.phaseName == "votes")
            try finish(&stage)
        }
        try uploadQuick(&stage)
        #expect(stage.machine.phaseName == "uploads")
        #expect(stage.machine.epoch?.proposal.epoch == 1, "and it stays in the epoch")
    }

    @Test func whoIsInTimeAgainIsWaitedForAgain() throws {
        var stage = try stage()
        try uploadQuick(&stage)
        try stage.wait(.seconds(50))
        try finish(&stage)
        // Before the others, who would not have waited.
        try stage.upload(Self.slow)
        try uploadQuick(&stage)
        #expect(stage.machine.phase.voting?.set.count == 5)
        try finish(&stage)
        try stage.say(stage.applied(try stage.openContext()), Self.slow)
        try uploadQuick(&stage)
        #expect(stage.machine.phaseName == "uploads")
    }

    @Test func aRoundWithTooFewUploadsWaitsForMore() throws {
        var stage = try stage()
        for party in 0..<3 { try stage.upload(party) }
        #expect(stage.lines(try stage.wait(.seconds(50))).isEmpty, "three of five are too few for a sum")
        #expect(stage.machine.nextDeadline == stage.now + .seconds(550))
        try stage.wait(.seconds(100))
        try stage.upload(3)
        #expect(stage.machine.phaseName == "uploads", "who is the slowest of all slow ones gets the least wait")
        #expect(stage.machine.nextDeadline == stage.now + .seconds(30))
        try stage.wait(.seconds(20))
        try stage.upload(Self.slow)
        #expect(stage.machine.phase.voting?.set.count == 5)
    }

    @Test func inModeAllEverybodyIsWaitedFor() throws {
        var stage = try stage(slots: .all)
        #expect(stage.machine.phase.openRound?.open.deadlineSeconds == 600)
        try uploadQuick(&stage)
        #expect(stage.lines(try stage.wait(.seconds(599))).isEmpty)
        try stage.upload(Self.slow)
        #expect(stage.machine.phase.voting?.set.count == 5)
    }

    @Test func afterARestartTheFirstRoundsWaitTheMostAgain() throws {
        var stage = try stage()
        try stage.restart()
        for party in stage.members { try stage.comeBack(party) }
        try uploadQuick(&stage)
        #expect(stage.lines(try stage.wait(.seconds(599))).isEmpty)
        try stage.upload(Self.slow)
        try stage.voteAll()
        try stage.answerAll()
        try stage.applyAll(try stage.openContext())
        #expect(stage.machine.phase.openRound?.open.deadlineSeconds == 600)
        #expect(stage.machine.uploadPace.times.isEmpty, "the time since a restart says nothing")
    }

    @Test func theClosingRoundWaitsForEverybodysReport() throws {
        var stage = try stage(rounds: 4)
        try uploadQuick(&stage)
        try stage.wait(.seconds(50))
        try finish(&stage)
        #expect(stage.machine.nextKind == .closing)
        try uploadQuick(&stage)
        let context = try stage.openContext()
        try finish(&stage)
        #expect(stage.machine.phaseName == "applying")
        try stage.say(stage.applied(context), Self.slow)
        #expect(stage.machine.phaseName == "ended")
    }

    @Test func whoTakesTooLongToApplyIsLateToo() throws {
        var stage = try stage()
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        for party in stage.members where party != Self.slow { try stage.say(stage.applied(context), party) }
        #expect(stage.machine.phaseName == "applying")
        #expect(stage.machine.nextDeadline == stage.now + .seconds(30))
        let log = stage.lines(try stage.wait(.seconds(30)))
        #expect(log.first == "report 4 late in round 4" && log.contains("report round 5 training"))
        try uploadQuick(&stage)
        #expect(stage.machine.phaseName == "votes")
    }
}
