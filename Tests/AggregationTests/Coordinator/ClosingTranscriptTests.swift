// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Leaving an epoch with standbys under an open base, at the coordinator: every event with every action that it leads to
/// (protocol section 5, rule (c)).
@Suite struct ClosingTranscriptTests {
    private func ready(_ count: Int, rounds: Int = 2, roundsPerEpoch: Int = 10) throws -> Conductor {
        try Conductor.ready(count, rounds: rounds) { settings, configuration in
            settings.slots = .sampled
            configuration.roundsPerEpoch = roundsPerEpoch
        }
    }

    private func holders(_ stage: Conductor, _ slot: Int) -> [Int] { stage.plan.slots[slot].holders.map(stage.index) }

    private func list(_ parties: [Int]) -> String { parties.sorted().map(String.init).joined(separator: " ") }

    private func statement(
        _ stage: Conductor, _ party: Int, epochHash: Digest? = nil, base: Digest? = nil
    ) throws -> Envelope {
        let word = NotVoted(
            epochHash: epochHash ?? stage.plan.epochHash, base: base ?? stage.machine.presentBase)
        return try stage.signed(word, party)
    }

    /// Loses both holders of slot 1; gives them, the others, and what followed.
    private func loseSlot(_ stage: inout Conductor) throws -> (lost: [Int], rest: [Int], log: [CoordinatorAction]) {
        let lost = holders(stage, 1)
        for party in lost { try stage.disconnect(party) }
        let rest = stage.members.filter { !lost.contains($0) }
        return (lost, rest, try stage.wait(.seconds(5)))
    }

