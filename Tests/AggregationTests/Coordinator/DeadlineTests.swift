// SPDX-License-Identifier: MIT

import Messages
import Testing

@testable import Aggregation

/// How long votes and partials are waited for follows from the rounds before (protocol section 5, "Deadlines").
@Suite struct DeadlineTests {
    private func ready(_ slots: SlotChoice, rounds: Int = 30) throws -> Conductor {
        try Conductor.ready(4, rounds: rounds) { settings, _ in settings.slots = slots }
    }

    /// Runs the open round, in which each of these takes so long.
    private func run(
        _ stage: inout Conductor, sending: Duration = .zero, voting: Duration = .zero, answering: Duration = .zero
    ) throws {
        let context = try stage.openContext()
        try upload(&stage, sending)
        try stage.wait(voting)
        try stage.voteAll()
        try stage.wait(answering)
        try stage.answerAll()
        try stage.applyAll(context)
    }

    /// Everybody uploads at once and takes so long to send it, one of the four ten times as long.
    private func upload(_ stage: inout Conductor, _ sending: Duration) throws {
        let context = try stage.openContext()
        let streams = try stage.members.map { try stage.offer(.upload(stage.header(context)), $0).stream }
        try stage.wait(sending)
        for (party, stream) in zip(stage.members, streams).dropLast() {
            try stage.end(stream, leaf: stage.leaf(party), stage.uploadTrailer(party, context))
        }
        try stage.wait(sending * 9)
        let last = try #require(stage.members.last)
        try stage.end(try #require(streams.last), leaf: stage.leaf(last), stage.uploadTrailer(last, context))
    }

    /// How long from here the first helper that was asked has, while others still answer pings.
    private func time(_ stage: Conductor) -> Duration? { stage.machine.nextDeadline.map { $0 - stage.now } }

    @Test func aHelperHasFiveTimesAsLongAsPartialsTook() throws {
        var stage = try ready(.sampled)
        for (round, expected) in [30, 30, 30, 20].enumerated() {
            try stage.uploadAll()
            try stage.voteAll()
            #expect(time(stage) == .seconds(expected), "round \(round + 1)")
            let context = try stage.openContext()
            try stage.wait(.seconds(4))
            try stage.answerAll()
            try stage.applyAll(context)
        }
        // The slowest of the last five counts.
        try run(&stage, answering: .seconds(9))
        for _ in 0..<4 { try run(&stage) }
        try stage.uploadAll()
        try stage.voteAll()
        #expect(time(stage) == .seconds(45))
    }

    @Test func aStandbyIsAskedWhenTheTimeOfTheLastRoundsIsOver() throws {
        var stage = try ready(.sampled)
        for _ in 0..<3 { try run(&stage, answering: .seconds(1)) }
        try stage.uploadAll()
        try stage.voteAll()
        let standby = stage.index(try #require(stage.plan.slots[1].standby))
        try stage.answer(stage.index(stage.plan.slots[0].primary))
        #expect(stage.lines(try stage.wait(.milliseconds(9_999))).isEmpty, "never less than ten seconds")
        let log = stage.lines(try stage.wait(.milliseconds(1)))
        #expect(log.contains("report standby \(standby) of slot 1 asked"), "\(log)")
    }

    /// With one holder a slot, giving it up ends the epoch: it has half a minute at least.
    @Test func inModeAllAHelperHasThirtySecondsAtLeast() throws {
        var stage = try ready(.all)
        for answering in [1, 1, 1] { try run(&stage, answering: .seconds(answering)) }
        try stage.uploadAll()
        try stage.voteAll()
        #expect(time(stage) == .seconds(30))
        for answering in [1, 1, 1] { try run(&stage, answering: .seconds(answering)) }
    }

    /// What two thirds of the uploads took to send counts at first, and never less than five times that: partials are as long.
    @Test func aSlowNetworkGivesPartialsTimeFromTheFirstRoundOn() throws {
        var stage = try ready(.sampled)
        for round in 1...4 {
            try upload(&stage, .seconds(20))
            try stage.voteAll()
            #expect(time(stage) == .seconds(100), "round \(round)")
            let context = try stage.openContext()
            try stage.answerAll()
            try stage.applyAll(context)
        }
        var slow = try ready(.sampled)
        try upload(&slow, .seconds(59))
        try slow.voteAll()
        #expect(time(slow) == .seconds(295))
    }

    @Test func votesHaveFiveTimesAsLongAsTheyTookWithinBounds() throws {
        for (voting, expected) in [(1, 10), (4, 20), (9, 45)] {
            var stage = try ready(.sampled)
            for _ in 0..<3 {
                #expect(time(stage) != nil)
                try run(&stage, voting: .seconds(voting))
            }
            try stage.uploadAll()
            #expect(time(stage) == .seconds(expected))
        }
        var pace = Pace()
        for _ in 0..<5 { pace.take(.seconds(50)) }
        #expect(pace.wait(within: .seconds(10) ... .seconds(60)) == .seconds(60))
    }

    @Test func aRoundThatWasTakenUpAgainSaysNothingOfTheTimeItTakes() throws {
        var stage = try ready(.sampled)
        try run(&stage)
        #expect(stage.machine.votePace.times.count == 1)
        try stage.uploadAll()
        try stage.restart()
        for party in stage.members { try stage.comeBack(party) }
        try stage.wait(.seconds(5))
        try stage.voteAll()
        try stage.answerAll()
        #expect(stage.machine.phaseName == "applying")
        #expect(stage.machine.votePace.times.isEmpty, "of a set that was fixed before the restart")
        #expect(stage.machine.partialPace.times.count == 1)
    }
}
