// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Gathering and steps E1 to E5 of the coordinator: every event with every action that it leads to (protocol section 4).
@Suite struct SetUpTranscriptTests {
    @Test func anEpochFromTheFirstConnectionToTheFirstRound() throws {
        var stage = try Conductor(3)
        #expect(stage.lines(try stage.connect(0)).isEmpty)
        #expect(stage.lines(try stage.connect(1)).isEmpty)
        #expect(
            stage.lines(try stage.connect(2)) == [
                "record epochProposed", "report epoch 1 of 0 1 2", "send Directory to 0 1 2",
                "send EpochProposal to 0 1 2",
            ])
        #expect(stage.machine.phaseName == "setting up")
        #expect(stage.lines(try stage.say(.epochReady(stage.epochReady(0)), 0)).isEmpty)
        #expect(stage.lines(try stage.say(.epochReady(stage.epochReady(1)), 1)).isEmpty)
        let log = try stage.say(.epochReady(stage.epochReady(2)), 2)
        #expect(stage.lines(log) == ["send EpochReadyBundle to 0 1 2"])
        guard case .epochReadyBundle(let statements)? = log.sent(to: stage.id(1)).first else {
            Issue.record("no bundle")
            return
        }
        let first = try statements.map { try EpochReady(payload: $0.payload).seedHashes[0] }
        #expect(first == [0, 16, 32].map { Stage.digest($0) }, "in member order")
        #expect(stage.lines(try stage.say(.slotReady(stage.slotReady(2)), 2)).isEmpty)
        #expect(stage.lines(try stage.say(.slotReady(stage.slotReady(0)), 0)).isEmpty)
        #expect(
            stage.lines(try stage.say(.slotReady(stage.slotReady(1)), 1)) == [
                "record epochReady", "report epoch 1 ready", "record roundOpened", "begin sums of round 1",
                "report round 1 training", "send RoundOpen to 0 1 2",
            ])
        #expect(stage.machine.phaseName == "uploads")
    }

    // MARK: Gathering

    @Test func theFirstEpochBeginsWithoutWhoeverDoesNotCome() throws {
        var stage = try Conductor(5)
        for party in 0..<4 { try stage.connect(party) }
        #expect(stage.lines(try stage.wait(.seconds(119))).isEmpty)
        #expect(stage.machine.nextDeadline == stage.now + .seconds(1))
        #expect(stage.lines(try stage.wait(.seconds(1))).contains("report epoch 1 of 0 1 2 3"))
    }

    @Test func twoPartiesAreNoEpoch() throws {
        var stage = try Conductor(3)
        try stage.connect(0)
        try stage.connect(1)
        let log = try stage.wait(.seconds(120))
        #expect(stage.lines(log) == ["record runEnded", "send RunEnd to 0 1", "finish aborted"])
        #expect(log.end?.sentence.contains("only 2 of 3 parties came") == true)
    }

    @Test func whoGoesAwayWhileOthersAreAwaitedDoesNotCount() throws {
        var stage = try Conductor(3)
        try stage.connect(0)
        try stage.connect(1)
        try stage.disconnect(0)
        #expect(stage.lines(try stage.connect(2)).isEmpty)
        #expect(stage.lines(try stage.connect(0)).contains("report epoch 1 of 0 1 2"))
    }

    @Test func aPartyThatIsNotRegisteredIsNobody() throws {
        var stage = try Conductor(3, strangers: 1)
        #expect(stage.lines(try stage.connect(3)) == ["reject 3: notEntitled"])
        #expect(
            try stage.say(.vote(Envelope(payload: [], signature: [])), 3).rejections == [.notEntitled(message: "Vote")])
        for party in 0..<3 { try stage.connect(party) }
        #expect(stage.members == [0, 1, 2])
        #expect(stage.lines(try stage.connect(3)) == ["reject 3: notEntitled"])
    }

    @Test func whoComesBackDuringASetUpIsToldEverythingAgain() throws {
        var stage = try Conductor(3)
        for party in 0..<3 { try stage.connect(party) }
        try stage.disconnect(1)
        #expect(stage.lines(try stage.connect(1)) == ["send Directory to 0 1 2", "send EpochProposal to 1"])
        for party in 0..<3 { try stage.say(.epochReady(stage.epochReady(party)), party) }
        try stage.disconnect(1)
        #expect(
            stage.lines(try stage.connect(1)) == [
                "send Directory to 0 1 2", "send EpochProposal to 1", "send EpochReadyBundle to 1",
            ])
    }

    // MARK: Deadlines

    @Test func aMemberThatSaysNothingIsAskedAndThenLeftOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        for party in 0..<3 { try stage.say(.epochReady(stage.epochReady(party)), party) }
        #expect(stage.lines(try stage.wait(.seconds(29))).isEmpty)
        #expect(stage.lines(try stage.wait(.seconds(1))) == ["send EpochProposal to 0 1 2 3"])
        // An honest member that is complete says again what it said: that has no effect.
        #expect(stage.lines(try stage.say(.epochReady(stage.epochReady(0)), 0)).isEmpty)
        #expect(
            stage.lines(try stage.wait(.seconds(2))) == [
                "report 3 lost in setting up", "record epochProposed", "report epoch 2 of 0 1 2",
                "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
            ])
        // It is taken in again once it connects anew, between two bases.
        try stage.setUp()
        try stage.disconnect(3)
        try stage.connect(3)
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        #expect(stage.lines(try stage.applyAll(context)).contains("report epoch 3 of 0 1 2 3"))
    }

    @Test func theMemberThatMostCannotReachIsLeftOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        try stage.wait(.seconds(30))
        for party in 0..<4 {
            let unreached = party == 2 ? [0, 1, 3] : [2]
            try stage.say(.epochRefusal(stage.refusal(.peersMissing, of: unreached)), party)
        }
        #expect(stage.lines(try stage.wait(.seconds(2))).contains("report epoch 2 of 0 1 3"))
    }

    @Test func whoDoesNotConfirmTheBundleIsLeftOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        for party in 0..<4 { try stage.say(.epochReady(stage.epochReady(party)), party) }
        for party in [0, 1, 3] { try stage.say(.slotReady(stage.slotReady(party)), party) }
        #expect(
            stage.lines(try stage.wait(.seconds(30))) == [
                "report 2 lost in setting up", "record epochProposed", "report epoch 2 of 0 1 3",
                "send Directory to 0 1 3", "send EpochProposal to 0 1 3",
            ])
    }

    @Test func fiveSetUpsThatFailEndTheRun() throws {
        var stage = try Conductor(3)
        for party in 0..<3 { try stage.connect(party) }
        for attempt in 1...5 {
            try stage.wait(.seconds(30))
            for party in 0..<3 {
                try stage.say(.epochRefusal(stage.refusal(.peersMissing, of: [])), party)
            }
            let log = try stage.wait(.seconds(2))
            #expect((log.end != nil) == (attempt == 5), "attempt \(attempt): \(stage.lines(log))")
            if attempt == 5 {
                #expect(stage.lines(log) == ["record runEnded", "send RunEnd to 0 1 2", "finish aborted"])
            }
        }
    }

    @Test func whoGoesAwayDuringASetUpIsLostAfterFiveSeconds() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        #expect(stage.lines(try stage.disconnect(3)).isEmpty)
        #expect(stage.lines(try stage.wait(.milliseconds(4_999))).isEmpty)
        #expect(
            stage.lines(try stage.wait(.milliseconds(1))) == [
                "report 3 lost in setting up", "record epochProposed", "report epoch 2 of 0 1 2",
                "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
            ])
    }

    // MARK: Refusals of a proposal

    @Test func aRefuserIsLeftOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        #expect(
            stage.lines(try stage.say(.epochRefusal(stage.refusal(.policy)), 1)) == [
                "report refused by 1: policy", "record epochProposed", "report epoch 2 of 0 2 3",
                "send Directory to 0 2 3", "send EpochProposal to 0 2 3",
            ])
    }

    @Test(arguments: [(RefusalLine.policy, RunOutcome.aborted), (.modelHash, .verificationFailed)])
    func aRefusalThatLeavesTooFewEndsTheRun(line: RefusalLine, outcome: RunOutcome) throws {
        var stage = try Conductor(3)
        for party in 0..<3 { try stage.connect(party) }
        let log = try stage.say(.epochRefusal(stage.refusal(line)), 1)
        #expect(log.end?.outcome == outcome)
        #expect(log.end?.sentence.contains("site-1 refused epoch 1") == true)
    }

    /// A new epoch gives it other keys; who has always lost them is left out like any refuser.
    @Test func whoLostItsKeysDuringASetUpGetsOthersOnce() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        try stage.disconnect(1)
        try stage.connect(1)
        #expect(
            stage.lines(try stage.say(.epochRefusal(stage.refusal(.keysLost)), 1)) == [
                "report refused by 1: keysLost", "record epochProposed", "report epoch 2 of 0 1 2 3",
                "send Directory to 0 1 2 3", "send EpochProposal to 0 1 2 3",
            ])
        let log = try stage.say(.epochRefusal(stage.refusal(.keysLost)), 1)
        #expect(stage.lines(log).contains("report epoch 3 of 0 2 3"))
    }

    @Test func newcomersThatAMemberHasNotConfirmedAreLeftOutAndNotIt() throws {
        var stage = try Conductor.ready(3, strangers: 1)
        try stage.register([0, 1, 2, 3])
        try stage.connect(3)
        let context = try stage.runRound()
        #expect(context.round == 1 && stage.members == [0, 1, 2, 3])
        #expect(
            stage.lines(try stage.say(.epochRefusal(stage.refusal(.unknownMember, of: [3])), 1)) == [
                "report refused by 1: unknownMember", "record epochProposed", "report epoch 3 of 0 1 2",
                "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
            ])
    }

    // MARK: Statements that cannot both be honest

    @Test func aSeedThatWasStatedOtherwisePutsItsOwnerOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        for party in 0..<4 { try stage.say(.epochReady(stage.epochReady(party)), party) }
        let sent = try stage.signed(
            SlotSeedStatement(epochHash: stage.proposedPlan.epochHash, slot: 1, seedHash: Stage.digest(99)), 2)
        let dispute = SlotDispute(party: stage.id(2), slotSeed: sent, epochReady: try stage.epochReady(2))
        let log = try stage.say(.slotDispute(dispute), 1)
        #expect(
            stage.lines(log) == [
                "reject 2: conflictingStatements", "record epochProposed", "report epoch 2 of 0 1 3",
                "send Directory to 0 1 3", "send EpochProposal to 0 1 3",
            ])
        #expect(
            log.rejections == [
                .conflictingStatements(of: stage.id(2).hex, first: sent, second: dispute.epochReady)
            ])
    }

    @Test func aDisputeThatShowsNothingIsRefused() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        let hash = stage.proposedPlan.epochHash
        func statement(_ slot: Int, _ seed: Digest, by party: Int, _ epoch: Digest) throws -> Envelope {
            try stage.signed(SlotSeedStatement(epochHash: epoch, slot: slot, seedHash: seed), party)
        }
        let wrong = Stage.digest(99)
        let disputes = [
            // The same hash twice; another's signature; another epoch; a slot that does not exist.
            try statement(1, Stage.digest(33), by: 2, hash), try statement(1, wrong, by: 1, hash),
            try statement(1, wrong, by: 2, Stage.digest(0)), try statement(4, wrong, by: 2, hash),
        ]
        for slotSeed in disputes {
            let dispute = SlotDispute(party: stage.id(2), slotSeed: slotSeed, epochReady: try stage.epochReady(2))
            let log = try stage.say(.slotDispute(dispute), 1)
            #expect(log.hasNoEffect && log.rejections == [.resultInconsistent(field: "dispute")])
        }
    }

    @Test func twoEpochReadyOfOneMemberAreKeptAndPutItOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        let (first, second) = (try stage.epochReady(1), try stage.epochReady(1, seed: 3))
        try stage.say(.epochReady(first), 1)
        let log = try stage.say(.epochReady(second), 1)
        #expect(log.rejections == [.conflictingStatements(of: stage.id(1).hex, first: first, second: second)])
        #expect(stage.lines(log).contains("report epoch 2 of 0 2 3"))
    }

    @Test func whoseCheckKeyIsAnotherThanThatOfTheMostIsLeftOut() throws {
        var stage = try Conductor(4)
        for party in 0..<4 { try stage.connect(party) }
        for party in 0..<3 { try stage.say(.epochReady(stage.epochReady(party)), party) }
        let log = try stage.say(.epochReady(stage.epochReady(3, check: 8)), 3)
        #expect(
            stage.lines(log) == [
                "report 3 lost in check keys differ", "record epochProposed", "report epoch 2 of 0 1 2",
                "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
            ])
    }

    // MARK: What is refused

    @Test func epochReadyThatIsNone() throws {
        var stage = try Conductor(3, strangers: 1)
        try stage.register([0, 1, 2, 3])
        for party in 0..<3 { try stage.connect(party) }
        try stage.connect(3)
        let refused: [(Envelope, Int, PeerMisbehavior)] = [
            (try stage.epochReady(1), 0, .invalid(.signature(message: "EpochReady"))),
            (try stage.epochReady(0, epochHash: Stage.digest(3)), 0, .wrongEpoch(message: "EpochReady")),
            (try stage.epochReady(0, seeds: 2), 0, .resultInconsistent(field: "seed_hashes")),
            (try stage.epochReady(0, seeds: 4), 0, .resultInconsistent(field: "seed_hashes")),
            (try stage.epochReady(3), 3, .notEntitled(message: "EpochReady")),
        ]
        for (statement, party, misbehavior) in refused {
            let log = try stage.say(.epochReady(statement), party)
            #expect(log.hasNoEffect && log.rejections == [misbehavior])
        }
        let log = try stage.say(.slotReady(stage.slotReady(0)), 0)
        #expect(
            log.hasNoEffect
                && log.rejections == [.outOfPhase(message: "SlotReady", phase: "before EpochReadyBundle")])
        #expect(try stage.say(.slotReady(stage.slotReady(3)), 3).rejections == [.notEntitled(message: "SlotReady")])
        #expect(try stage.say(.slotReady(stage.slotReady(1)), 0).rejections.map(\.word) == ["invalid"])
    }

    @Test func refusalsOfAnotherProposalAreDiscarded() throws {
        var stage = try Conductor(3)
        for party in 0..<3 { try stage.connect(party) }
        let other = EpochRefusal(epoch: 1, proposalHash: Stage.digest(5), line: .policy, detail: "")
        let log = try stage.say(.epochRefusal(other), 0)
        #expect(log.hasNoEffect && log.discarded == ["EpochRefusal"])
    }

    @Test func whatBelongsInARoundIsDiscardedDuringASetUp() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        try stage.uploadAll()
        let vote = try stage.vote(0)
        stage = try Conductor(3)
        for party in 0..<3 { try stage.connect(party) }
        let messages: [ControlMessage] = [
            .vote(vote), .silence(Silence(ctx: context.ctx, cause: .noUpdate)), stage.applied(context),
        ]
        for message in messages {
            let log = try stage.say(message, 0)
            #expect(log.hasNoEffect && log.discarded == [message.name])
        }
        for header in [StreamHeader.upload(stage.header(context)), .partial(stage.header(context))] {
            #expect(try stage.offer(header, 0).log.refusals == [.notExpected])
        }
    }
}

extension Conductor {
    /// A refusal of the proposal at hand.
    func refusal(_ line: RefusalLine, of parties: [Int] = []) -> EpochRefusal {
        EpochRefusal(
            epoch: proposedPlan.proposal.epoch, proposalHash: proposedPlan.proposalHash, line: line,
            detail: "because", parties: parties.map(id))
    }
}
