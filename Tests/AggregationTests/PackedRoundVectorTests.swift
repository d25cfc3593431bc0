// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Quantization
import Testing

@testable import Aggregation

/// Rounds with packed encodings, sampled slots and an answer from a standby: what the tests of all rounds leave out.
@Suite struct PackedRoundVectorTests {
    static let files = [
        "round-b16-n6", "round-first-b32-n4", "round-b7-n4", "round-b9-n4", "round-b16-n4", "round-b16-n4-repetition",
        "round-b32-n4",
    ]
    /// The same in modes `all` and `pinned`.
    static let filesWithoutDraw = ["round-b8-n3", "round-b12-n3", "round-b16-n4-pinned", "round-b21-n3"]

    @Test(arguments: files + filesWithoutDraw) func theContextOfTheRound(file: String) throws {
        let round = try KnownRound(file)
        #expect(round.context.ctx == (try round.known.get("ctx").digest()))
        #expect(round.context.base == (try round.known.get("base").digest()))
        #expect(round.context.encodingHash == (try round.known.get("encodingHash").digest()))
        #expect(round.context.elements == (try round.known.get("D").int()))
        #expect(round.checkKey.key == (try round.epoch.get("G").secret()))
        let encoding = try round.configuration.checkedEncoding(kind: .training, scale: try round.scale)
        #expect(encoding.hash == round.context.encodingHash && encoding.elements == round.context.elements)
    }

    /// Primary and standby give the same bytes: `aggregateShares` computes those of whoever answered.
    @Test(arguments: files) func whoAnsweredHoldsTheSlot(file: String) throws {
        let round = try KnownRound(file)
        let slots = try round.epoch.get("slotsOrdered").list().map { try $0.list().map { try $0.party() } }
        var standbys = 0
        for helper in try round.known.get("helpers").list() {
            let holders = slots[try helper.get("slot").int()]
            let isStandby = try helper.get("which").text() == "standby"
            #expect(try helper.get("answered").party() == holders[isStandby ? 1 : 0])
            if isStandby { standbys += 1 }
        }
        #expect(file != "round-b16-n6" || standbys == 1)
    }

    /// What an auditor compares: Σ τ(Y_i) − Σ τ(M_s) = τ(S).
    @Test(arguments: files + filesWithoutDraw) func theTagsOfTheRound(file: String) throws {
        let round = try KnownRound(file)
        let audit = try round.known.get("audit")
        let seed = LabeledBytes("audit").fixed(round.context.ctx).fixed(try round.known.get("root").digest())
            .fixed(try round.known.get("H(S)").digest()).hash
        #expect(seed == (try audit.get("seed").digest()))
        var stream = XofHmacSha256Aes128(seed: SecretBytes(seed), dst: "summand/v1 audit")
        let z = VectorCheck.drawPoint { stream.nextFieldWords(count: 2) }
        #expect(z == (try audit.get("z").pair()))
        func tags(_ list: String, _ vector: String) throws -> [Field64Extension] {
            try round.known.get(list).list().map { Field64Extension.tau(z, try $0.get(vector).vector()) }
        }
        let explicit = try tags("participants", "Y")
        #expect(explicit == (try audit.get("tau(Y) by member of U").list().map { try $0.pair() }))
        let aggregates = try tags("helpers", "M")
        #expect(aggregates == (try audit.get("tau(M) by slot").list().map { try $0.pair() }))
        let sum = Field64Extension.tau(z, try round.known.get("S").vector())
        #expect(sum == (try audit.get("tau(S)").pair()))
        #expect(aggregates.reduce(explicit.reduce(.zero, +), -) == sum)
    }

