// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@testable import Quantization

/// What an implementation in another language encodes, decodes and applies.
@Suite struct KnownRoundTests {
    private func parameters(_ known: Known) throws -> EncodingParameters {
        let encoding = try known.get("encoding")
        return try EncodingParameters(
            kind: #require(EncodingParameters.Kind(rawValue: UInt8(encoding.get("kind").int()))),
            bits: UInt8(encoding.get("b").int()), digits: UInt8(encoding.get("L").int()),
            exponents: encoding.get("e").list().map { Int32(try $0.int()) },
            clip: encoding.get("clip").double(), weightMax: encoding.get("weightMax").double(),
            layout: known.get("layout").bytes())
    }

    private func metrics(_ known: Known) throws -> UpdateMetrics {
        let values = try known.list().map { Int64(try $0.int()) }
        return UpdateMetrics(loss: values[0], correct: values[1], tested: values[2], clipped: values[3])
    }

    @Test(arguments: ["round-exact-n3", "round-exact-n4-dropout", "closing-n3", "round-b16-n6", "round-first-b32-n4"])
    func hashesAndLengthsOfEveryEncoding(file: String) throws {
        let known = try Known.load(file)
        let parameters = try parameters(known)
        #expect(parameters.encodingHash.bytes == (try known.get("encodingHash").bytes()))
        #expect(parameters.vectorLayout.count == (try known.get("D").int()))
        if parameters.kind == .training {
            #expect(parameters.parameterCount == (try known.get("d").int()))
            #expect(parameters.scale.hash.bytes == (try known.get("scaleHash").bytes()))
        }
        let next = try known.get("next")
        let scale = try EncodingScale(
            bits: UInt8(next.get("scale").get("b").int()),
            exponents: next.get("scale").get("e").list().map { Int32(try $0.int()) })
        #expect(scale.hash.bytes == (try next.get("scaleHash").bytes()))
    }

    @Test(arguments: ["round-exact-n3", "round-exact-n4-dropout"])
    func updatesBecomeTheseElements(file: String) throws {
        let known = try Known.load(file)
        let members = try known.get("epoch").get("n").int()
        let encoding = try ExactEncoding(parameters(known), members: members)
        let global = try known.get("parameters").floats()
        for participant in try known.get("participants").list() {
            let local = try participant.get("local").floats()
            let delta = try ExactEncoding.difference(local: local, global: global)
            #expect(delta.map(\.bitPattern) == (try participant.get("x").floats().map(\.bitPattern)))

            // The files state the metrics as they stand in the vector: for those, the count is rounded already.
            let metrics = try metrics(participant.get("metrics"))
            #expect(roundedToTwoBinaryDigits(try participant.get("tested").int()) == Int(metrics.tested))
            let update = try encoding.encode(
                delta: delta, samples: participant.get("samples").int(), lossSum: Double(metrics.loss) / 1024,
                correct: Int(metrics.correct), tested: Int(metrics.tested))
            #expect(update.values == (try participant.get("Z").integers()))
            #expect(update.weight == Int64(try participant.get("weight").int()))
            #expect(Double(update.weight) / encoding.parameters.weightMax == (try participant.get("w").double()))
            #expect(update.metrics.loss == metrics.loss)
            #expect(update.metrics.correct == metrics.correct)
            #expect(update.metrics.tested == metrics.tested)

            // The files state how many were clipped as an input of its own.
            let stated = EncodedUpdate(values: update.values, weight: update.weight, metrics: metrics)
            let expected = try participant.get("X").vector()
            let check = try participant.get("t").vector()
            let vector = try encoding.vector(
                of: stated, check: Field64Extension(one: check[0], w: check[1]),
                blind: participant.get("blind").vector().canonicalWords())
            #expect(vector == expected)
            #expect(try encoding.decode(vector) == stated)
        }
    }

    @Test(arguments: ["round-exact-n3", "round-exact-n4-dropout"])
    func sumsBecomeTheseParameters(file: String) throws {
        let known = try Known.load(file)
        let apply = try known.get("apply")
        let encoding = try ExactEncoding(parameters(known), members: known.get("epoch").get("n").int())
        let sum = try encoding.decode(known.get("S").vector())
        #expect(sum.values == (try apply.get("sums").integers()))
        #expect(String(sum.weight) == (try apply.get("N_total").text()))
        #expect(
            encoding.parameters.weightMax / Double(sum.weight) == (try apply.get("weightMax/N_total").double()))
        let model = try known.get("parameters").floats()
        let expected = try apply.get("parameters").floats().map(\.bitPattern)
        #expect(try encoding.apply(sum, to: model).map(\.bitPattern) == expected)

        // The plain arm, from the same updates.
        var plain = ExactSum(encoding)
        for participant in try known.get("participants").list() {
            try plain.add(
                EncodedUpdate(
                    values: participant.get("Z").integers(), weight: Int64(participant.get("weight").int()),
                    metrics: metrics(participant.get("metrics"))))
        }
        #expect(plain.total == sum)
        #expect(try encoding.apply(plain.total, to: model).map(\.bitPattern) == expected)
    }

    @Test func aClosingRoundCarriesMetricsAlone() throws {
        let known = try Known.load("closing-n3")
        let encoding = try ExactEncoding(parameters(known), members: 3)
        for participant in try known.get("participants").list() {
            let stated = try metrics(participant.get("metrics"))
            var update = try encoding.encodeClosing(
                lossSum: Double(stated.loss) / 1024, correct: Int(stated.correct), tested: Int(stated.tested))
            #expect(roundedToTwoBinaryDigits(try participant.get("tested").int()) == Int(stated.tested))
            #expect(update.metrics.tested == stated.tested)
            update.metrics.clipped = stated.clipped
            let check = try participant.get("t").vector()
            let vector = try encoding.vector(
                of: update, check: Field64Extension(one: check[0], w: check[1]),
                blind: participant.get("blind").vector().canonicalWords())
            #expect(vector == (try participant.get("X").vector()))
        }
        let vector = try known.get("S").vector()
        let sum = try encoding.decode(vector)
        let sums = try known.get("metricSums").integers()
        #expect(
            sum
                == EncodedUpdate(
                    values: [], weight: 0,
                    metrics: UpdateMetrics(loss: sums[0], correct: sums[1], tested: sums[2], clipped: sums[3])))
        let check = try known.get("check").get("t").vector()
        #expect(
            try encoding.parameters.vectorLayout.check(in: vector) == Field64Extension(one: check[0], w: check[1]))
        let model = try known.get("parameters").floats()
        #expect(try encoding.apply(sum, to: model) == model)
    }

    @Test func theCheckCoversAllButItselfAndTheBlind() throws {
        let known = try Known.load("round-exact-n3")
        let layout = try parameters(known).vectorLayout
        let z = try known.get("check").get("z").vector()
        let tau = try known.get("check").get("tau_z(V_S)").vector()
        #expect(
            Field64Extension.tau(
                Field64Extension(one: z[0], w: z[1]), try known.get("S").vector(), in: layout.checked)
                == Field64Extension(one: tau[0], w: tau[1]))
    }
}
