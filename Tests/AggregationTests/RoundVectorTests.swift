// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Quantization
import Shares
import Testing

@testable import Aggregation

/// Whole rounds that an implementation in another language computed, with every intermediate value.
@Suite struct RoundVectorTests {
    private static let files = [
        "round-exact-n3", "round-exact-n4-dropout", "round-exact-n6", "closing-n3", "closing-n4",
    ]
    /// Everything but encoding and applying is the same with packed encodings, sampled slots and standbys.
    private static let allFiles =
        files + PackedRoundVectorTests.files + PackedRoundVectorTests.filesWithoutDraw + ["round-b16-n4-overflow"]

    @Test(arguments: files) func theContextOfTheRound(file: String) throws {
        let round = try KnownRound(file)
        let known = round.known
        #expect(round.context.ctx == (try known.get("ctx").digest()))
        #expect(round.context.base == (try known.get("base").digest()))
        #expect(round.context.encodingHash == (try known.get("encodingHash").digest()))
        #expect(round.context.elements == (try known.get("D").int()))
        #expect(round.checkKey.key == (try round.epoch.get("G").secret()))
        let encoding = try round.configuration.checkedEncoding(kind: round.context.kind, scale: .exact)
        #expect(encoding.parameters == round.parameters)
        #expect(encoding.parameters.parameterCount == 10)
        let committee = Committee.all(
            members: round.members.count, gammaPercent: round.configuration.gammaPercent)
        if try round.epoch.get("mode").text() == "all" {
            #expect(committee.cohortMin == (try known.get("cohortMin").int()))
        }
    }

    @Test(arguments: allFiles) func theSetAndTheVote(file: String) throws {
        let round = try KnownRound(file)
        let set = SurvivorSet(try round.known.get("U").list().map { try $0.int() }, of: round.members.count)
        #expect(set.bitmap == (try round.known.get("bitmap").bytes()))
        let hash = set.hash(epochHash: round.context.epochHash)
        #expect(hash == (try round.known.get("H(U)").digest()))
        let vote = try round.known.get("vote")
        #expect(try vote.get("ctx").digest() == round.context.ctx)
        #expect(try vote.get("base").digest() == round.context.base)
        #expect(try vote.get("H(U)").digest() == hash)
    }

    @Test(arguments: allFiles, Arithmetic.allCases) func explicitShares(file: String, arithmetic: Arithmetic) throws {
        let round = try KnownRound(file)
        let check = VectorCheck(key: round.checkKey, ctx: round.context.ctx)
        let layout = round.parameters.vectorLayout
        for participant in try round.known.get("participants").list() {
            let member = try participant.get("member").int()
            let id = round.members[member]
            #expect(id == (try participant.get("id").party()))
            let keys = try (0..<participant.get("CK by slot").list().count).map {
                try round.slotKey(member: member, slot: $0)
            }
            #expect(keys.map(\.key) == (try participant.get("CK by slot").list().map { try $0.secret() }))
            let roundKeys = keys.map { $0.roundKey(ctx: round.context.ctx) }
            #expect(roundKeys == (try participant.get("RK by slot").list().map { try $0.secret() }))

            let expected = try participant.get("X").vector()
            var vector = expected
            for index in layout.checked.upperBound..<vector.count { vector[index] = 0 }
            #expect(check.pad(of: id) == (try participant.get("r").pair()))
            let tag = check.tag(over: vector[layout.checked], participant: id)
            #expect(tag == (try participant.get("t").pair()))
            try layout.place(check: tag, blind: participant.get("blind").words(), in: &vector)
            #expect(vector == expected)

            let masks = try roundKeys.enumerated().map { slot, key in
                try MaskStream(
                    key: MaskKey(key), context: round.context.ctx.bytes, party: id.bytes, slot: UInt32(slot))
            }
            let share = try ExplicitShare(masking: vector, with: masks, arithmetic: arithmetic)
            #expect(share.vector == (try participant.get("Y").vector()))
            #expect(vectorLeaf(share.vector) == (try participant.get("leaf").digest()))
        }
    }