    @Test(arguments: files + filesWithoutDraw) func whatIsAppliedAndTheNextHashes(file: String) throws {
        let round = try KnownRound(file)
        let known = round.known
        let before = try known.get("parameters").floats()
        guard case .applied(let sum) = try round.application.outcome(of: known.get("S").vector(), to: before) else {
            Issue.record("nothing was applied")
            return
        }
        #expect(String(sum.weight) == (try known.get("apply").get("N_total").text()))
        let participants = try known.get("participants").list()
        let metrics = try (0..<4).map { index in
            try participants.map { Int64(try $0.get("metrics").list()[index].int()) }.reduce(0, +)
        }
        #expect([sum.metrics.loss, sum.metrics.correct, sum.metrics.tested, sum.metrics.clipped] == metrics)
        let model = sum.parameters
        #expect(model.map(\.bitPattern) == (try known.get("apply").get("parameters").floats().map(\.bitPattern)))

        let scale = sum.scale
        let next = try known.get("next")
        #expect(!scale.isFirst)
        #expect(scale.hash == (try next.get("scaleHash").digest()))
        try checkHashes(round, next, model: model, scale: scale)
        if let overflowed = try? next.get("hadItOverflowed") {
            let first = try round.configuration.firstScale()
            #expect(first.isFirst)
            #expect(first.hash == (try overflowed.get("scaleHash").digest()))
            let middle = ModelChain.overflowHash(
                ctx: round.context.ctx, survivorsHash: try known.get("H(U)").digest(),
                sumHash: try known.get("H(S)").digest())
            #expect(middle == (try overflowed.get("H(\"overflow\")").digest()))
            #expect(
                modelHash(round, middle, try known.get("paramsHash").digest(), first)
                    == (try overflowed.get("modelHash").digest()))
        }
    }

    /// A member may claim any weight: the server must not fail at what it cannot divide by.
    @Test(arguments: ["round-exact-n3", files[0]], [0, Field64.modulus - 1] as [UInt64])
    func aSumWithoutAPositiveWeightIsRefused(file: String, weight: UInt64) throws {
        let round = try KnownRound(file)
        var sum = try round.known.get("S").vector()
        // Behind it stand four metrics, two elements of the check and two blinds.
        sum[sum.count - 9] = weight
        #expect(try round.application.outcome(of: sum, to: round.known.get("parameters").floats()) == .refused)
    }

    @Test func aSumThatOverflows() throws {
        let round = try KnownRound("round-b16-n4-overflow")
        let outcome = try round.application.outcome(
            of: round.known.get("S").vector(), to: round.known.get("parameters").floats())
        #expect(outcome == .overflowed)
        let next = try round.known.get("next")
        let first = try round.configuration.firstScale()
        #expect(first.hash == (try next.get("scaleHash").digest()))
        let middle = ModelChain.overflowHash(
            ctx: round.context.ctx, survivorsHash: try round.known.get("H(U)").digest(),
            sumHash: try round.known.get("H(S)").digest())
        #expect(middle == (try next.get("H(\"overflow\")").digest()))
        let params = try round.known.get("paramsHash").digest()
        #expect(modelHash(round, middle, params, first) == (try next.get("modelHash").digest()))
        #expect(try KnownRound("round-b16-n4-repetition").context.modelHash == next.get("modelHash").digest())
    }

    /// The first round of the run begins its chain; the other one stands somewhere in the middle.
    private func checkHashes(_ round: KnownRound, _ next: Known, model: [Float], scale: RoundScale) throws {
        let bytes = model.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        let paramsHash = LabeledBytes("params").variable(round.configuration.layout).variable(bytes).hash
        #expect(paramsHash == (try next.get("paramsHash").digest()))
        let sumHash = ModelChain.sumHash(
            ctx: round.context.ctx, survivorsHash: try round.known.get("H(U)").digest(),
            sumHash: try round.known.get("H(S)").digest())
        #expect(sumHash == (try next.get("H(\"sum\")").digest()))
        #expect(modelHash(round, sumHash, paramsHash, scale) == (try next.get("modelHash").digest()))
        let (oldParams, oldScale) = (try round.known.get("paramsHash").digest(), try round.scale)
        #expect(oldScale.hash == (try round.known.get("scaleHash").digest()))
        let skip = ModelChain.skipHash(ctx: round.context.ctx, reason: .deadline)
        let skipped = try next.get("hadItBeenSkipped")
        #expect(skip == (try skipped.get("H(\"skip\")").digest()))
        #expect(modelHash(round, skip, oldParams, oldScale) == (try skipped.get("modelHash").digest()))
        if let first = try? round.known.get("modelHash_0").digest() {
            let chain = ModelChain(run: [], paramsHash: oldParams, scale: oldScale)
            #expect(chain.modelHash == first && first == round.context.modelHash)
        }
    }

    private func modelHash(_ round: KnownRound, _ middle: Digest, _ params: Digest, _ scale: RoundScale) -> Digest {
        ModelChain(
            handedOver: HandoverHeader(
                configuration: round.configuration, chainIndex: 1, appliedRounds: 1,
                previousModelHash: round.context.modelHash, middle: middle, paramsHash: params, scale: scale,
                elements: round.parameters.parameterCount)
        ).modelHash
    }
}
