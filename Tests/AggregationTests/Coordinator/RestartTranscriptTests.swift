// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// A coordinator that starts again from its facts at each durable step: what was signed goes out again, byte for byte
/// (protocol section 5, "Restart").
@Suite struct RestartTranscriptTests {
    @Test func beforeTheFirstEpoch() throws {
        var stage = try Conductor(3)
        try stage.connect(0)
        #expect(try stage.restart().isEmpty)
        for party in 0..<2 { try stage.connect(party) }
        #expect(stage.lines(try stage.connect(2)).contains("report epoch 1 of 0 1 2"))
    }

    /// The number is used up: a second proposal with it would be evidence against the coordinator.
    @Test func afterAProposal() throws {
        var stage = try Conductor(3)
        for party in 0..<3 { try stage.connect(party) }
        #expect(try stage.restart().isEmpty)
        for party in 0..<2 { try stage.connect(party) }
        #expect(
            stage.lines(try stage.connect(2)) == [
                "record epochProposed", "report epoch 2 of 0 1 2", "send Directory to 0 1 2",
                "send EpochProposal to 0 1 2",
            ])
    }

    @Test func afterTheEpochBecameReady() throws {
        var stage = try Conductor.ready(3)
        stage.facts.removeAll { if case .roundOpened = $0 { true } else { false } }
        #expect(try stage.restart().isEmpty)
        #expect(stage.machine.phaseName == "between rounds" && stage.machine.epoch?.proposal.epoch == 1)
        for party in 0..<2 { #expect(try stage.comeBack(party).isEmpty) }
        #expect(stage.lines(try stage.comeBack(2)).contains("report round 1 training"))
    }

    /// A backup that was put back: members say how far they are, and one more than may be corrupt is believed.
    @Test func anOlderCopyOfTheRecordEndsTheRun() throws {
        var stage = try Conductor.ready(5, rounds: 9)
        try stage.runRound()
        let backup = stage.facts
        try stage.runRound()
        try stage.runRound()
        let ahead = stage.position()
        stage.facts = backup
        try stage.restart()
        #expect(stage.machine.plan?.committee.corruptMax == 1)
        try stage.connect(0, position: ahead)
        #expect(stage.machine.phaseName != "ended", "one may lie")
        // Whoever stands where this record stands says nothing, nor does one of another run.
        try stage.comeBack(1)
        let other = Hello.Position(run: [UInt8](repeating: 9, count: 16), chainIndex: 99, modelHash: .zero, epoch: 1)
        try stage.connect(2, position: other)
        #expect(stage.machine.phaseName != "ended")
        let log = try stage.connect(3, position: ahead)
        #expect(stage.machine.phaseName == "ended")
        let end = log.compactMap { if case .finish(let end) = $0 { end } else { nil } }.first
        #expect(end?.outcome == .aborted)
        #expect(end?.sentence.contains("an older copy: it has 1 steps, and site-0, site-3 have up to 3") == true)
        #expect(end?.sentence.contains("put the newest one back") == true)
    }

    /// A server that died between a stored result and its own application of it is not behind whoever has applied it.
    @Test func aMemberThatHasAppliedAStoredResultIsNotAhead() throws {
        var stage = try Conductor.ready(3)
        stage.appliesAtOnce = false
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        try stage.restart()
        for party in 0..<3 {
            let position = Hello.Position(
                run: stage.configuration.run, chainIndex: 1, modelHash: Stage.digest(101), epoch: 1)
            try stage.connect(party, position: position)
        }
        #expect(stage.machine.phaseName == "applying")
    }

    @Test func withAnOpenRound() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        let open = try #require(stage.machine.phase.openRound?.open)
        try stage.upload(0)
        #expect(stage.lines(try stage.restart()) == ["begin sums of round 1"])
        let log = try stage.comeBack(0)
        #expect(stage.lines(log) == ["send RoundOpen to 0"])
        guard case .roundOpen(let again)? = log.sent(to: stage.id(0)).first else {
            Issue.record("no RoundOpen")
            return
        }
        #expect(again == open)
        #expect(try stage.openContext() == context)
        // The upload that was held is gone with the process: it is taken again.
        for party in 1..<3 { try stage.comeBack(party) }
        #expect(stage.lines(try stage.uploadAll()).suffix(2) == ["record survivorsFixed", "send Survivors to 0 1 2"])
    }

    @Test func withAFixedSet() throws {
        var stage = try Conductor.ready(4)
        for party in [0, 1, 3] { try stage.upload(party) }
        let first = try stage.wait(.seconds(600)).sent(to: stage.id(0))
        #expect(stage.lines(try stage.restart()) == ["begin sums of round 1"])
        #expect(stage.machine.phaseName == "votes" && stage.machine.phase.voting?.set.indices == [0, 1, 3])
        for party in 0..<4 {
            let log = try stage.comeBack(party)
            #expect(stage.lines(log) == ["send RoundOpen to \(party)", "send Survivors to \(party)"])
            #expect(log.sent(to: stage.id(party)).survivors == first.survivors, "the same bytes")
        }
        // Nothing can be added to the set, whatever comes.
        let context = try stage.openContext()
        #expect(try stage.offer(.upload(stage.header(context)), 2).log.refusals == [.notExpected])
        try stage.voteAll()
        try stage.answerAll()
        #expect(stage.machine.phaseName == "applying")
    }

    @Test func afterTheCertificateWentOut() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        let survivors = try #require(stage.machine.phase.voting?.survivors)
        try stage.voteAll()
        try stage.answer(0)
        try stage.restart()
        #expect(stage.machine.answeredUnderBase.count == 4)
        for party in 0..<4 { #expect(try stage.comeBack(party).sent(to: stage.id(party)).survivors == [survivors]) }
        // The sum of the partials is gone with the process: everybody answers again, with the same bytes.
        try stage.voteAll()
        for party in 0..<4 { try stage.answer(party) }
        #expect(stage.machine.phaseName == "applying")
    }

    @Test func withAResult() throws {
        var stage = try Conductor.ready(3)
        stage.appliesAtOnce = false
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        let first = try #require(try stage.answerAll().results.first)
        #expect(stage.lines(try stage.restart()) == ["apply over 0 1 2"])
        let log = try stage.comeBack(1)
        #expect(stage.lines(log) == ["send Result to 1"])
        #expect(log.results == [first])
        #expect(stage.lines(try stage.apply(context.ctx)) == ["record applied", "report round 1 applied, 3 in, 0 out"])
        #expect(stage.machine.chain.appliedRounds == 1)
    }

    /// A member that applied the result before the server stopped says so by its place in the chain.
    @Test func withAResultThatMembersHaveApplied() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        stage.appliesAtOnce = false
        try stage.answerAll()
        try stage.restart()
        try stage.apply(context.ctx)
        for party in 0..<2 { #expect(stage.lines(try stage.comeBack(party)).isEmpty) }
        #expect(stage.lines(try stage.comeBack(2)).contains("report round 2 training"))
    }

    @Test func afterARoundWasApplied() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        let first = try #require(try stage.answerAll().results.first)
        #expect(try stage.restart().isEmpty)
        // Who missed the result gets it from the history, the same bytes.
        let log = try stage.connect(0, position: stage.position(behind: 1))
        #expect(stage.lines(log) == ["send Result to 0"])
        #expect(log.results == [first])
        #expect(context.base != stage.machine.chain.paramsHash && stage.machine.answeredUnderBase.isEmpty)
    }

    @Test func afterASkip() throws {
        var stage = try Conductor.ready(3)
        let ctx = try stage.openContext().ctx
        var log: [CoordinatorAction] = []
        for party in 0..<3 { log = try stage.say(.silence(Silence(ctx: ctx, cause: .noUpdate)), party) }
        let skip = log.sent(to: stage.id(0)).first { $0.name == "Skip" }?.encoded()
        // The next round was opened: it is the one that is collected again.
        let next = try stage.openContext()
        #expect(stage.lines(try stage.restart()) == ["begin sums of round 2"])
        #expect(try stage.openContext() == next)
        let again = try stage.connect(0, position: stage.position(behind: 1))
        #expect(stage.lines(again) == ["send RoundOpen to 0", "send Skip to 0", "send RoundOpen to 0"])
        #expect(again.sent(to: stage.id(0)).first { $0.name == "Skip" }?.encoded() == skip)
    }

    @Test func membersThatDoNotReturnInTimeAreLost() throws {
        var stage = try Conductor.ready(4)
        try stage.upload(0)
        try stage.restart()
        for party in 0..<3 { try stage.comeBack(party) }
        #expect(try stage.wait(.seconds(59)).isEmpty)
        #expect(stage.lines(try stage.wait(.seconds(1))).contains("report epoch 2 of 0 1 2"))
    }

    @Test func anEndedRunStaysEnded() throws {
        var stage = try Conductor.ready(3)
        try stage.stop()
        #expect(try stage.restart().isEmpty && stage.machine.hasEnded)
        #expect(try stage.connect(0).isEmpty)
    }

    /// Members refuse an epoch or a round that is not larger than every one before, in whatever run.
    @Test func aNewRunGoesOnCounting() throws {
        var first = try Conductor.ready(4)
        try first.runRound()
        try first.stop()
        var stage = try Conductor(4, earlier: first.facts) { $1.run = [UInt8](repeating: 2, count: 16) }
        for party in 0..<4 { try stage.connect(party) }
        #expect(stage.proposedPlan.proposal.epoch == 2 && stage.proposedPlan.proposal.round == 3)
        try stage.setUp()
        #expect(try stage.openContext().round == 3)
    }
}

extension [ControlMessage] {
    fileprivate var survivors: [Envelope] {
        compactMap { if case .survivors(let envelope) = $0 { envelope } else { nil } }
    }
}

extension [CoordinatorAction] {
    /// The signed results that go out.
    fileprivate var results: [Envelope] {
        compactMap { if case .sendResult(_, _, let trailer) = $0 { trailer } else { nil } }
    }
}