    @Test(arguments: [false, true])
    func aSlotThatIsLostWholeBeforeTheVoteLeadsToAnotherEpoch(hasUploads: Bool) throws {
        var stage = try ready(6)
        let first = stage.plan
        if hasUploads { for party in stage.members.prefix(3) { try stage.upload(party) } }
        let (lost, rest, log) = try loseSlot(&stage)
        #expect(
            stage.lines(log) == [
                "record epochAbandoned", "report epoch 1 left, without \(list(lost))",
                "send NotVotedRequest to \(list(rest))",
            ])
        #expect(stage.machine.phaseName == "closing an epoch")
        for party in rest.dropLast() {
            #expect(stage.lines(try stage.say(.notVoted(statement(stage, party)), party)) == ["record notVoted"])
        }
        let last = try #require(rest.last)
        let lines = stage.lines(try stage.say(.notVoted(statement(stage, last)), last))
        #expect(
            lines == [
                "record notVoted", "record epochProposed", "report epoch 2 of \(list(rest))",
                "send Directory to \(list(rest))",
            ] + rest.flatMap { ["send NotVotedBundle to \($0)", "send EpochProposal to \($0)"] })
        try stage.setUp()
        #expect(stage.machine.epoch?.proposal.epoch == 2 && stage.machine.phaseName == "uploads")
        #expect(try stage.openContext().base == stage.machine.presentBase)
        #expect(stage.machine.openEpochs.map(\.plan.epochHash) == [first.epochHash, stage.plan.epochHash])
        try stage.runRound()
        #expect(stage.machine.chain.appliedRounds == 1)
        #expect(stage.machine.openEpochs.map(\.plan.epochHash) == [stage.plan.epochHash], "of the next base")
    }

    @Test func theBundleShowsWhoSaidSo() throws {
        var stage = try ready(6)
        let plan = stage.plan
        let (_, rest, _) = try loseSlot(&stage)
        var log: [CoordinatorAction] = []
        for party in rest { log += try stage.say(.notVoted(statement(stage, party)), party) }
        guard case .notVotedBundle(let bundle)? = log.sent(to: stage.id(rest[0])).first else {
            Issue.record("no bundle: \(stage.lines(log))")
            return
        }
        #expect(bundle.epochHash == plan.epochHash && bundle.base == stage.machine.presentBase)
        #expect(SurvivorSet(bitmap: bundle.bitmap, of: 6)?.indices == rest)
        #expect(bundle.statements.count == 4)
        for (party, envelope) in zip(rest, bundle.statements) {
            _ = try Signed<NotVoted>(opening: envelope, signedBy: stage.parties[party].publicKey)
        }
    }

    @Test func wordsThatAreNoneAreRefused() throws {
        var stage = try ready(6)
        let early = try stage.say(.notVoted(statement(stage, 0)), 0)
        #expect(early.discarded == ["NotVoted"], "nobody was asked")
        let (_, rest, _) = try loseSlot(&stage)
        let (one, other) = (rest[0], rest[1])
        #expect(
            try stage.say(.notVoted(statement(stage, other)), one).rejections == [
                .invalid(.signature(message: "NotVoted"))
            ])
        #expect(
            try stage.say(.notVoted(statement(stage, one, base: Stage.digest(3))), one).discarded == ["NotVoted"])
        #expect(
            try stage.say(.notVoted(statement(stage, one, epochHash: Stage.digest(3))), one).discarded == ["NotVoted"])
        #expect(stage.lines(try stage.say(.notVoted(statement(stage, one)), one)) == ["record notVoted"])
        #expect(try stage.say(.notVoted(statement(stage, one)), one).isEmpty, "the same again says nothing")
        let foreign = NotVotedRefusal(epochHash: Stage.digest(4), base: stage.machine.presentBase, reason: .voted)
        #expect(try stage.say(.notVotedRefusal(foreign), one).discarded == ["NotVotedRefusal"])
        #expect(stage.machine.phaseName == "closing an epoch")
    }

    /// In a round with votes, too: enough others have not voted. Who has, and says that it has not, is shown by its own word.
    @Test func aVoterThatSaysItHasNotVotedIsEvidence() throws {
        var stage = try ready(10)
        let (lost, spare) = (holders(stage, 1), stage.members)
        try stage.uploadAll()
        let voters = Array(spare.filter { !lost.contains($0) }.prefix(2))
        let votes = try voters.map { try stage.vote($0) }
        for (party, vote) in zip(voters, votes) { try stage.say(.vote(vote), party) }
        #expect(stage.machine.phaseName == "votes")
        let (_, rest, _) = try loseSlot(&stage)
        #expect(stage.machine.phaseName == "waiting for members", "votes may be on their way")
        let able = rest.filter { !voters.contains($0) }
        #expect(stage.lines(try stage.wait(.seconds(4))).isEmpty)
        let log = try stage.wait(.seconds(1))
        #expect(stage.lines(log).last == "send NotVotedRequest to \(list(able))")
        let word = try statement(stage, voters[0])
        let lie = try stage.say(.notVoted(word), voters[0])
        #expect(
            lie.rejections == [
                .conflictingStatements(of: stage.id(voters[0]).hex, first: votes[0], second: word)
            ])
        for party in able.dropLast() { try stage.say(.notVoted(statement(stage, party)), party) }
        #expect(stage.machine.phaseName == "closing an epoch")
        let last = try #require(able.last)
        let end = try stage.say(.notVoted(statement(stage, last)), last)
        #expect(stage.lines(end).contains("report epoch 2 of \(list(rest))"), "who voted is in the next epoch too")
    }

    /// A vote that comes while the run waits is one: its member is not asked, and the epoch is not left in vain.
    @Test func aVoteThatComesWhileTheRunWaitsCounts() throws {
        var stage = try ready(10)
        try stage.uploadAll()
        let votes = try stage.members.map { try stage.vote($0) }
        let (lost, rest, _) = try loseSlot(&stage)
        #expect(stage.machine.phaseName == "waiting for members")
        #expect(stage.machine.nextDeadline == stage.now + .seconds(5), "the time to vote is over")
        for party in rest.prefix(3) { #expect(try stage.say(.vote(votes[party]), party).isEmpty) }
        #expect(stage.lines(try stage.wait(.seconds(5))).isEmpty, "five of eight are not the six needed")
        #expect(stage.machine.phaseName == "waiting for members")
        try stage.comeBack(lost[0])
        #expect(stage.machine.phaseName == "votes" && stage.machine.phase.voting?.votes.count == 3)
    }

    @Test func whenAllHaveVotedTheRunWaitsForTheHoldersAndEndsWithoutThem() throws {
        var stage = try ready(6)
        try stage.uploadAll()
        try stage.voteAllButCertify(except: holders(stage, 1))
        let (lost, rest, log) = try loseSlot(&stage)
        #expect(!stage.lines(log).contains("record epochAbandoned"))
        #expect(stage.machine.phaseName == "waiting for members")
        var end: RunEnd?
        while end == nil, let deadline = stage.machine.nextDeadline {
            stage.now = deadline
            end = try stage.wait(.zero).end
        }
        let sentence = try #require(end?.sentence)
        #expect(end?.outcome == .aborted)
        #expect(sentence.contains("possible second opening") && sentence.contains("smpc-client base release"))
        for party in lost + rest { #expect(sentence.contains("site-\(party)"), "\(sentence)") }
    }

    @Test func whoCannotSaySoIsNotWaitedForAndTheRunEndsWithItsName() throws {
        var stage = try ready(6)
        let (lost, rest, _) = try loseSlot(&stage)
        let refusal = NotVotedRefusal(
            epochHash: stage.plan.epochHash, base: stage.machine.presentBase, reason: .voted)
        #expect(try stage.say(.notVotedRefusal(refusal), rest[0]).isEmpty)
        for party in rest.dropFirst() { try stage.say(.notVoted(statement(stage, party)), party) }
        #expect(stage.machine.phaseName == "closing an epoch")
        #expect(stage.lines(try stage.wait(.seconds(59))).isEmpty)
        let end = try #require(try stage.wait(.seconds(1)).end)
        #expect(end.outcome == .aborted)
        #expect(end.sentence.hasPrefix("possible second opening: "), "\(end.sentence)")
        #expect(end.sentence.contains("3 of the 4 sites") && end.sentence.contains("site-\(rest[0]) cannot say so"))
        for party in lost { #expect(end.sentence.contains("site-\(party)")) }
    }

    @Test func aHolderThatComesBackInTimeIsAskedToo() throws {
        var stage = try ready(6)
        let (lost, rest, _) = try loseSlot(&stage)
        for party in rest.dropLast() { try stage.say(.notVoted(statement(stage, party)), party) }
        try stage.disconnect(rest[3])
        let log = try stage.comeBack(lost[0])
        #expect(stage.lines(log) == ["send NotVotedRequest to \(lost[0])"])
        let end = try stage.say(.notVoted(statement(stage, lost[0])), lost[0])
        #expect(stage.lines(end).contains("report epoch 2 of \(list(rest.dropLast() + [lost[0]]))"))
    }

    @Test func theServerMayRestartWhileAnEpochIsClosed() throws {
        var stage = try ready(6)
        let (_, rest, _) = try loseSlot(&stage)
        try stage.say(.notVoted(statement(stage, rest[0])), rest[0])
        try stage.restart()
        #expect(stage.machine.phaseName == "closing an epoch")
        #expect(try stage.comeBack(rest[0]).isEmpty, "its word is on disk")
        for party in rest.dropFirst() {
            #expect(stage.lines(try stage.comeBack(party)) == ["send NotVotedRequest to \(party)"])
        }
        for party in rest.dropFirst().dropLast() { try stage.say(.notVoted(statement(stage, party)), party) }
        let last = try #require(rest.last)
        let log = try stage.say(.notVoted(statement(stage, last)), last)
        #expect(stage.lines(log).contains("report epoch 2 of \(list(rest))"))
        // A restart after the proposal finds the words, and shows them again.
        try stage.restart()
        for party in rest { try stage.comeBack(party) }
        let again = try stage.wait(.seconds(60))
        #expect(stage.lines(again).contains("send NotVotedBundle to \(rest[0])"), "\(stage.lines(again))")
        try stage.setUp()
        #expect(stage.machine.phaseName == "uploads" && stage.members == rest)
    }

    @Test func whoConnectsAgainDuringTheSetUpIsShownTheWordsAgain() throws {
        var stage = try ready(6)
        let (_, rest, _) = try loseSlot(&stage)
        for party in rest { try stage.say(.notVoted(statement(stage, party)), party) }
        try stage.disconnect(rest[1])
        let log = try stage.comeBack(rest[1])
        #expect(
            stage.lines(log) == [
                "send Directory to \(list(rest))", "send NotVotedBundle to \(rest[1])",
                "send EpochProposal to \(rest[1])",
            ])
    }

    @Test func anEpochWhoseRoundsAreUsedUpIsLeft() throws {
        var stage = try ready(6, roundsPerEpoch: 1)
        for party in stage.members {
            try stage.say(.silence(Silence(ctx: stage.openContext().ctx, cause: .noUpdate)), party)
        }
        #expect(stage.machine.phaseName == "closing an epoch")
        let members = stage.members
        for party in members.prefix(4) { try stage.say(.notVoted(statement(stage, party)), party) }
        #expect(stage.machine.phaseName == "setting up" && stage.members == members)
    }

    @Test func withTooFewForAnotherEpochNobodyIsAsked() throws {
        var stage = try ready(5)
        let (lost, _, log) = try loseSlot(&stage)
        #expect(stage.machine.phaseName == "waiting for members")
        #expect(!stage.lines(log).contains("record epochAbandoned"))
        try stage.comeBack(lost[1])
        #expect(stage.machine.phaseName == "uploads")
    }

    /// The set of an overflow was certified: no word undoes that.
    @Test func betweenAnOverflowAndItsRepetitionNobodyIsAsked() throws {
        var stage = try Conductor.ready(6) { settings, configuration in
            settings.slots = .sampled
            configuration.bits = 16
        }
        stage.appliesAtOnce = false
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        try stage.event { [now = stage.now] in try $0.sumOverflowed(ctx: context.ctx, now: now) }
        guard stage.machine.phaseName != "ended" else { return }
        try stage.applyAll(context)
        let (_, _, log) = try loseSlot(&stage)
        #expect(!stage.lines(log).contains("record epochAbandoned"))
        #expect(stage.machine.phaseName == "waiting for members")
    }

    /// A site whose engineer has released the base counts again: the others go on with it.
    @Test func releasedSitesFormAnEpochUnderTheSameBase() throws {
        var stage = try ready(6)
        try stage.uploadAll()
        try stage.voteAllButCertify(except: holders(stage, 1))
        let (_, rest, _) = try loseSlot(&stage)
        #expect(stage.machine.phaseName == "waiting for members")
        let base = stage.machine.presentBase
        for party in rest.prefix(2) {
            try stage.say(
                .hello(
                    Hello(
                        instance: [UInt8](repeating: 0, count: 16), addresses: [], position: stage.position(),
                        released: base)), party)
            #expect(stage.machine.phaseName == "waiting for members")
        }
        var log: [CoordinatorAction] = []
        for party in rest.dropFirst(2) where stage.machine.phaseName == "waiting for members" {
            log = try stage.say(
                .hello(
                    Hello(
                        instance: [UInt8](repeating: 0, count: 16), addresses: [], position: stage.position(),
                        released: base)), party)
        }
        #expect(stage.lines(log).contains("report epoch 2 of \(list(rest))"), "\(stage.lines(log))")
    }

    @Test func anAbortedRunIsTakenUpWhereItStopped() throws {
        var stage = try ready(6)
        let (lost, rest, _) = try loseSlot(&stage)
        try stage.say(.notVoted(statement(stage, rest[0])), rest[0])
        var end: RunEnd?
        while end == nil { end = try stage.wait(.seconds(10)).end }
        #expect(end?.outcome == .aborted)
        stage.facts.append(.runTakenUp)
        try stage.restart()
        #expect(stage.machine.phaseName == "closing an epoch")
        for party in lost + [rest[1]] {
            try stage.comeBack(party)
            try stage.say(.notVoted(statement(stage, party)), party)
        }
        try stage.comeBack(rest[0])
        #expect(stage.machine.phaseName == "setting up")
        #expect(stage.members == (lost + rest.prefix(2)).sorted())
    }
}

extension Conductor {
    /// All vote but some, who are not heard from either, so that no certificate goes out.
    fileprivate mutating func voteAllButCertify(except out: [Int]) throws {
        for party in members where !out.contains(party) { try say(.vote(vote(party)), party) }
    }
}
