// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Steps R0 to R3 of a member against a coordinator that may lie (protocol section 5).
@Suite struct RoundTests {
    private func rejections(_ stage: inout Stage, _ message: ControlMessage) throws -> [PeerMisbehavior] {
        let facts = stage.sites[0].facts
        let actions = try stage.sites[0].receive(message)
        #expect(stage.sites[0].facts == facts, "what is rejected leaves no fact")
        #expect(actions.sent.isEmpty && actions.uploads.isEmpty && actions.partials.isEmpty)
        return actions.rejections
    }

    @Test func aWholeRoundInThisOrder() throws {
        var stage = try Stage.ready(3)
        var log = try stage.sites[0].receive(.roundOpen(stage.open(1)))
        #expect(
            log.lines == [
                "record entered", "make update", "record updateKept", "make vector", "record uploaded", "send Upload",
            ])
        let context = try stage.openRound(1)
        log = try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context)))
        #expect(log.lines == ["record locked", "send Vote"])
        let votes = try stage.sites.indices.map { try stage.vote($0, [0, 1, 2], context) }
        #expect(log.votes.map(\.payload) == [votes[0].payload])
        log = try stage.sites[0].receive(stage.certificate([0, 1, 2], [0, 1, 2], context))
        #expect(log.lines == ["record answered", "answer", "send Partial"])
        for index in [1, 2] {
            try stage.sites[index].receive(.survivors(stage.survivors([0, 1, 2], context)))
            try stage.sites[index].receive(stage.certificate([0, 1, 2], [0, 1, 2], context))
        }
        let result = try stage.result([0, 1, 2], context)
        log = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.lines == ["verify result", "record applied", "delete update"])
    }

    @Test func aRunEndsInAClosingRoundWithOneModelEverywhere() throws {
        var stage = try Stage.ready(4, rounds: 2)
        try stage.runRound(1)
        try stage.runRound(2)
        let before = stage.sites[0].parameters
        #expect(
            try rejections(&stage, .roundOpen(stage.open(3))) == [
                .outOfPhase(message: "RoundOpen", phase: "round kind training")
            ])
        let context = try stage.runRound(3, kind: .closing)
        #expect(context.elements == 9)
        #expect(stage.sites[0].parameters == before)
        #expect(Set(stage.sites.map { $0.ledger.chain?.modelHash }).count == 1)
        #expect(stage.sites.allSatisfy { $0.ledger.chain?.closed == true && $0.parameters == before })
        for kind in [RoundKind.training, .closing] {
            #expect(try rejections(&stage, .roundOpen(stage.open(4, kind: kind))).count == 1)
        }
    }

    // MARK: RoundOpen

    @Test func roundsThatAreNotTheOneExpected() throws {
        var stage = try Stage.ready(3)
        let good = try stage.open(3)
        func open(
            epochHash: Digest? = nil, round: UInt64? = nil, kind: RoundKind? = nil, modelHash: Digest? = nil,
            encodingHash: Digest? = nil
        ) -> ControlMessage {
            .roundOpen(
                RoundOpen(
                    epochHash: epochHash ?? good.epochHash, round: round ?? good.round, kind: kind ?? good.kind,
                    modelHash: modelHash ?? good.modelHash, encodingHash: encodingHash ?? good.encodingHash,
                    deadlineSeconds: 60))
        }
        let other = Stage.digest(9)
        #expect(try rejections(&stage, open(epochHash: other)) == [.wrongEpoch(message: "RoundOpen")])
        #expect(try rejections(&stage, open(modelHash: other)) == [.modelMismatch])
        #expect(try rejections(&stage, open(encodingHash: other)) == [.encodingMismatch])
        #expect(
            try rejections(&stage, open(kind: .closing)) == [
                .outOfPhase(message: "RoundOpen", phase: "round kind closing")
            ])
        // The epoch has the rounds 1 to 10.
        #expect(try rejections(&stage, open(round: 11)) == [.roundOutOfOrder(round: 11)])
        #expect(try rejections(&stage, open(round: 1 << 32)) == [.roundOutOfOrder(round: 1 << 32)])
        #expect(try stage.sites[0].receive(open()).uploads.count == 1)
        #expect(try rejections(&stage, open(round: 2)) == [.roundOutOfOrder(round: 2)])
    }

    @Test func theEncodingOfAClosingRoundIsAnother() throws {
        let stage = try Stage.ready(3)
        let training = stage.configuration.encoding(kind: .training, scale: .exact)
        let closing = stage.configuration.encoding(kind: .closing, scale: .exact)
        #expect(training.hash != closing.hash)
        #expect(training.elements == 19 && closing.elements == 9)
    }

    @Test func roundsBeforeTheEpoch() throws {
        var stage = try Stage.ready(3)
        try stage.enterEpoch(2, round: 100)
        #expect(try rejections(&stage, .roundOpen(stage.open(99))) == [.roundOutOfOrder(round: 99)])
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(100))).uploads.count == 1)
    }

    @Test func aCrashBetweenTheFactAndTheKeysOfARound() throws {
        var stage = try Stage.ready(3)
        let keys = stage.sites[0].keysFile
        try stage.openRound(5)
        stage.sites[0].keysFile = keys
        try stage.sites[0].restart()
        #expect(try rejections(&stage, .roundOpen(stage.open(3))) == [.roundOutOfOrder(round: 3)])
        // The same round goes on, and with the same bytes: the vector's leaf is the one that was recorded.
        let log = try stage.sites[0].receive(.roundOpen(stage.open(5)))
        #expect(log.lines == ["store keys", "make vector", "send Upload"])
    }

    @Test func theSameRoundAgainIsAnsweredWithTheSameBytes() throws {
        var stage = try Stage.ready(3)
        let open = try ControlMessage.roundOpen(stage.open(1))
        let first = try stage.sites[0].receive(open).uploads
        let again = try stage.sites[0].receive(open)
        #expect(again.lines == ["send Upload"])
        #expect(again.uploads.first?.trailer == first.first?.trailer)
        // After a crash the signature is another, the vector is not.
        try stage.sites[0].restart()
        let later = try stage.sites[0].receive(open)
        #expect(later.lines == ["make vector", "send Upload"])
        let leaf = try #require(later.uploads.first.map { try Upload(payload: $0.trailer.payload).leaf })
        #expect(leaf == (try Upload(payload: first[0].trailer.payload).leaf))
        #expect(stage.sites[0].updatesMade == 1)
    }

    @Test func theSameRoundWithAnotherModelOrEncodingIsNotTheSame() throws {
        var stage = try Stage.ready(3)
        let good = try stage.open(1)
        func open(modelHash: Digest? = nil, encodingHash: Digest? = nil, seconds: Int = 60) -> ControlMessage {
            .roundOpen(
                RoundOpen(
                    epochHash: good.epochHash, round: 1, kind: .training, modelHash: modelHash ?? good.modelHash,
                    encodingHash: encodingHash ?? good.encodingHash, deadlineSeconds: seconds))
        }
        try stage.sites[0].receive(open())
        #expect(try rejections(&stage, open(modelHash: Stage.digest(9))) == [.modelMismatch])
        #expect(try rejections(&stage, open(encodingHash: Stage.digest(9))) == [.encodingMismatch])
        #expect(try stage.sites[0].receive(open(seconds: 5)).lines == ["send Upload"])
    }

    @Test func aPolicyThatAllowsNoMoreRoundsToday() throws {
        var policy = SitePolicy()
        policy.roundsPerDay = 2
        policy.epochsPerDay = 3
        var stage = try Stage.ready(3, policy: policy)
        stage.sites[0].member.activity = .init(rounds: 2, epochs: 3)
        let log = try stage.sites[0].receive(.roundOpen(stage.open(1)))
        #expect(log.silences == [.policy] && log.uploads.isEmpty)
        let proposal = try ControlMessage.epochProposal(stage.proposal(2, round: 5))
        #expect(try stage.sites[0].receive(proposal).refusals.map(\.line) == [.policy])
        stage.sites[0].member.activity = .init(rounds: 1, epochs: 2)
        #expect(try stage.sites[0].receive(proposal).refusals.isEmpty)
    }

    // MARK: Replays

    @Test func whatWasSaidInEarlierRoundsAndEpochsChangesNothingLater() throws {
        var stage = try Stage.ready(4)
        let all = [0, 1, 2, 3]
        let first = try stage.openRound(1)
        let bundle = try stage.sites.map { _ in try stage.skip(first) }
        let old: [ControlMessage] = [
            .roundOpen(try stage.open(1)), .survivors(try stage.survivors(all, first)),
            try stage.certificate(all, all, first), .skip(try stage.skip(first)), .epochReadyBundle(bundle),
        ]
        try stage.answer(all, first)
        let result = try stage.result(all, first)
        try stage.publish(all, first)

        let second = try stage.openRound(2)
        try replay(old, result, into: &stage)
        try stage.sites[0].receive(.survivors(stage.survivors(all, second)))
        try replay(old, result, into: &stage)
        try stage.sites[0].receive(stage.certificate(all, all, second))
        try replay(old, result, into: &stage)
        for index in 1..<4 {
            try stage.sites[index].receive(.survivors(stage.survivors(all, second)))
            try stage.sites[index].receive(stage.certificate(all, all, second))
        }
        try stage.publish(all, second)
        #expect(Set(stage.sites.map { $0.ledger.chain?.modelHash }).count == 1)

        try stage.enterEpoch(2, round: 5)
        try stage.openRound(5)
        try replay(old + [.roundOpen(stage.open(2))], result, into: &stage)
    }

    private func replay(
        _ messages: [ControlMessage], _ result: (header: ResultHeader, trailer: Envelope, sum: Field64Vector),
        into stage: inout Stage
    ) throws {
        let before = stage.sites[0]
        for _ in 0..<2 {
            for message in messages.shuffled() {
                let actions = try stage.sites[0].receive(message)
                #expect(actions.lines == ["reject"] || actions.lines == ["send SlotReady"], "\(message.name)")
                #expect(actions.stops.isEmpty)
            }
            let actions = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
            #expect(actions.lines == ["reject"])
        }
        #expect(stage.sites[0].facts == before.facts)
        #expect(stage.sites[0].keysFile == before.keysFile)
        #expect(stage.sites[0].member.openRound == before.member.openRound)
        #expect(stage.sites[0].member.round?.survivors?.envelope == before.member.round?.survivors?.envelope)
    }

    @Test func aVectorThatCannotBeMadeAgainIsNotReplaced() throws {
        var stage = try Stage.ready(3)
        let open = try ControlMessage.roundOpen(stage.open(1))
        try stage.sites[0].receive(open)
        let kept = try #require(stage.sites[0].update)
        // Another blind: what a lost or restored file would give.
        stage.sites[0].update = KeptUpdate(
            base: kept.base, delta: kept.delta, samples: kept.samples, lossSum: kept.lossSum, correct: kept.correct,
            tested: kept.tested, seed: SecretBytes(randomCount: 32))
        try stage.sites[0].restart()
        var actions = try stage.sites[0].receive(open)
        #expect(actions.silences == [.cannotRepeat] && actions.uploads.isEmpty)
        stage.sites[0].update = nil
        try stage.sites[0].restart()
        actions = try stage.sites[0].receive(open)
        #expect(actions.silences == [.cannotRepeat] && actions.uploads.isEmpty)
        #expect(try stage.sites[0].receive(open).silences == [.cannotRepeat])
    }

    @Test func aSiteWithoutAnUpdateSaysSo() throws {
        var stage = try Stage.ready(3)
        stage.sites[0].trainsAtOnce = false
        let open = try ControlMessage.roundOpen(stage.open(1))
        #expect(try stage.sites[0].receive(open).lines == ["record entered", "make update"])
        #expect(try stage.sites[0].receive(open).isEmpty)
        let base = try #require(stage.sites[0].member.openRound).base
        let failed = try stage.sites[0].perform(stage.sites[0].member.updateFailed(for: base))
        #expect(failed.silences == [.noUpdate])
        // It still votes and answers.
        let context = try #require(stage.sites[0].member.openRound)
        #expect(try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context))).votes.count == 1)
    }

    // MARK: Skip

    @Test func afterASkipTheSameUpdateIsEncodedAgain() throws {
        var stage = try Stage.ready(3)
        let first = try stage.openRound(1)
        let update = stage.sites[0].update
        let skip = try ControlMessage.skip(stage.skip(first))
        for index in stage.sites.indices {
            #expect(try stage.sites[index].receive(skip).lines == ["record skipped"])
        }
        let second = try stage.openRound(2)
        #expect(second.base == first.base && second.ctx != first.ctx && second.modelHash != first.modelHash)
        #expect(stage.sites[0].updatesMade == 1)
        #expect(stage.sites[0].update == update)
        #expect(stage.sites[0].uploads[first.ctx] != stage.sites[0].uploads[second.ctx])
        try stage.answer([0, 1, 2], second)
        try stage.publish([0, 1, 2], second)
        #expect(stage.sites[0].update == nil)
    }

    @Test func anUpdateThatComesAfterTheSkipIsTheOneThatIsEncoded() throws {
        var stage = try Stage.ready(3)
        stage.sites[0].trainsAtOnce = false
        let first = try stage.openRound(1)
        for index in stage.sites.indices { try stage.sites[index].receive(.skip(stage.skip(first))) }
        let late = try stage.sites[0].train(first)
        #expect(late.lines == ["record updateKept"])
        let log = try stage.sites[0].receive(.roundOpen(stage.open(2)))
        #expect(log.lines == ["record entered", "store keys", "make vector", "record uploaded", "send Upload"])
    }

    @Test func aSkipOfAnotherRoundOrEpoch() throws {
        var stage = try Stage.ready(3)
        let first = try stage.openRound(1)
        let skip = try stage.skip(first)
        let forged = try Signed(signing: Skip(payload: skip.payload), with: stage.sites[1].key).envelope
        #expect(try rejections(&stage, .skip(forged)) == [.invalid(.signature(message: "Skip"))])
        let ctx = try Signed(
            signing: Skip(epochHash: first.epochHash, ctx: Stage.digest(1), round: 1, reason: .deadline),
            with: stage.coordinator
        ).envelope
        #expect(try rejections(&stage, .skip(ctx)) == [.wrongRound(message: "Skip")])
        let epoch = try Signed(
            signing: Skip(epochHash: Stage.digest(1), ctx: first.ctx, round: 1, reason: .deadline),
            with: stage.coordinator
        ).envelope
        #expect(try rejections(&stage, .skip(epoch)) == [.wrongEpoch(message: "Skip")])
        try stage.sites[0].receive(.skip(skip))
        // Replayed, it changes nothing.
        #expect(try rejections(&stage, .skip(skip)) == [.wrongRound(message: "Skip")])
        #expect(try rejections(&stage, .survivors(stage.survivors([0, 1, 2], first))).count == 1)
        #expect(try rejections(&stage, .roundOpen(stage.open(1))) == [.roundOutOfOrder(round: 1)])
    }

    @Test func aSkipAfterTheSetIsEvidence() throws {
        var stage = try Stage.ready(3)
        let context = try stage.openRound(1)
        let survivors = try stage.survivors([0, 1, 2], context)
        try stage.sites[0].receive(.survivors(survivors))
        let skip = try stage.skip(context)
        let actions = try stage.sites[0].receive(.skip(skip))
        let evidence = PeerMisbehavior.conflictingStatements(of: "coordinator", first: survivors, second: skip)
        #expect(actions.rejections == [evidence])
        #expect(actions.stops == [.evidence(evidence)])
        #expect(actions.facts.isEmpty)
    }

    // MARK: Survivors

    @Test func setsThatAreNotTheCoordinatorsForThisRound() throws {
        var stage = try Stage.ready(4)
        let context = try stage.openRound(1)
        let forged = try stage.survivors([0, 1, 2], context, signer: stage.sites[1].key)
        #expect(try rejections(&stage, .survivors(forged)) == [.invalid(.signature(message: "Survivors"))])
        func survivors(epochHash: Digest, ctx: Digest, bitmap: [UInt8]) throws -> ControlMessage {
            .survivors(
                try Signed(
                    signing: Survivors(epochHash: epochHash, ctx: ctx, bitmap: bitmap), with: stage.coordinator
                ).envelope)
        }
        let otherRound = try survivors(epochHash: context.epochHash, ctx: Stage.digest(1), bitmap: [7])
        #expect(try rejections(&stage, otherRound) == [.wrongRound(message: "Survivors")])
        let otherEpoch = try survivors(epochHash: Stage.digest(1), ctx: context.ctx, bitmap: [7])
        #expect(try rejections(&stage, otherEpoch) == [.wrongEpoch(message: "Survivors")])
        for bitmap: [UInt8] in [[0x17], [], [7, 0], [0xff]] {
            let odd = try survivors(epochHash: context.epochHash, ctx: context.ctx, bitmap: bitmap)
            #expect(try rejections(&stage, odd) == [.resultInconsistent(field: "bitmap")])
        }
        let small = try ControlMessage.survivors(stage.survivors([0, 1], context))
        #expect(try rejections(&stage, small) == [.setTooSmall(count: 2, cohortMin: 3)])
        #expect(try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 3], context))).votes.count == 1)
    }

    @Test func aSetBeforeItsRound() throws {
        var stage = try Stage.ready(3)
        let context = try stage.openRound(1)
        var early = try Stage.ready(3)
        #expect(
            try rejections(&early, .survivors(stage.survivors([0, 1, 2], context))) == [
                .outOfPhase(message: "Survivors", phase: "ready")
            ])
    }

    @Test func twoSetsForOneRoundAreEvidence() throws {
        var stage = try Stage.ready(4)
        let context = try stage.openRound(1)
        let first = try stage.survivors([0, 1, 2], context)
        let vote = try stage.sites[0].receive(.survivors(first)).votes
        // The same again gets the same vote, byte for byte.
        let again = try stage.survivors([0, 1, 2], context)
        #expect(try stage.sites[0].receive(.survivors(again)).votes == vote)
        let second = try stage.survivors([0, 1, 3], context)
        let actions = try stage.sites[0].receive(.survivors(second))
        let evidence = PeerMisbehavior.conflictingStatements(of: "coordinator", first: first, second: second)
        #expect(actions.rejections == [evidence])
        #expect(actions.stops == [.evidence(evidence)])
        #expect(actions.votes.isEmpty)
    }

    @Test func anotherSetUnderTheSameBaseInALaterRound() throws {
        var stage = try Stage.ready(4)
        let first = try stage.openRound(1)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], first)))
        // Nothing was applied and nothing skipped: the coordinator opens another round.
        let second = try stage.openRound(2)
        #expect(second.base == first.base && second.ctx != first.ctx)
        #expect(try rejections(&stage, .survivors(stage.survivors([0, 1, 3], second))) == [.secondSet])
        #expect(try rejections(&stage, .survivors(stage.survivors([0, 1, 2, 3], second))) == [.secondSet])
        let log = try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], second)))
        // The same set again: the record says in which round it was voted for last.
        #expect(log.lines == ["record locked", "send Vote"])
    }

    @Test func theLockHoldsAcrossARestart() throws {
        var stage = try Stage.ready(4)
        let context = try stage.openRound(1)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context)))
        try stage.sites[0].restart()
        try stage.sites[0].receive(.roundOpen(stage.open(1)))
        #expect(try rejections(&stage, .survivors(stage.survivors([0, 1, 3], context))) == [.secondSet])
        #expect(
            try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context))).lines == ["send Vote"])
    }

    @Test func anAppliedResultFreesTheNextBase() throws {
        var stage = try Stage.ready(4)
        let first = try stage.openRound(1)
        try stage.answer([0, 1, 2], first)
        try stage.publish([0, 1, 2], first)
        let second = try stage.openRound(2)
        #expect(second.base != first.base)
        #expect(stage.sites.allSatisfy { $0.updatesMade == 2 })
        #expect(try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 3], second))).votes.count == 1)
    }

    // MARK: Certificates

    /// A stage of four whose site 0 has voted for sites 0, 1 and 2.
    private func voted() throws -> (stage: Stage, context: RoundContext) {
        var stage = try Stage.ready(4)
        let context = try stage.openRound(1)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context)))
        return (stage, context)
    }

    @Test func certificatesThatAreNone() throws {
        var (stage, context) = try voted()
        let set = [0, 1, 2]
        func small(_ valid: Int) -> [PeerMisbehavior] { [.certificateTooSmall(valid: valid, quorum: 4)] }
        #expect(try rejections(&stage, stage.certificate([], set, context)) == small(0))
        #expect(try rejections(&stage, stage.certificate([0, 1, 2], set, context)) == small(3))
        // One voter twice.
        #expect(try rejections(&stage, stage.certificate([0, 1, 2, 2], set, context)) == small(3))
        #expect(try rejections(&stage, stage.certificate([0, 0, 0, 0, 0], set, context)) == small(1))
        // Votes for another set, by members that were not seen to vote before.
        (stage, context) = try voted()
        #expect(try rejections(&stage, stage.certificate([1, 2, 3], [0, 1, 3], context)) == small(0))
        (stage, context) = try voted()
        var votes = try [0, 1, 2].map { try stage.vote($0, set, context) }
        votes.append(try stage.vote(3, [0, 1, 3], context))
        let mixed = VoteCertificate(ctx: context.ctx, votes: votes)
        #expect(try rejections(&stage, .certificate(mixed)) == small(3))
        // A voter from outside.
        let vote = try Vote(payload: votes[0].payload)
        votes[3] = try Signed(signing: vote, with: Stage.key(99)).envelope
        #expect(
            try rejections(&stage, .certificate(VoteCertificate(ctx: context.ctx, votes: votes))) == small(3))
        let otherRound = VoteCertificate(ctx: Stage.digest(1), votes: votes)
        #expect(try rejections(&stage, .certificate(otherRound)) == [.wrongRound(message: "Certificate")])
        (stage, context) = try voted()
        #expect(try stage.sites[0].receive(stage.certificate([0, 1, 2, 3], set, context)).partials.count == 1)
    }

    private func evidence(_ stage: Stage, _ voter: Int, _ first: Envelope, _ second: Envelope) -> PeerMisbehavior {
        .conflictingStatements(of: stage.sites[voter].id.hex, first: first, second: second)
    }

    @Test func twoVotesOfOneMemberInACertificateAreEvidence() throws {
        var (stage, context) = try voted()
        var votes = try (0..<4).map { try stage.vote($0, [0, 1, 2], context) }
        let other = try stage.vote(1, [0, 1, 3], context)
        votes.append(other)
        let actions = try stage.sites[0].receive(.certificate(VoteCertificate(ctx: context.ctx, votes: votes)))
        #expect(actions.lines == ["reject", "stop"])
        // The one that does not count is looked at first.
        let found = evidence(stage, 1, other, votes[1])
        #expect(actions.rejections == [found] && actions.stops == [.evidence(found)])
    }

    /// A lying coordinator opens another round under the same base, where somebody votes for another set.
    @Test func aVoteForAnotherSetInALaterRoundUnderTheSameBaseIsEvidence() throws {
        var (stage, context) = try voted()
        let certificate = try stage.certificate([0, 1, 2, 3], [0, 1, 2], context)
        #expect(try stage.sites[0].receive(certificate).partials.count == 1)
        guard case .certificate(let held) = certificate else { return }
        try stage.sites[0].receive(.roundOpen(stage.open(2)))
        let later = try #require(stage.sites[0].member.openRound)
        #expect(later.base == context.base && later.ctx != context.ctx)
        let other = try stage.vote(2, [0, 2, 3], later)
        let votes = VoteCertificate(ctx: later.ctx, votes: [other])
        let actions = try stage.sites[0].receive(.certificate(votes))
        #expect(actions.stops == [.evidence(evidence(stage, 2, held.votes[2], other))])
    }

    @Test func whatOnlyLooksLikeASecondVoteIsNoEvidence() throws {
        var (stage, context) = try voted()
        let good = try (0..<4).map { try stage.vote($0, [0, 1, 2], context) }
        let hash = SurvivorSet([0, 1, 3], of: 4).hash(epochHash: context.epochHash)
        func vote(_ epochHash: Digest, _ base: Digest, by key: SigningKey) throws -> Envelope {
            let vote = Vote(epochHash: epochHash, ctx: context.ctx, base: base, survivorsHash: hash)
            return try Signed(signing: vote, with: key).envelope
        }
        let others = [
            try vote(context.epochHash, Stage.digest(1), by: stage.sites[1].key),
            try vote(Stage.digest(1), context.base, by: stage.sites[1].key),
            try vote(context.epochHash, context.base, by: Stage.key(99)),
            Envelope(payload: try vote(context.epochHash, context.base, by: Stage.key(99)).payload, signature: []),
        ]
        let certificate = VoteCertificate(ctx: context.ctx, votes: others + good)
        #expect(
            try stage.sites[0].receive(.certificate(certificate)).lines == [
                "record answered", "answer", "send Partial",
            ])
    }

    @Test func votesUnderAnotherBaseOrRoundDoNotCount() throws {
        var (stage, context) = try voted()
        let set = SurvivorSet([0, 1, 2], of: 4).hash(epochHash: context.epochHash)
        for (ctx, base) in [(Stage.digest(1), context.base), (context.ctx, Stage.digest(1))] {
            let vote = Vote(epochHash: context.epochHash, ctx: ctx, base: base, survivorsHash: set)
            let votes = try stage.sites.map { try Signed(signing: vote, with: $0.key).envelope }
            #expect(
                try rejections(&stage, .certificate(VoteCertificate(ctx: context.ctx, votes: votes))) == [
                    .certificateTooSmall(valid: 0, quorum: 4)
                ])
        }
    }

    @Test func aCertificateBeforeTheSet() throws {
        var stage = try Stage.ready(3)
        let context = try stage.openRound(1)
        let certificate = try stage.certificate([0, 1, 2], [0, 1, 2], context)
        #expect(
            try rejections(&stage, certificate) == [
                .outOfPhase(message: "Certificate", phase: "before Survivors")
            ])
        var early = try Stage.ready(3)
        #expect(
            try rejections(&early, certificate) == [.outOfPhase(message: "Certificate", phase: "ready")])
    }

    @Test func theSameCertificateAgainGetsTheSameAnswer() throws {
        var (stage, context) = try voted()
        let certificate = try stage.certificate([0, 1, 2, 3], [0, 1, 2], context)
        let first = try stage.sites[0].receive(certificate)
        #expect(first.lines == ["record answered", "answer", "send Partial"])
        let again = try stage.sites[0].receive(certificate)
        #expect(again.lines == ["send Partial"])
        #expect(again.partials.first?.trailer == first.partials.first?.trailer)
        let share = stage.sites[0].partials[context.ctx]
        // After a crash the lock is there, and the bytes are the same.
        try stage.sites[0].restart()
        try stage.sites[0].receive(.roundOpen(stage.open(1)))
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context)))
        #expect(try stage.sites[0].receive(certificate).partials.count == 1)
        #expect(stage.sites[0].partials[context.ctx] == share)
    }

    @Test func anAnswerGivesNothingUnderAnotherRoundOfTheBase() throws {
        var (stage, first) = try voted()
        try stage.sites[0].receive(stage.certificate([0, 1, 2, 3], [0, 1, 2], first))
        let second = try stage.openRound(2)
        #expect(try rejections(&stage, .survivors(stage.survivors([1, 2, 3], second))) == [.secondSet])
        // Votes of the others for that set contradict those that it was shown before.
        let actions = try stage.sites[0].receive(stage.certificate([1, 2, 3], [1, 2, 3], second))
        #expect(actions.lines == ["reject", "stop"] && actions.rejections.map(\.word) == ["conflictingStatements"])
        var (other, _) = try voted()
        let later = try other.openRound(2)
        #expect(
            try rejections(&other, other.certificate([0, 1, 2, 3], [1, 2, 3], later)) == [
                .outOfPhase(message: "Certificate", phase: "before Survivors")
            ])
    }

    // MARK: Later epochs

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
