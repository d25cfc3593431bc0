// SPDX-License-Identifier: MIT

import CVectorKernels
import FiniteField
import Primitives
import Testing

@testable import Quantization

/// The encoding of `round-b16-n6.json` and `round-first-b32-n4.json`: from digits to X, and from S to the next model and scale.
@Suite struct PackedRoundVectorTests {
    private static let files = ["round-b16-n6", "round-first-b32-n4"]

    /// A round file and its encoding.
    private struct Round {
        let known: Known
        let encoding: PackedEncoding
        let ctx: Digest

        /// Reading the files takes most of the time of these tests.
        private static let all = files.map { file in Result { try Round(reading: file) } }

        init(_ file: String) throws {
            self = try Self.all[try #require(files.firstIndex(of: file))].get()
        }

        private init(reading file: String) throws {
            known = try Known.load(file)
            let stated = try known.get("encoding")
            let parameters = try EncodingParameters(
                kind: .training, bits: UInt8(stated.get("b").int()), digits: UInt8(stated.get("L").int()),
                exponents: stated.get("e").list().map { Int32(try $0.int()) }, clip: stated.get("clip").double(),
                weightMax: stated.get("weightMax").double(), layout: known.get("layout").bytes())
            encoding = try PackedEncoding(
                parameters, members: known.get("epoch").get("n").int(),
                isFirstRound: known.get("firstRoundOfRun").int() == 1)
            ctx = try #require(Digest(bytes: known.get("ctx").bytes()))
        }

        func rule() throws -> ScaleRule {
            try ScaleRule(
                bits: 16,
                exponents: Int32(known.get("eMin").int())...Int32(known.get("eMax").int()))
        }
    }

    @Test(arguments: files) func boundsBlocksAndPlaces(file: String) throws {
        let round = try Round(file)
        #expect(String(round.encoding.digitBound) == (try round.known.get("digitBound").text()))
        #expect(round.encoding.blocks == (try round.known.get("transformBlocks").list().map { try $0.int() }))
        #expect(round.encoding.layout.count == (try round.known.get("D").int()))
        #expect(round.encoding.layout.packed.count == (try round.known.get("packedElements").int()) + 1)
    }

    @Test(arguments: files) func theSeedsAndTheirStreams(file: String) throws {
        let round = try Round(file)
        let rotation = try round.known.get("rotation")
        #expect(LabeledBytes("rotation").fixed(round.ctx).hash.bytes == (try rotation.get("seed").bytes()))
        var transform = SignedTransform(ctx: round.ctx)
        for (index, known) in try rotation.get("bits by block").list().enumerated() {
            transform.begin(block: index)
            let expected = try known.bytes()
            let bytes = transform.signWords.flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
            #expect(Array(bytes[..<expected.count]) == expected)
        }
        let guards = try round.known.get("guard")
        #expect(LabeledBytes("guard").fixed(round.ctx).hash.bytes == (try guards.get("seed").bytes()))
        let count = round.encoding.blocks.reduce(0, +)
        let (first, last) = (try guards.get("c first").list(), try guards.get("c last").list())
        let places = Array(first.enumerated()) + last.enumerated().map { ($0 + count - last.count, $1) }
        for (place, coefficient) in places {
            var digits = [Int32](repeating: 0, count: count)
            digits[place] = 1
            var sum = GuardSum(ctx: round.ctx)
            sum.absorb(digits, at: 0, count: count)
            #expect(sum.finish() == UInt64(try coefficient.int()))
        }
    }