    /// The path of a member: the same but for clip counts, which the files state apart like the other metrics, and the blind, whose
    /// seed is ours.
    @Test(arguments: files) func aMembersOrderGivesTheKnownVectorUpToTheBlind(file: String) throws {
        let round = try KnownRound(file)
        let layout = try round.configuration.checkedEncoding(kind: round.context.kind, scale: .exact).parameters
            .vectorLayout
        for participant in try round.known.get("participants").list() {
            let metrics = try participant.get("metrics").list().map { try $0.int() }
            guard metrics[3] == 0 else { continue }
            let member = try participant.get("member").int()
            let training = round.context.kind == .training
            let update = KeptUpdate(
                base: round.context.base, delta: training ? try participant.get("x").floats() : [],
                samples: training ? try participant.get("samples").int() : 0,
                lossSum: Double(metrics[0]) / 1024, correct: metrics[1], tested: metrics[2],
                seed: SecretBytes([UInt8](repeating: 7, count: 32)))
            let roundKeys = try participant.get("RK by slot").list().map { try $0.secret() }
            let order = VectorOrder(
                context: round.context, encoding: try round.encoding, participant: round.members[member],
                memberCount: round.members.count, roundKeys: roundKeys,
                check: VectorCheck(key: round.checkKey, ctx: round.context.ctx), expectedLeaf: nil)
            let share = try order.explicitShare(of: update).vector
            let expected = try participant.get("Y").vector()
            #expect(share[0..<layout.blind.lowerBound] == expected[0..<layout.blind.lowerBound])
            #expect(share[layout.blind] != expected[layout.blind])
            for arithmetic in Arithmetic.allCases {
                let again = try order.explicitShare(of: update, arithmetic: arithmetic).vector
                #expect(again == share, "the same update gives the same bytes")
            }
        }
    }

    @Test(arguments: allFiles, Arithmetic.allCases) func aggregateShares(file: String, arithmetic: Arithmetic) throws {
        let round = try KnownRound(file)
        let set = try round.known.get("U").list().map { try $0.int() }
        var generator = SystemRandomNumberGenerator()
        for helper in try round.known.get("helpers").list() {
            let slot = try helper.get("slot").int()
            let masks = try set.map {
                (
                    participant: round.members[$0],
                    roundKey: try round.slotKey(member: $0, slot: slot).roundKey(ctx: round.context.ctx)
                )
            }
            let order = AnswerOrder(context: round.context, slot: slot, masks: masks)
            let share = try order.aggregateShare(arithmetic: arithmetic, using: &generator)
            #expect(share.vector == (try helper.get("M").vector()))
            #expect(vectorLeaf(share.vector) == (try helper.get("leaf").digest()))
        }
    }

