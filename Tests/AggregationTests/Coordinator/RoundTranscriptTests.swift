// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Steps R0 to R4 of the coordinator: every event with every action that it leads to (protocol section 5).
@Suite struct RoundTranscriptTests {
    @Test func aRunFromTheFirstRoundToTheClosingOne() throws {
        var stage = try Conductor.ready(3, rounds: 1)
        let context = try stage.openContext()
        #expect(context.round == 1 && context.cohortMin == 3 && context.elements == 19)
        #expect(stage.lines(try stage.upload(0)) == ["grant 1", "accept upload 1"])
        #expect(stage.lines(try stage.upload(1)) == ["grant 2", "accept upload 2"])
        #expect(
            stage.lines(try stage.upload(2)) == [
                "grant 3", "accept upload 3", "store sum of uploads", "record survivorsFixed",
                "send Survivors to 0 1 2",
            ])
        #expect(stage.lines(try stage.say(.vote(stage.vote(0)), 0)).isEmpty)
        #expect(stage.lines(try stage.say(.vote(stage.vote(1)), 1)).isEmpty)
        // Everybody was heard from when it connected. With three members the first step of the certificate is empty.
        #expect(
            stage.lines(try stage.say(.vote(stage.vote(2)), 2)) == ["record certified", "send Certificate to 0 1 2"])
        #expect(stage.lines(try stage.answer(1)) == ["grant 4", "accept partial 4"])
        #expect(stage.lines(try stage.answer(0)) == ["grant 5", "accept partial 5"])
        #expect(
            stage.lines(try stage.answer(2)) == [
                "grant 6", "accept partial 6", "make sum", "record resultMade", "send Result to 0 1 2",
                "apply over 0 1 2", "record applied", "report round 1 applied, 3 in, 0 out",
            ])
        #expect(stage.machine.phaseName == "applying")
        #expect(stage.lines(try stage.say(stage.applied(context), 0)).isEmpty)
        #expect(stage.lines(try stage.say(stage.applied(context), 1)).isEmpty)
        #expect(
            stage.lines(try stage.say(stage.applied(context), 2)) == [
                "record roundOpened", "begin sums of round 2", "report round 2 closing", "send RoundOpen to 0 1 2",
            ])

        let closing = try stage.openContext()
        #expect(closing.kind == .closing && closing.elements == 9 && closing.base != context.base)
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        #expect(
            stage.lines(try stage.applyAll(closing)) == [
                "record runEnded", "send RunEnd to 0 1 2", "finish complete",
            ])
        #expect(stage.machine.chain.closed && stage.machine.chain.appliedRounds == 1)
        #expect(stage.machine.chain.paramsHash == Stage.digest(101))
    }

    @Test func theResultListsWhoUploadedAndWhoAnswered() throws {
        var stage = try Conductor.ready(5)
        let context = try stage.openContext()
        for party in [0, 1, 2, 4] { try stage.upload(party) }
        let log = try stage.say(.silence(Silence(ctx: context.ctx, cause: .noUpdate)), 3)
        #expect(stage.lines(log).last == "send Survivors to 0 1 2 3 4")
        #expect(stage.machine.phase.voting?.set.indices == [0, 1, 2, 4])
        try stage.voteAll()
        let results = try stage.answerAll()
        let trailer = try #require(
            results.compactMap { if case .sendResult(_, _, let it) = $0 { it } else { nil } }.first)
        let result = try Signed<RoundResult>(opening: trailer, signedBy: stage.key.publicKey).value
        #expect(result.epochHash == context.epochHash && result.ctx == context.ctx)
        #expect(result.bitmap == [0b10111])
        #expect(result.uploadLeaves == [0, 1, 2, 4].map { stage.leaf($0) })
        #expect(result.answered == (0..<5).map { stage.id($0) })
        #expect(result.partialLeaves == (0..<5).map { stage.leaf($0 + 50) })
        #expect(result.sumHash == Stage.digest(77))
        #expect(
            result.root
                == resultRoot(
                    survivors: [0, 1, 2, 4].map { (stage.id($0), stage.leaf($0)) },
                    helpers: (0..<5).map { (stage.id($0), stage.leaf($0 + 50)) }))
    }

    /// With five members one certificate can go out without barring the way back: four others that have answered nothing
    /// would be enough.
    @Test func theCertificateGoesOutInTwoStepsWhereTheFirstIsNotEmpty() throws {
        var stage = try Conductor.ready(7)
        try stage.uploadAll()
        for party in 0..<6 { try stage.say(.vote(stage.vote(party)), party) }
        #expect(
            stage.lines(try stage.say(.vote(stage.vote(6)), 6)) == ["record certified", "send Certificate to 0 1"])
        #expect(stage.machine.answeredUnderBase == Set([0, 1].map { stage.id($0) }))
        #expect(stage.lines(try stage.answer(1)) == ["grant 8", "accept partial 8"])
        #expect(
            stage.lines(try stage.answer(0)) == [
                "grant 9", "accept partial 9", "record certified", "send Certificate to 2 3 4 5 6",
            ])
    }

    @Test func vectorsComeAFewAtATime() throws {
        var stage = try Conductor.ready(6)
        let context = try stage.openContext()
        var logs: [[String]] = []
        for party in 0..<6 { logs.append(stage.lines(try stage.offer(.upload(stage.header(context)), party).log)) }
        #expect(logs == [["grant 1"], ["grant 2"], ["grant 3"], ["grant 4"], [], []])
        #expect(
            stage.lines(try stage.end(StreamID(2), leaf: stage.leaf(1), stage.uploadTrailer(1, context))) == [
                "accept upload 2", "grant 5",
            ])
        // A place becomes free when a connection breaks, and when a vector does not come.
        let log = try stage.fail(StreamID(1))
        #expect(stage.lines(log) == ["grant 6"])
    }

    // MARK: Votes

    @Test func theCertificateWaitsForFreshPongs() throws {
        var stage = try Conductor.ready(3)
        try stage.uploadAll()
        stage.now += .seconds(3)
        try stage.pong(0)
        for party in 0..<2 { try stage.say(.vote(stage.vote(party)), party) }
        #expect(stage.lines(try stage.say(.vote(stage.vote(2)), 2)) == ["ping 0 1 2"])
        #expect(stage.lines(try stage.pong(1)).isEmpty)
        #expect(stage.lines(try stage.pong(2)) == ["record certified", "send Certificate to 0 1 2"])
    }

    /// Otherwise some would be stale whenever the others are not, and all of them be taken for silent in the end.
    @Test func whoseLastPongIsAlmostASecondOldIsPingedWithTheOthers() throws {
        var stage = try Conductor.ready(3)
        try stage.uploadAll()
        stage.now += .seconds(3)
        for party in 0..<2 { try stage.pong(party) }
        stage.now += .milliseconds(999)
        for party in 0..<2 { try stage.say(.vote(stage.vote(party)), party) }
        #expect(stage.lines(try stage.say(.vote(stage.vote(2)), 2)) == ["ping 0 1 2"])
        stage.now += .milliseconds(2)
        #expect(stage.lines(try stage.pong(2)).isEmpty)
        #expect(stage.lines(try stage.pong(1)).isEmpty)
        #expect(stage.lines(try stage.pong(0)) == ["record certified", "send Certificate to 0 1 2"])
    }

    @Test func whoDoesNotAnswerAPingIsPingedAgainAndThenLost() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        stage.now += .seconds(3)
        for party in 0..<4 { try stage.say(.vote(stage.vote(party)), party) }
        for _ in 0..<6 {
            for party in 0..<3 { try stage.pong(party) }
            let log = stage.lines(try stage.wait(.seconds(1)))
            #expect(log == ["ping 0 1 2 3"], "\(log)")
        }
        for party in 0..<3 { try stage.pong(party) }
        #expect(
            stage.lines(try stage.wait(.milliseconds(900))).isEmpty)
        for party in 0..<3 { try stage.pong(party) }
        #expect(
            stage.lines(try stage.wait(.milliseconds(100))) == [
                "report 3 lost in votes", "record epochProposed", "report epoch 2 of 0 1 2",
                "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
            ])
    }

    @Test func twoVotesForDifferentSetsAreEvidenceAndStopTheRun() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        let (other, good) = (try stage.vote(1, for: [0, 1, 2]), try stage.vote(1))
        let first = try stage.say(.vote(other), 1)
        #expect(first.hasNoEffect && first.rejections == [.wrongRound(message: "Vote")])
        let log = try stage.say(.vote(good), 1)
        #expect(
            stage.lines(log) == [
                "reject 1: conflictingStatements", "record runEnded", "send RunEnd to 0 1 2 3",
                "finish verificationFailed",
            ])
        #expect(log.rejections == [.conflictingStatements(of: stage.id(1).hex, first: other, second: good)])
        #expect(log.end?.sentence.hasPrefix("conflicting statements: site-1") == true)
    }

    @Test func aSecondVoteWhileHelpersAnswerIsEvidenceToo() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        try stage.voteAll()
        #expect(try stage.say(.vote(stage.vote(2)), 2).isEmpty, "the same again has no effect")
        let log = try stage.say(.vote(stage.vote(2, for: [1, 2, 3])), 2)
        #expect(log.end?.outcome == .verificationFailed)
    }

    @Test func aVoteForAnotherSetUnderAnotherBaseIsNoEvidence() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        try stage.say(.vote(stage.vote(1)), 1)
        let log = try stage.say(.vote(stage.vote(1, for: [0, 1, 2], base: Stage.digest(3))), 1)
        #expect(log.hasNoEffect && log.rejections == [.wrongRound(message: "Vote")])
    }

    // MARK: What is refused

    @Test func uploadsThatAreNone() throws {
        var stage = try Conductor.ready(3, strangers: 1)
        try stage.register([0, 1, 2, 3])
        try stage.connect(3)
        let context = try stage.openContext()
        let good = stage.header(context)
        let headers: [(StreamHeader, Int)] = [
            (.upload(VectorHeader(ctx: Stage.digest(1), slot: 0, elements: 19)), 0),
            (.upload(VectorHeader(ctx: context.ctx, slot: 0, elements: 18)), 0),
            (.upload(good), 3), (.partial(good), 0),
            (.result(ResultHeader(open: stage.machine.phase.openRound!.open, ctx: context.ctx, elements: 19)), 0),
            (.handover(stage.machine.handoverHeader), 0),
        ]
        for (header, party) in headers {
            let log = try stage.offer(header, party).log
            #expect(log.hasNoEffect && log.refusals == [.notExpected])
        }
        let trailers: [(Envelope, PeerMisbehavior)] = [
            (try stage.uploadTrailer(1, context), .invalid(.signature(message: "Upload"))),
            (try stage.uploadTrailer(0, context, leaf: Stage.digest(88)), .leafMismatch(party: stage.id(0))),
            (
                try stage.signed(Upload(epochHash: context.epochHash, ctx: .zero, leaf: stage.leaf(0)), 0),
                .wrongRound(message: "Upload")
            ),
            (
                try stage.signed(Upload(epochHash: .zero, ctx: context.ctx, leaf: stage.leaf(0)), 0),
                .wrongRound(message: "Upload")
            ),
        ]
        for (trailer, misbehavior) in trailers {
            let stream = try stage.offer(.upload(good), 0).stream
            let log = try stage.end(stream, leaf: stage.leaf(0), trailer)
            #expect(log.hasNoEffect && log.refusals == [.invalid] && log.rejections == [misbehavior])
        }
        // A stream that was never granted, or that is over.
        #expect(
            try stage.end(StreamID(99), leaf: stage.leaf(0), stage.uploadTrailer(0, context)).refusals == [.notExpected]
        )
        // It may still send the right one, once.
        #expect(try stage.upload(0).rejections.isEmpty)
        #expect(try stage.offer(.upload(good), 0).log.refusals == [.alreadyHeld])
    }

    @Test func votesThatAreNone() throws {
        var stage = try Conductor.ready(3, strangers: 1)
        try stage.register([0, 1, 2, 3])
        try stage.connect(3)
        let early = Vote(epochHash: .zero, ctx: .zero, base: .zero, survivorsHash: .zero)
        let log = try stage.say(.vote(stage.signed(early, 0)), 0)
        #expect(log.hasNoEffect && log.discarded == ["Vote"])
        let context = try stage.openContext()
        try stage.uploadAll()
        let hash = try #require(stage.machine.phase.voting).set.hash(epochHash: context.epochHash)
        func vote(_ epochHash: Digest, _ ctx: Digest, _ base: Digest, by party: Int) throws -> Envelope {
            try stage.signed(Vote(epochHash: epochHash, ctx: ctx, base: base, survivorsHash: hash), party)
        }
        let refused: [(Envelope, Int, PeerMisbehavior)] = [
            (try stage.vote(1), 0, .invalid(.signature(message: "Vote"))),
            (try stage.vote(3), 3, .notEntitled(message: "Vote")),
            (try vote(.zero, context.ctx, context.base, by: 0), 0, .wrongRound(message: "Vote")),
            (try vote(context.epochHash, .zero, context.base, by: 0), 0, .wrongRound(message: "Vote")),
            (try vote(context.epochHash, context.ctx, .zero, by: 0), 0, .wrongRound(message: "Vote")),
        ]
        for (envelope, party, misbehavior) in refused {
            let log = try stage.say(.vote(envelope), party)
            #expect(log.hasNoEffect && log.rejections == [misbehavior])
        }
        #expect(stage.machine.phase.voting?.votes.isEmpty == true)
    }

    /// A vote whose bytes the members would not count must not be put into their certificate.
    @Test func aVoteWithOtherBytesIsNotCounted() throws {
        var stage = try Conductor.ready(3)
        try stage.uploadAll()
        // Field 15, a varint: unknown, so that the value parses as the same.
        let payload = try stage.vote(0).payload + [0x78, 0x01]
        let input = signatureInput(Vote.name, epoch: stage.plan.epochHash, payload: payload)
        let envelope = Envelope(payload: payload, signature: try stage.parties[0].sign(input))
        #expect(throws: Never.self) { try Signed<Vote>(opening: envelope, signedBy: stage.parties[0].publicKey) }
        let log = try stage.say(.vote(envelope), 0)
        #expect(log.hasNoEffect && log.rejections == [.wrongRound(message: "Vote")])
        #expect(try stage.say(.vote(stage.vote(0)), 0).rejections.isEmpty, "which is no evidence")
    }

    @Test func partialsThatAreNone() throws {
        var stage = try Conductor.ready(3)
        try stage.uploadAll()
        let context = try stage.openContext()
        #expect(
            try stage.offer(.partial(stage.header(context)), 0).log.refusals == [.notExpected], "no certificate yet")
        try stage.voteAll()
        for header in [
            stage.header(context, slot: 1), stage.header(context, slot: 3),
            VectorHeader(ctx: .zero, slot: 0, elements: 19), VectorHeader(ctx: context.ctx, slot: 0, elements: 20),
        ] {
            let log = try stage.offer(.partial(header), 0).log
            #expect(log.hasNoEffect && log.refusals == [.notExpected])
        }
        let survivors = SurvivorSet([0, 1], of: 3).hash(epochHash: context.epochHash)
        let hash = try #require(stage.machine.phase.voting).set.hash(epochHash: context.epochHash)
        func partial(_ ctx: Digest, _ set: Digest, _ slot: Int) throws -> Envelope {
            try stage.signed(
                Partial(epochHash: context.epochHash, ctx: ctx, survivorsHash: set, slot: slot, leaf: stage.leaf(50)), 0
            )
        }
        let trailers: [(Envelope, PeerMisbehavior)] = [
            (try stage.partialTrailer(1, context), .invalid(.signature(message: "Partial"))),
            (try stage.partialTrailer(0, context, leaf: .zero), .leafMismatch(party: stage.id(0))),
            (try partial(.zero, hash, 0), .wrongRound(message: "Partial")),
            (try partial(context.ctx, survivors, 0), .wrongRound(message: "Partial")),
            (try partial(context.ctx, hash, 1), .notEntitled(message: "Partial")),
            (try partial(context.ctx, hash, 7), .notEntitled(message: "Partial")),
        ]
        for (trailer, misbehavior) in trailers {
            let stream = try stage.offer(.partial(stage.header(context)), 0).stream
            let log = try stage.end(stream, leaf: stage.leaf(50), trailer)
            #expect(log.hasNoEffect && log.refusals == [.invalid] && log.rejections == [misbehavior])
        }
        #expect(try stage.answer(0).rejections.isEmpty)
        #expect(try stage.offer(.partial(stage.header(context)), 0).log.refusals == [.alreadyHeld])
    }

    @Test func whatComesAfterItsPhase() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        let (ready, slotReady) = (
            try stage.signed(
                EpochReady(epochHash: context.epochHash, own: true, readyHash: .zero, seedHashes: []), 0),
            try stage.signed(SlotReady(epochHash: context.epochHash), 0)
        )
        let silence = ControlMessage.silence(Silence(ctx: context.ctx, cause: .noUpdate))
        func late(_ messages: [ControlMessage]) throws {
            for message in messages {
                let log = try stage.say(message, 0)
                #expect(log.hasNoEffect && log.discarded == [message.name], "in \(stage.machine.phaseName)")
            }
        }
        let setUp: [ControlMessage] = [.epochReady(ready), .slotReady(slotReady)]
        try late(setUp + [stage.applied(context)])
        for party in 0..<3 { try stage.upload(party) }
        try late([silence])
        try stage.wait(.seconds(600))
        // Whoever is in the set is told that its vector is held, and who is not that it is too late.
        #expect(try stage.offer(.upload(stage.header(context)), 0).log.refusals == [.alreadyHeld])
        #expect(try stage.offer(.upload(stage.header(context)), 3).log.refusals == [.notExpected])
        try late(setUp + [silence, stage.applied(context)])
        let vote = try stage.vote(0)
        try stage.voteAll()
        try late(setUp + [silence, stage.applied(context)])
        #expect(try stage.offer(.upload(stage.header(context)), 2).log.refusals == [.alreadyHeld])
        try stage.answerAll()
        #expect(stage.machine.phaseName == "applying")
        try late(setUp + [silence, .vote(vote)])
        #expect(try stage.offer(.partial(stage.header(context)), 0).log.refusals == [.notExpected])
        try stage.applyAll(context)
        #expect(stage.machine.phaseName == "setting up")
        try late([silence, .vote(vote), stage.applied(context)])
    }

    @Test func whatOnlyACoordinatorSaysIsRefused() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        let envelope = try stage.uploadTrailer(0, context)
        let messages: [ControlMessage] = [
            .certificate(VoteCertificate(ctx: context.ctx, votes: [])), .directory(Directory(entries: [])),
            .epochProposal(envelope), .epochReadyBundle([]),
            .roundOpen(stage.machine.phase.openRound!.open), .runEnd(RunEnd(outcome: .complete, sentence: "")),
            .skip(envelope), .slotReject(SlotReject(epoch: 1, proposal: nil)), .survivors(envelope),
            .slotSeed(SlotSeed(statement: envelope, seed: SecretBytes([1]))),
            .slotSeedAck(SlotSeedAck(statement: envelope, checkShare: SecretBytes([1]))),
        ]
        for message in messages {
            let log = try stage.say(message, 0)
            #expect(log.hasNoEffect && log.rejections == [.notEntitled(message: message.name)])
        }
    }

    // MARK: Skip and deadlines

    @Test func tooFewUploadsAreASkipAndTheNextRound() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        try stage.upload(0)
        try stage.upload(1)
        #expect(stage.lines(try stage.say(.silence(Silence(ctx: context.ctx, cause: .noUpdate)), 2)).isEmpty)
        let log = try stage.say(.silence(Silence(ctx: context.ctx, cause: .policy)), 3)
        #expect(
            stage.lines(log) == [
                "record skipped", "send Skip to 0 1 2 3", "report round 1 skipped: belowCohortMinimum",
                "record roundOpened", "begin sums of round 2", "report round 2 training", "send RoundOpen to 0 1 2 3",
            ])
        let next = try stage.openContext()
        #expect(next.base == context.base && next.ctx != context.ctx && stage.machine.chain.index == 1)
    }

    @Test func threeSkipsInARowEndTheRun() throws {
        var stage = try Conductor.ready(3)
        var log: [CoordinatorAction] = []
        for _ in 0..<3 {
            let ctx = try stage.openContext().ctx
            for party in 0..<3 { log = try stage.say(.silence(Silence(ctx: ctx, cause: .noUpdate)), party) }
        }
        #expect(log.end?.outcome == .aborted && log.end?.sentence.contains("3 rounds in a row") == true)
    }

    @Test func aRoundGoesOnWithoutWhoeverIsLate() throws {
        var stage = try Conductor.ready(4)
        for party in [0, 1, 3] { try stage.upload(party) }
        #expect(stage.lines(try stage.wait(.seconds(599))).isEmpty)
        #expect(
            stage.lines(try stage.wait(.seconds(1))) == [
                "store sum of uploads", "record survivorsFixed", "send Survivors to 0 1 2 3",
            ])
        #expect(stage.machine.phase.voting?.set.indices == [0, 1, 3])
    }

    @Test func aDeadlineWithTooFewUploadsIsASkip() throws {
        var stage = try Conductor.ready(4)
        let context = try stage.openContext()
        try stage.upload(0)
        let open = try stage.offer(.upload(stage.header(context)), 1).stream
        let log = stage.lines(try stage.wait(.seconds(600)))
        #expect(
            Array(log.prefix(4)) == [
                "refuse \(open.number): notExpected", "record skipped", "send Skip to 0 1 2 3",
                "report round 1 skipped: deadline",
            ])
    }

    @Test func whoDoesNotVoteIsLost() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        for party in 0..<3 { try stage.say(.vote(stage.vote(party)), party) }
        #expect(stage.lines(try stage.wait(.seconds(9))).isEmpty)
        #expect(
            stage.lines(try stage.wait(.seconds(1))) == [
                "report 3 lost in votes", "record epochProposed", "report epoch 2 of 0 1 2",
                "send Directory to 0 1 2", "send EpochProposal to 0 1 2",
            ])
    }

    /// All four hold the certificate: whoever is silent now can be replaced by nobody. It is asked again, for a minute.
    @Test func whoDoesNotAnswerIsAskedAgainAndThenEndsTheRun() throws {
        var stage = try Conductor.ready(4)
        try stage.uploadAll()
        try stage.voteAll()
        for party in 0..<3 { try stage.answer(party) }
        #expect(stage.lines(try stage.wait(.seconds(29))).isEmpty)
        let again = ["report 3 lost in partials", "report waiting for 3", "send Certificate to 0 1 2 3"]
        #expect(stage.lines(try stage.wait(.seconds(1))) == again)
        #expect(stage.lines(try stage.wait(.seconds(30))) == again)
        let log = try stage.wait(.seconds(30))
        #expect(
            stage.lines(log) == [
                "report 3 lost in partials", "report waiting for 3", "record runEnded", "send RunEnd to 0 1 2 3",
                "finish aborted",
            ])
        #expect(log.end?.sentence.hasPrefix("connected and silent: site-3 for 60.0 seconds") == true)
    }

    @Test func whoDoesNotVoteAndCannotBeReplacedEndsTheRun() throws {
        var stage = try Conductor.ready(3)
        try stage.uploadAll()
        for party in 0..<2 { try stage.say(.vote(stage.vote(party)), party) }
        for _ in 1...6 {
            #expect(
                stage.lines(try stage.wait(.seconds(10))) == [
                    "report 2 lost in votes", "report waiting for 2", "send Survivors to 0 1 2",
                ])
            // The others repeat their votes, which is no progress.
            for party in 0..<2 { try stage.say(.vote(stage.vote(party)), party) }
        }
        let log = try stage.wait(.seconds(10))
        #expect(log.end?.sentence.hasPrefix("connected and silent: site-2") == true)
    }

    @Test func aResultThatSomeDoNotApplyIsNotWaitedForLongerThanAMinute() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        try stage.say(stage.applied(context), 0)
        #expect(stage.lines(try stage.wait(.seconds(59))).isEmpty)
        #expect(stage.lines(try stage.wait(.seconds(1))).contains("report round 2 training"))
    }

    @Test func theSumAndItsApplicationAreTakenOnce() throws {
        var stage = try Conductor.ready(3)
        let context = try stage.openContext()
        stage.sumsAtOnce = false
        stage.appliesAtOnce = false
        #expect(try stage.makeSum(context.ctx).isEmpty, "nobody asked for one")
        try stage.uploadAll()
        try stage.voteAll()
        #expect(stage.lines(try stage.answerAll()).last == "make sum")
        #expect(try stage.makeSum(.zero).isEmpty)
        #expect(try stage.apply(context.ctx).isEmpty)
        #expect(
            stage.lines(try stage.makeSum(context.ctx)) == [
                "record resultMade", "send Result to 0 1 2", "apply over 0 1 2",
            ])
        #expect(try stage.makeSum(context.ctx).isEmpty)
        #expect(try stage.apply(.zero).isEmpty)
        // Members may be quicker than the coordinator.
        #expect(try stage.applyAll(context).isEmpty)
        #expect(
            stage.lines(try stage.apply(context.ctx)).prefix(2) == [
                "record applied", "report round 1 applied, 3 in, 0 out",
            ])
        #expect(try stage.apply(context.ctx).isEmpty)
        #expect(stage.machine.chain.appliedRounds == 1)
    }

    // MARK: The end

    @Test func parametersThatStopChangingEndTheRun() throws {
        var stage = try Conductor.ready(3, rounds: 5)
        try stage.runRound()
        stage.nextParameters = stage.machine.chain.paramsHash
        let context = try stage.openContext()
        try stage.uploadAll()
        try stage.voteAll()
        try stage.answerAll()
        #expect(
            stage.lines(try stage.applyAll(context)) == ["record runEnded", "send RunEnd to 0 1 2", "finish converged"])
    }

    @Test func theOperatorsWordEndsTheRun() throws {
        var stage = try Conductor.ready(3)
        let log = try stage.stop()
        #expect(stage.lines(log) == ["record runEnded", "send RunEnd to 0 1 2", "finish aborted"])
        let header = VectorHeader(ctx: .zero, slot: 0, elements: 19)
        #expect(try stage.offer(.upload(header), 0).log.isEmpty)
        #expect(try stage.connect(0).isEmpty)
    }

    @Test func anEpochWhoseRoundsAreUsedUpIsFollowedByAnother() throws {
        var stage = try Conductor.ready(3, rounds: 9) { $1.roundsPerEpoch = 2 }
        try stage.runRound()
        try stage.runRound()
        #expect(stage.machine.phaseName == "setting up" && stage.proposedPlan.rounds == 3..<5)
        #expect(try stage.setUp().sent(to: stage.id(0)).map(\.name) == ["EpochReadyBundle", "RoundOpen"])
    }
}