    @Test(arguments: files) func digitsBecomeTheseElements(file: String) throws {
        let round = try Round(file)
        for participant in try round.known.get("participants").list() {
            let digits = try participant.get("digits").digits()
            let before = (try? participant.get("digitsBeforeClamp").digits()) ?? digits
            let (words, clamped) = packedDigits(
                before, bits: round.encoding.bits, bound: round.encoding.digitBound, ctx: round.ctx)
            #expect(clamped == (try participant.get("clampedDigits").int()))
            #expect(packedDigits(digits, bits: round.encoding.bits, bound: .max, ctx: round.ctx).words == words)
            #expect([words.last] == (try participant.get("guards").list().map { try $0.element() }))

            let metrics = try participant.get("metrics").list().map { UInt64(try $0.int()) }
            let scalars = [UInt64(try participant.get("weight").int())] + metrics
            var vector = try Field64Vector(canonical: words + scalars + [0, 0, 0, 0])
            let check = try participant.get("t").vector()
            try round.encoding.layout.place(
                check: Field64Extension(one: check[0], w: check[1]),
                blind: participant.get("blind").vector().canonicalWords(), in: &vector)
            #expect(vector == (try participant.get("X").vector()))
            let read = try round.encoding.decode(vector, ctx: round.ctx)
            #expect(try round.encoding.digits(of: read) == digits)
            #expect(read.overflowedGuard == nil)
        }
    }

    /// The part of a participant's own encoding that has known answers: all but the digits, which depend on a secret seed.
    @Test(arguments: files) func updatesAreEncodedWithTheseScalarsAndNearTheseDigits(file: String) throws {
        let round = try Round(file)
        for participant in try round.known.get("participants").list() {
            let metrics = try participant.get("metrics").list().map { try $0.int() }
            let encoded = try round.encoding.encode(
                delta: participant.get("x").floats(), samples: participant.get("samples").int(),
                lossSum: Double(metrics[0]) / 1024, correct: metrics[1], tested: metrics[2], ctx: round.ctx,
                seed: SecretBytes([UInt8](repeating: 1, count: 32)))
            #expect(encoded.weight == Int64(try participant.get("weight").int()))
            #expect(
                Double(encoded.weight) / round.encoding.parameters.weightMax == (try participant.get("w").double()))
            #expect(roundedToTwoBinaryDigits(try participant.get("tested").int()) == Int(encoded.metrics.tested))
            #expect(encoded.metrics.tested == metrics[2])
            let read = try round.encoding.decode(encoded.vector, ctx: round.ctx)
            let digits = try round.encoding.digits(of: read)
            // Two ways of rounding one number differ by at most 1; Float32 sums add a little where digits are large, as in the
            // first round. Some of the file's digits there are inputs, made to be clamped.
            let slack = file == "round-b16-n6" ? 1 : 64
            let expected = try participant.get("digits").digits()
            let far = zip(digits, expected).count { abs(Int($0) - Int($1)) > slack }
            #expect(far <= (file == "round-b16-n6" ? 0 : 2))
        }
    }

    @Test(arguments: files) func sumsBecomeTheseDigitsAndParameters(file: String) throws {
        let round = try Round(file)
        let apply = try round.known.get("apply")
        let decode = try round.known.get("decode")
        let vector = try round.known.get("S").vector()
        let sum = try round.encoding.decode(vector, ctx: round.ctx)
        #expect(sum.overflowedGuard == nil)
        let digits = try round.encoding.digits(of: sum)
        #expect(digits == (try decode.get("digitSums").digits()))
        #expect(vector[round.encoding.layout.packed.upperBound - 1] == (try decode.get("guard in S").element()))
        let repacked = packedDigits(digits, bits: round.encoding.bits, bound: .max, ctx: round.ctx).words
        #expect(repacked.last == (try decode.get("guard of digitSums").element()))
        #expect(String(sum.weight) == (try apply.get("N_total").text()))
        let ratio = round.encoding.parameters.weightMax / Double(sum.weight)
        #expect(ratio == (try apply.get("weightMax/N_total").double()))

        let (y, m) = intermediate(round, digits: digits, ratio: ratio)
        #expect(y.map(\.bitPattern) == (try apply.get("y").floats().map(\.bitPattern)))
        #expect(m.map { Double($0).bitPattern } == (try apply.get("m").list().map { try $0.double().bitPattern }))

        var model = try round.known.get("parameters").floats()
        #expect(paramsHash(model, round).bytes == (try round.known.get("paramsHash").bytes()))
        try round.encoding.apply(sum, ctx: round.ctx, to: &model)
        #expect(model.map(\.bitPattern) == (try apply.get("parameters").floats().map(\.bitPattern)))
        #expect(paramsHash(model, round).bytes == (try round.known.get("next").get("paramsHash").bytes()))
    }