    @Test(arguments: allFiles) func theSumItsCheckAndItsRoot(file: String) throws {
        let round = try KnownRound(file)
        let known = round.known
        let participants = try known.get("participants").list()
        let helpers = try known.get("helpers").list()
        var sum = try participants[0].get("Y").vector()
        for participant in participants.dropFirst() { try sum.add(participant.get("Y").vector()) }
        for helper in helpers { try sum.subtract(helper.get("M").vector()) }
        #expect(sum == (try known.get("S").vector()))
        #expect(vectorLeaf(sum) == (try known.get("H(S)").digest()))
        let root = resultRoot(
            survivors: try participants.map { (try $0.get("id").party(), try $0.get("leaf").digest()) },
            helpers: try helpers.map { (try $0.get("answered").party(), try $0.get("leaf").digest()) })
        #expect(root == (try known.get("root").digest()))

        let check = VectorCheck(key: round.checkKey, ctx: round.context.ctx)
        let survivors = try known.get("U").list().map { round.members[try $0.int()] }
        #expect(check.holds(for: sum, survivors: survivors))
        #expect(
            survivors.map(check.pad).reduce(.zero, +) == (try known.get("check").get("r summed").pair()))
    }

    @Test(arguments: allFiles) func theKeyAndThePointOfTheCheck(file: String) throws {
        let round = try KnownRound(file)
        let known = try round.known.get("check")
        let key = SecretBytes(
            HMACSHA256.authenticate(
                LabeledBytes("check").fixed(round.context.ctx).bytes, key: round.checkKey.key))
        #expect(key == (try known.get("K").secret()))
        var stream = XofHmacSha256Aes128(seed: key, dst: "summand/v1 check z", binder: round.context.ctx.bytes)
        #expect(VectorCheck.drawPoint { stream.nextFieldWords(count: 2) } == (try known.get("z").pair()))
        // The point is in use: τ_z(V_S) plus the pads is t, and no vector's tag is right under another point.
        let vector = try round.known.get("S").vector()
        let end = vector.count - 4
        let z = try known.get("z").pair()
        #expect(Field64Extension.tau(z, vector[0..<end]) == (try known.get("tau_z(V_S)").pair()))
        #expect(Field64Extension(one: vector[end], w: vector[end + 1]) == (try known.get("t").pair()))
    }

    @Test(arguments: allFiles) func everyElementOfASumIsChecked(file: String) throws {
        let round = try KnownRound(file)
        let sum = try round.known.get("S").vector()
        let survivors = try round.known.get("U").list().map { round.members[try $0.int()] }
        let check = VectorCheck(key: round.checkKey, ctx: round.context.ctx)
        for index in 0..<sum.count {
            var forged = sum
            forged[index] = Field64(reducing: sum[index] &+ 1).canonical
            // The two last elements are the blind.
            #expect(check.holds(for: forged, survivors: survivors) == (index >= sum.count - 2))
        }
        #expect(!check.holds(for: sum, survivors: Array(survivors.dropLast())))
        #expect(!check.holds(for: sum, survivors: survivors + [survivors[0]]))
        let other = CheckKey(key: SecretBytes([UInt8](repeating: 1, count: 32)))
        #expect(!VectorCheck(key: other, ctx: round.context.ctx).holds(for: sum, survivors: survivors))
        #expect(!VectorCheck(key: round.checkKey, ctx: .zero).holds(for: sum, survivors: survivors))
        #expect(!check.holds(for: Field64Vector(count: 3), survivors: survivors))
    }

    @Test(arguments: files) func whatIsApplied(file: String) throws {
        let round = try KnownRound(file)
        let known = round.known
        let survivors = try known.get("U").list().map { round.members[try $0.int()] }
        let order = ResultOrder(
            context: round.context, configuration: round.configuration, survivors: survivors,
            sumHash: try known.get("H(S)").digest(), check: VectorCheck(key: round.checkKey, ctx: round.context.ctx),
            application: try round.application)
        let before = try known.get("parameters").floats()
        guard case .applied(let applied) = try order.applied(known.get("S").vector(), to: before) else {
            Issue.record("nothing was applied")
            return
        }
        #expect(applied.scale == .exact)
        switch round.context.kind {
        case .training:
            let expected = try known.get("apply").get("parameters").floats()
            #expect(applied.parameters.map(\.bitPattern) == expected.map(\.bitPattern))
            #expect(String(applied.weight) == (try known.get("apply").get("N_total").text()))
        case .closing:
            #expect(applied.parameters.map(\.bitPattern) == before.map(\.bitPattern))
            let sums = try known.get("metricSums").list().map { try $0.text() }
            let metrics = applied.metrics
            #expect([metrics.loss, metrics.correct, metrics.tested, metrics.clipped].map(String.init) == sums)
        }
        #expect(paramsHash(round, applied.parameters) == (try known.get("next").get("paramsHash").digest()))
        var forged = try known.get("S").vector()
        forged[0] = Field64(reducing: forged[0] &+ 1).canonical
        #expect(try order.applied(forged, to: before) == .refused)
    }

    private func paramsHash(_ round: KnownRound, _ parameters: [Float]) -> Digest {
        let bytes = parameters.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        return LabeledBytes("params").variable(round.configuration.layout).variable(bytes).hash
    }

    @Test(arguments: ["round-exact-n3", "round-exact-n4-dropout"]) func theChainOfModels(file: String) throws {
        let round = try KnownRound(file)
        let known = round.known
        var chain = ModelChain(
            run: [UInt8](repeating: 0, count: 16), paramsHash: try known.get("paramsHash").digest(),
            scale: .exact)
        #expect(chain.scale.hash == (try known.get("scaleHash").digest()))
        #expect(chain.modelHash == (try known.get("modelHash_0").digest()))
        for skip in try known.get("skippedBefore").list() {
            let ctx = try skip.get("ctx").digest()
            let context = RoundContext(
                epochHash: round.context.epochHash, round: UInt64(try skip.get("round").int()), kind: .training,
                modelHash: chain.modelHash, paramsHash: chain.paramsHash, encodingHash: round.context.encodingHash,
                elements: round.context.elements, cohortMin: round.context.cohortMin)
            #expect(context.ctx == ctx)
            #expect(context.base == round.context.base)
            let reason = try #require(AbortReason(rawValue: UInt8(skip.get("reason").int())))
            chain.skip(ctx: ctx, reason: reason)
            #expect(chain.middle == (try skip.get("H(\"skip\")").digest()))
            #expect(chain.modelHash == (try skip.get("modelHash").digest()))
        }
        #expect(chain.modelHash == round.context.modelHash)
        try checkLastStep(of: chain, round)
    }

    @Test func theChainAfterAClosingRound() throws {
        let round = try KnownRound("closing-n3")
        let known = round.known
        // A closing round is exact; the chain keeps the scale of the training rounds.
        let kept = try known.get("next").get("scale")
        let encoding = try EncodingScale(
            bits: UInt8(kept.get("b").int()), exponents: kept.get("e").list().map { Int32(try $0.int()) })
        let header = HandoverHeader(
            configuration: round.configuration, chainIndex: 1, appliedRounds: 5, previousModelHash: .zero,
            middle: .zero, paramsHash: try known.get("paramsHash").digest(),
            scale: RoundScale(encoding, isFirst: false), elements: 10)
        // The file begins in the middle of a chain: only its last step can be computed.
        let step = ModelChain.sumHash(
            ctx: round.context.ctx, survivorsHash: try known.get("H(U)").digest(),
            sumHash: try known.get("H(S)").digest())
        #expect(step == (try known.get("next").get("H(\"sum\")").digest()))
        let skip = ModelChain.skipHash(ctx: round.context.ctx, reason: .deadline)
        let skipped = try known.get("next").get("hadItBeenSkipped")
        #expect(skip == (try skipped.get("H(\"skip\")").digest()))
        func after(_ middle: Digest) -> Digest {
            let next = HandoverHeader(
                configuration: header.configuration, chainIndex: 2, appliedRounds: 5,
                previousModelHash: round.context.modelHash, middle: middle, paramsHash: header.paramsHash,
                scale: header.scale, elements: 10)
            return ModelChain(handedOver: next).modelHash
        }
        #expect(after(step) == (try known.get("next").get("modelHash").digest()))
        #expect(after(skip) == (try skipped.get("modelHash").digest()))
    }

    private func checkLastStep(of chain: ModelChain, _ round: KnownRound) throws {
        let next = try round.known.get("next")
        var applied = chain
        applied.apply(
            round.context, survivorsHash: try round.known.get("H(U)").digest(),
            sumHash: try round.known.get("H(S)").digest(), paramsHash: try next.get("paramsHash").digest(),
            scale: .exact)
        #expect(chain.scale.hash == (try next.get("scaleHash").digest()))
        #expect(applied.middle == (try next.get("H(\"sum\")").digest()))
        #expect(applied.modelHash == (try next.get("modelHash").digest()))
        #expect(applied.previousModelHash == chain.modelHash)
        #expect(applied.index == chain.index + 1 && applied.appliedRounds == 1 && !applied.converged)
        var skipped = chain
        skipped.skip(ctx: round.context.ctx, reason: .deadline)
        #expect(skipped.middle == (try next.get("hadItBeenSkipped").get("H(\"skip\")").digest()))
        #expect(skipped.modelHash == (try next.get("hadItBeenSkipped").get("modelHash").digest()))
        #expect(skipped.paramsHash == chain.paramsHash && skipped.appliedRounds == 0)
    }
}

