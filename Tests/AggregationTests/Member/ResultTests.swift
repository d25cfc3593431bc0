// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Step R4: what a member checks before a sum becomes its model (protocol sections 5 and 7).
@Suite struct ResultTests {
    /// Four sites that have uploaded, voted for sites 0, 1 and 2, and answered.
    private func answered() throws -> (stage: Stage, context: RoundContext) {
        var stage = try Stage.ready(4)
        let context = try stage.openRound(1)
        try stage.answer([0, 1, 2], context)
        return (stage, context)
    }

    /// What site `index` says to a result; it must keep its model.
    private func rejections(
        _ stage: inout Stage, _ result: (header: ResultHeader, trailer: Envelope, sum: Field64Vector),
        site index: Int = 0
    ) throws -> [PeerMisbehavior] {
        let before = stage.sites[index]
        let actions = try stage.sites[index].receive(result.header, result.trailer, sum: result.sum)
        #expect(stage.sites[index].ledger.chain == before.ledger.chain)
        #expect(stage.sites[index].parameters == before.parameters)
        #expect(stage.sites[index].facts == before.facts)
        #expect(!actions.lines.contains("verify result"))
        return actions.rejections
    }

    @Test func aResultThatHoldsIsAppliedOnce() throws {
        var (stage, context) = try answered()
        let result = try stage.result([0, 1, 2], context)
        for index in 0..<3 {
            let log = try stage.sites[index].receive(result.header, result.trailer, sum: result.sum)
            #expect(log.lines == ["verify result", "record applied", "delete update"])
        }
        try stage.sites[3].receive(result.header, result.trailer, sum: result.sum)
        #expect(Set(stage.sites.map { $0.ledger.chain?.modelHash }).count == 1)
        #expect(Set(stage.sites.map(\.parameters)).count == 1)
        // Replayed, it changes nothing.
        #expect(try rejections(&stage, result) == [.modelMismatch])
    }