    /// y of all coordinates, and m of those that the model has.
    private func intermediate(_ round: Round, digits: [Int32], ratio: Double) -> (y: [Float], m: [Float]) {
        var transform = SignedTransform(ctx: round.ctx)
        // −0 + m is m, −0 included.
        var mean = [Float](repeating: -0.0, count: round.encoding.parameters.parameterCount)
        var y: [Float] = []
        var offset = 0
        for (index, length) in round.encoding.blocks.enumerated() {
            transform.begin(block: index)
            transform.enter(
                digits, at: y.count, count: length, to: 0, factor: round.encoding.unit(ofBlock: index) * ratio)
            y += transform.block[..<length]
            let count = min(length, mean.count - offset)
            transform.inverse(length: length, addingTo: &mean, at: offset, count: count)
            offset += count
        }
        return (y, mean)
    }

    private func paramsHash(_ model: [Float], _ round: Round) -> Digest {
        let bytes = model.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        return LabeledBytes("params").variable(round.encoding.parameters.layout).variable(bytes).hash
    }

    @Test(arguments: files) func theNextScaleFollowsFromTheSum(file: String) throws {
        let round = try Round(file)
        let sum = try round.encoding.decode(round.known.get("S").vector(), ctx: round.ctx)
        let next = try round.rule().next(after: sum, of: round.encoding)
        let expected = try round.known.get("next")
        #expect(next.exponents == (try expected.get("scale").get("e").list().map { Int32(try $0.int()) }))
        #expect(next.hash.bytes == (try expected.get("scaleHash").bytes()))
        guard file == "round-b16-n6" else {
            let first = try round.rule().first(parameterCount: 10)
            #expect(first == round.encoding.parameters.scale)
            #expect(first.hash.bytes == (try round.known.get("scaleHash").bytes()))
            return
        }
        // Had it overflowed.
        let overflowed = PackedSum(
            weight: 1, metrics: .zero, overflowedGuard: 0, squares: sum.squares, words: sum.words)
        let repetition = try round.rule().next(after: overflowed, of: round.encoding)
        let known = try expected.get("hadItOverflowed")
        #expect(repetition.bits == 32)
        #expect(repetition.exponents == (try known.get("scale").get("e").list().map { Int32(try $0.int()) }))
        #expect(repetition.hash.bytes == (try known.get("scaleHash").bytes()))
    }

    @Test func theScaleOfARoundFollowsFromTheSumBefore() throws {
        let round = try Round("round-b16-n6")
        let previous = try round.known.get("previous")
        let sums = try previous.get("digitSums").digits()
        let exponents = try previous.get("e").list().map { Int32(try $0.int()) }
        var offset = 0
        for (index, length) in round.encoding.blocks.enumerated() {
            let squares = sums[offset..<offset + length].reduce(UInt128(0)) { $0 + UInt128(Int64($1) * Int64($1)) }
            #expect(
                try round.rule().exponent(after: exponents[index], squares: squares, length: length)
                    == Int32(previous.get("eOfThisRound").list()[index].int()))
            offset += length
        }
    }
}

extension Known {
    /// Digits in decimal, those beyond Int32 as its ends.
    func digits() throws -> [Int32] { try integers().map { Int32(clamping: $0) } }

    /// One field element in decimal.
    func element() throws -> UInt64 {
        guard let word = UInt64(try text()) else { throw Missing(what: "element") }
        return word
    }
}
