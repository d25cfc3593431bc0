// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Steps R0 to R3 of a member against a coordinator that may lie (protocol section 5).
@Suite struct RoundTests {
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
}