    @Test func aMemberThatMissedTheRoundAppliesItToo() throws {
        var stage = try Stage.ready(4)
        let open = try stage.open(1)
        for index in 0..<3 { try stage.sites[index].receive(.roundOpen(open)) }
        let context = try #require(stage.sites[0].member.openRound)
        // Its answer is needed in `all`; the others' sum is not its business otherwise.
        var late = stage.sites[3]
        try late.receive(.roundOpen(open))
        try late.receive(.survivors(stage.survivors([0, 1, 2], context)))
        try late.receive(stage.certificate([0, 1, 2, 3], [0, 1, 2], context))
        let behind = stage.sites[3]
        stage.sites[3] = late
        for index in 0..<3 {
            try stage.sites[index].receive(.survivors(stage.survivors([0, 1, 2], context)))
            try stage.sites[index].receive(stage.certificate([0, 1, 2, 3], [0, 1, 2], context))
        }
        let result = try stage.result([0, 1, 2], context)
        stage.sites[3] = behind
        let log = try stage.sites[3].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.lines == ["record entered", "verify result", "record applied", "delete update"])
        try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(stage.sites[3].ledger.chain == stage.sites[0].ledger.chain)
        #expect(stage.sites[3].parameters == stage.sites[0].parameters)
    }

    @Test func signedBySomebodyElse() throws {
        var (stage, context) = try answered()
        var result = try stage.result([0, 1, 2], context)
        result.trailer = try Signed(signing: RoundResult(payload: result.trailer.payload), with: stage.sites[1].key)
            .envelope
        #expect(try rejections(&stage, result) == [.invalid(.signature(message: "Result"))])
    }

    @Test func anotherEpochOrRound() throws {
        var (stage, context) = try answered()
        let epoch = try stage.result([0, 1, 2], context) { $0.epochHash = Stage.digest(1) }
        #expect(try rejections(&stage, epoch) == [.wrongEpoch(message: "Result")])
        var round = try stage.result([0, 1, 2], context)
        round.header = ResultHeader(open: round.header.open, ctx: Stage.digest(1), elements: context.elements)
        #expect(try rejections(&stage, round) == [.wrongRound(message: "Result")])
        var short = try stage.result([0, 1, 2], context)
        short.header = ResultHeader(open: short.header.open, ctx: context.ctx, elements: 18)
        #expect(try rejections(&stage, short) == [.resultInconsistent(field: "elements")])
    }

    @Test func aResultThatBringsAnotherRoundThanItsOwnChangesNothing() throws {
        var (stage, context) = try answered()
        let good = try stage.result([0, 1, 2], context)
        // The header opens round 2; the result is of a round that never was.
        let header = ResultHeader(open: try stage.open(2), ctx: Stage.digest(1), elements: context.elements)
        let trailer = try stage.result([0, 1, 2], context) { $0.ctx = Stage.digest(1) }.trailer
        #expect(try rejections(&stage, (header, trailer, good.sum)) == [.wrongRound(message: "Result")])
        #expect(stage.sites[0].member.openRound == context)
        let log = try stage.sites[0].receive(good.header, good.trailer, sum: good.sum)
        #expect(log.lines == ["verify result", "record applied", "delete update"])
    }

    @Test func anotherSetThanTheOneOfAHeldResultIsEvidence() throws {
        var (stage, context) = try answered()
        stage.sites[0].member.round?.survivors = nil
        stage.sites[0].verifiesAtOnce = false
        let result = try stage.result([0, 1, 2], context)
        try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], context))).votes.count == 1)
        stage.sites[0].member.round?.survivors = nil
        let other = try stage.survivors([0, 1, 3], context)
        let actions = try stage.sites[0].receive(.survivors(other))
        let evidence = PeerMisbehavior.conflictingStatements(of: "coordinator", first: result.trailer, second: other)
        #expect(actions.rejections == [evidence])
        #expect(actions.stops == [.evidence(evidence)])
    }

    @Test func anotherSetThanTheOneVotedForIsEvidence() throws {
        var (stage, context) = try answered()
        let held = try #require(stage.sites[0].member.round?.survivors).envelope
        let result = try stage.result([0, 1, 3], context)
        let before = stage.sites[0].ledger.chain
        let actions = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        let evidence = PeerMisbehavior.conflictingStatements(
            of: "coordinator", first: held, second: result.trailer)
        #expect(actions.rejections == [evidence])
        #expect(actions.stops == [.evidence(evidence)])
        #expect(stage.sites[0].ledger.chain == before)
    }

    @Test func anotherSetThanTheOneLockedInAnEarlierRound() throws {
        var (stage, _) = try answered()
        let second = try stage.openRound(2)
        let result = try stage.result([0, 1, 3], second)
        #expect(try rejections(&stage, result) == [.secondSet])
    }

    @Test func aSetThatIsTooSmallOrNone() throws {
        var (stage, context) = try answered()
        var result = try stage.result([0, 1], context)
        #expect(try rejections(&stage, result) == [.setTooSmall(count: 2, cohortMin: 3)])
        result = try stage.result([0, 1, 2], context) { $0.bitmap = [0x17] }
        #expect(try rejections(&stage, result) == [.resultInconsistent(field: "bitmap")])
    }

    @Test func sumHashRootAndLists() throws {
        var (stage, context) = try answered()
        let cases: [(String, (inout RoundResult.Parts) -> Void)] = [
            ("sum_hash", { $0.sumHash = Stage.digest(1) }),
            ("root", { $0.root = Stage.digest(1) }),
            ("upload_leaves", { $0.uploadLeaves.removeLast() }),
            ("upload_leaves", { $0.uploadLeaves.append(Stage.digest(1)) }),
            ("answered", { $0.answered.removeLast() }),
            ("answered", { $0.answered.swapAt(0, 1) }),
            ("answered", { $0.partialLeaves.removeLast() }),
        ]
        for (field, change) in cases {
            let result = try stage.result([0, 1, 2], context, change: change)
            #expect(try rejections(&stage, result) == [.resultInconsistent(field: field)])
        }
        // A root that leaves the helpers out, or takes them in another order.
        let survivors = zip(stage.sites, [0, 1, 2]).map { site, _ in
            (id: site.id, leaf: vectorLeaf(site.uploads[context.ctx] ?? Field64Vector(count: 0)))
        }
        let partial = try stage.result([0, 1, 2], context) {
            $0.root = resultRoot(survivors: survivors, helpers: [])
        }
        #expect(try rejections(&stage, partial) == [.resultInconsistent(field: "root")])
    }

    @Test func theOwnLeafIsAnotherOrStandsForNothing() throws {
        var (stage, context) = try answered()
        let swapped = try stage.result([0, 1, 2], context) { $0.uploadLeaves[0] = Stage.digest(1) }
        #expect(try rejections(&stage, swapped) == [.leafMismatch(party: stage.sites[0].id)])
        // A member that uploaded nothing stands in the set.
        var silent = try Stage.ready(4)
        silent.sites[3].trainsAtOnce = false
        let round = try silent.openRound(1)
        try silent.answer([0, 1, 2, 3], round)
        silent.sites[3].uploads[round.ctx] = Field64Vector(count: round.elements)
        let forged = try silent.result([0, 1, 2, 3], round)
        #expect(try rejections(&silent, forged, site: 3) == [.leafMismatch(party: silent.sites[3].id)])
    }

    @Test func leftOutAfterUploadingIsReportedAndTheResultStillHolds() throws {
        var (stage, context) = try answered()
        let result = try stage.result([0, 1, 2], context)
        let log = try stage.sites[3].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.lines == ["reject", "verify result", "record applied", "delete update"])
        #expect(log.rejections == [.leafMismatch(party: stage.sites[3].id)])
    }

    @Test(arguments: [0, 9, 10, 15, 16]) func aSumWhoseCheckFailsStopsTheRun(element: Int) throws {
        var (stage, context) = try answered()
        var result = try stage.result([0, 1, 2], context)
        result.sum[element] = Field64(reducing: result.sum[element] &+ 1).canonical
        let leaf = vectorLeaf(result.sum)
        result.trailer = try stage.result([0, 1, 2], context) { $0.sumHash = leaf }.trailer
        let before = stage.sites[0]
        let log = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.lines == ["verify result", "reject", "stop"])
        #expect(log.rejections == [.resultInconsistent(field: "check")])
        #expect(log.stops == [.checkFailed(round: 1)])
        #expect(stage.sites[0].parameters == before.parameters)
        #expect(stage.sites[0].ledger.chain == before.ledger.chain)
        #expect(stage.sites[0].update == before.update, "the base has not moved")
    }

    @Test func aSumOverFewerThanItSaysFailsTheCheck() throws {
        var (stage, context) = try answered()
        var result = try stage.result([0, 1, 2], context)
        let one = try #require(stage.sites[2].uploads[context.ctx])
        try result.sum.subtract(one)
        result.sum.canonicalize()
        let leaf = vectorLeaf(result.sum)
        result.trailer = try stage.result([0, 1, 2], context) { $0.sumHash = leaf }.trailer
        let log = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.stops == [.checkFailed(round: 1)])
    }

    @Test func aResultAndASkipForOneRound() throws {
        // Site 3 has seen no set: the result is the first it hears of one.
        var (stage, context) = try answered()
        let result = try stage.result([0, 1, 2], context)
        let skip = try stage.skip(context)
        var fresh = try Stage.ready(4)
        _ = try fresh.openRound(1)
        var skipped = stage.sites[3]
        #expect(try skipped.receive(.skip(skip)).stops.count == 1)

        // A site that voted and has lost everything but its lock: the set was fixed, so the skip is refused.
        stage.sites[0].member.round?.survivors = nil
        var first = stage.sites[0]
        #expect(try first.receive(.skip(skip)).rejections == [.secondSet])

        // The result first, still being checked, then the skip: evidence, and the round is not passed over.
        stage.sites[0].verifiesAtOnce = false
        let log = try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        #expect(log.lines == ["verify result"])
        let actions = try stage.sites[0].receive(.skip(skip))
        let evidence = PeerMisbehavior.conflictingStatements(
            of: "coordinator", first: result.trailer, second: skip)
        #expect(actions.rejections == [evidence])
        #expect(actions.stops == [.evidence(evidence)])
        #expect(actions.facts.isEmpty)
    }

    @Test func nothingInterruptsASumThatIsBeingChecked() throws {
        var (stage, context) = try answered()
        let result = try stage.result([0, 1, 2], context)
        stage.sites[0].verifiesAtOnce = false
        let next = try stage.open(2)
        try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        // The same again starts nothing anew.
        #expect(try stage.sites[0].receive(result.header, result.trailer, sum: result.sum).isEmpty)
        let log = try stage.sites[0].receive(.roundOpen(next))
        #expect(log.rejections == [.outOfPhase(message: "RoundOpen", phase: "verifying")])
        #expect(log.facts.isEmpty)
        let proposal = try stage.proposal(2, round: 5)
        let proposed = try stage.sites[0].receive(.epochProposal(proposal))
        #expect(proposed.rejections == [.outOfPhase(message: "EpochProposal", phase: "verifying")])
        #expect(proposed.lines == ["reject"])
        let other = ResultHeader(open: next, ctx: Stage.digest(3), elements: context.elements)
        let otherRound = try stage.result([0, 1, 2], context) { $0.ctx = Stage.digest(3) }
        let another = try stage.sites[0].receive(other, otherRound.trailer, sum: otherRound.sum)
        #expect(another.rejections == [.outOfPhase(message: "Result", phase: "verifying")])
        let outcome = ResultOutcome.applied(paramsHash: Stage.digest(1), scale: .exact)
        let applied = stage.sites[0].member.resultVerified(ctx: context.ctx, outcome)
        #expect(applied.lines == ["record applied", "delete update"])
    }

    @Test func anAppliedRoundThatChangesNothingEndsTheRun() throws {
        var (stage, context) = try answered()
        stage.sites[0].verifiesAtOnce = false
        let result = try stage.result([0, 1, 2], context)
        try stage.sites[0].receive(result.header, result.trailer, sum: result.sum)
        let same = ResultOutcome.applied(paramsHash: context.base, scale: .exact)
        // The base did not move, so the update stays.
        #expect(stage.sites[0].member.resultVerified(ctx: context.ctx, same).lines == ["record applied"])
        let chain = try #require(stage.sites[0].ledger.chain)
        #expect(chain.converged)
        for kind in [RoundKind.training, .closing] {
            let open = RoundOpen(
                epochHash: context.epochHash, round: 2, kind: kind, modelHash: chain.modelHash,
                encodingHash: stage.configuration.encoding(kind: kind, scale: .exact).hash, deadlineSeconds: 60)
            #expect(
                try stage.sites[0].receive(.roundOpen(open)).rejections == [
                    .outOfPhase(message: "RoundOpen", phase: "round kind \(kind)")
                ])
        }
    }

    @Test func anOutcomeThatNobodyAskedForChangesNothing() throws {
        var (stage, context) = try answered()
        let outcome = ResultOutcome.applied(paramsHash: Stage.digest(1), scale: .exact)
        #expect(stage.sites[0].member.resultVerified(ctx: context.ctx, outcome).isEmpty)
        #expect(stage.sites[0].member.resultVerified(ctx: Stage.digest(1), outcome).isEmpty)
        #expect(stage.sites[0].member.updateMade(for: Stage.digest(1)).isEmpty)
        #expect(try stage.sites[0].member.vectorMade(ctx: context.ctx, leaf: Stage.digest(1)).isEmpty)
        #expect(try stage.sites[0].member.partialMade(ctx: context.ctx, leaf: Stage.digest(1)).isEmpty)
    }

    @Test func theEndOfARunStopsTheMember() throws {
        var (stage, _) = try answered()
        let end = RunEnd(outcome: .aborted, sentence: "the operator ended the run")
        #expect(try stage.sites[0].receive(.runEnd(end)).stops == [.runEnded(end)])
    }

    @Test func messagesThatOnlyMembersSendAreRefused() throws {
        var (stage, context) = try answered()
        for message in [
            ControlMessage.vote(try stage.vote(1, [0, 1, 2], context)), .silence(Silence(ctx: .zero, cause: .noUpdate)),
            .epochReady(Envelope(payload: [], signature: [])), .slotReady(Envelope(payload: [], signature: [])),
        ] {
            #expect(
                try stage.sites[0].receive(message).rejections == [
                    .outOfPhase(message: message.name, phase: "from the coordinator")
                ])
        }
    }
}