/// Single values that a round is made of.
@Suite struct CheckVectorTests {
    @Test func pointsAreRedrawnWhileTheirWPartIsZero() throws {
        let cases = try Known.load("xof-edges").get("pointsRedrawnWhileWPartIsZero").list()
        #expect(cases.count == 3)
        for known in cases {
            // The words are those of the stream: rejection comes first, then pairs.
            let words = try known.get("words").words().filter { $0 < 0xffff_ffff_0000_0001 }
            var next = 0
            let point = VectorCheck.drawPoint {
                defer { next += 2 }
                return Array(words[next..<next + 2])
            }
            #expect(point == (try known.get("z").pair()))
            #expect(next == words.count)
        }
    }

    @Test func rootsOfResults() throws {
        let cases = try Known.load("bytes").get("root").list()
        #expect(cases.count == 3)
        for known in cases {
            var survivors: [(id: PartyID, leaf: Digest)] = []
            var helpers: [(id: PartyID, leaf: Digest)] = []
            for entry in try known.get("entries").list() {
                let pair = (id: try entry.get("id").party(), leaf: try entry.get("leaf").digest())
                if try entry.get("role").int() == 0 { survivors.append(pair) } else { helpers.append(pair) }
            }
            #expect(resultRoot(survivors: survivors, helpers: helpers) == (try known.get("root").digest()))
        }
    }

