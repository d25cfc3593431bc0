// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Steps R2 to R3 of a member: which sets it votes for, and what it takes for a certificate (protocol section 5).
@Suite struct SetTests {
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
}