    @Test func theHashOfASkip() throws {
        let hashes = try Known.load("bytes").get("H").list()
        let known = try #require(try hashes.first { try $0.get("label").text() == "skip" })
        let fields = try known.get("fields").list()
        let ctx = try fields[0].get("value").digest()
        let reason = try #require(AbortReason(rawValue: fields[1].get("value").bytes()[0]))
        #expect(ModelChain.skipHash(ctx: ctx, reason: reason) == (try known.get("sha256").digest()))
    }

    @Test func theContextOfARound() throws {
        let hashes = try Known.load("bytes").get("H").list()
        let known = try #require(try hashes.first { try $0.get("label").text() == "round" })
        func field(_ name: String) throws -> Known {
            let fields = try known.get("fields").list()
            return try #require(try fields.first { try $0.get("name").text() == name }).get("value")
        }
        func integer(_ name: String) throws -> UInt64 { try field(name).bytes().reduce(0) { $0 << 8 | UInt64($1) } }
        let context = RoundContext(
            epochHash: try field("epochHash").digest(), round: try integer("round"), kind: .training,
            modelHash: try field("modelHash").digest(), paramsHash: .zero,
            encodingHash: try field("encodingHash").digest(), elements: Int(try integer("D")),
            cohortMin: Int(try integer("cohortMin")))
        #expect(context.ctx == (try known.get("sha256").digest()))
    }

    @Test func theFirstModelHash() throws {
        let known = try Known.load("round-exact-n3")
        let paramsHash = try known.get("paramsHash").digest()
        let chain = ModelChain(run: [], paramsHash: paramsHash, scale: .exact)
        #expect(chain.modelHash == (try known.get("modelHash_0").digest()))
        #expect(chain.index == 0 && chain.appliedRounds == 0 && !chain.closed && !chain.converged)
    }
}
