// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Learning
import Primitives
import Quantization
import Testing

@testable import Averaging

@Suite struct QuantisedSumTests {
    private let weights = [96, 8, 1_024]
    private let model = (0..<15).map { Float($0) * 0.125 - 0.5 }

    private func digits(_ configuration: AveragingConfiguration, first: Bool = true) throws -> RoundDigits {
        let scale = RoundScale(EncodingScale(bits: UInt8(configuration.bits ?? 0), exponents: [-14]), isFirst: false)
        return RoundDigits(scale: first ? try configuration.firstScale() : scale, clients: 3)
    }

    private func update(_ index: Int, magnitude: Float = 0.001) -> TrainedUpdate {
        TrainedUpdate(
            delta: (0..<15).map { Float($0 * (index + 1) % 7 - 3) * magnitude }, samples: weights[index],
            evaluation: Evaluation(lossSum: 4, correct: 6, tested: 8))
    }

    private func vector(_ index: Int, _ round: QuantisedRound, magnitude: Float = 0.001) throws -> ClientVector {
        let seed = SecretBytes([UInt8](repeating: UInt8(index), count: 32))
        let bytes = try round.encode(update(index, magnitude: magnitude), seed: seed)
        #expect(bytes.count == 8 * round.elements)
        return ClientVector(round: 1, vector: try round.vector(bytes, of: "VectorHeader"))
    }

    @Test(arguments: [true, false]) func anyOrderGivesTheSameModelNearTheExactMean(first: Bool) throws {
        let configuration = try Samples.configuration(sum: .quantised)
        let digits = try digits(configuration, first: first)
        var outcomes: [AppliedSum] = []
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            var sum = try UpdateSum(configuration, members: 3, base: Samples.hash, digits: digits)
            let round = try #require(sum.round)
            for index in order { try sum.add(try vector(index, round)) }
            #expect(sum.count == 3)
            #expect(sum.metrics == UpdateMetrics(loss: 3 * 4_096, correct: 18, tested: 24, clipped: 0))
            guard case .applied(let applied) = try sum.outcome(for: model) else {
                Issue.record("it overflowed")
                return
            }
            outcomes.append(applied)
        }
        #expect(outcomes[1] == outcomes[0] && outcomes[2] == outcomes[0])
        let bound = try #require(outcomes[0].errorBound)
        let total = Double(weights.reduce(0, +))
        for coordinate in model.indices {
            let mean = (0..<3).map { Double(update($0).delta[coordinate]) * Double(weights[$0]) }.reduce(0, +) / total
            let error = abs(Double(outcomes[0].values[coordinate]) - Double(model[coordinate]) - mean)
            // The parameters are below 2, their last places 2^-24.
            #expect(error <= bound + 0x1p-24)
        }
        #expect(outcomes[0].values != model)
        #expect(outcomes[0].scale.encoding.bits == 16 && !outcomes[0].scale.isFirst)
    }

    @Test func clientsReadTheSameFromTheSumAsTheServer() throws {
        let configuration = try Samples.configuration(sum: .quantised, bits: 9)
        let digits = try digits(configuration, first: false)
        var sum = try UpdateSum(configuration, members: 3, number: 4, base: Samples.hash, digits: digits)
        let round = try #require(sum.round)
        for index in 0..<3 { try sum.add(try vector(index, round)) }
        guard case .applied(let applied) = try sum.outcome(for: model), let bytes = applied.bytes else {
            Issue.record("nothing was applied")
            return
        }
        // A client knows nothing of how many there are: the sum can be read without.
        let seen = try QuantisedRound(
            configuration, number: 4, base: Samples.hash, digits: RoundDigits(scale: digits.scale, clients: 1))
        let decoded = try seen.decode(try seen.vector(bytes, of: "SumHeader"))
        #expect(try seen.apply(decoded, to: model).map(\.bitPattern) == applied.values.map(\.bitPattern))
        let rule = try #require(try configuration.scaleRule())
        #expect(seen.scale(after: decoded, by: rule) == applied.scale)
        // Another round draws other signs.
        let other = try QuantisedRound(configuration, number: 5, base: Samples.hash, digits: digits)
        let elsewhere = try other.decode(try other.vector(bytes, of: "SumHeader"))
        #expect(elsewhere.overflowedGuard != nil)
    }

    @Test func aVectorHasAllElementsOfASecureOneButCheckAndBlind() throws {
        for bits in [7, 9, 16, 32] {
            let configuration = try Samples.configuration(model: "mlp:784-128-10", sum: .quantised, bits: bits)
            let blocks = [Int32](repeating: -12, count: 6)
            let scale = RoundScale(EncodingScale(bits: UInt8(bits), exponents: blocks), isFirst: false)
            let round = try QuantisedRound(
                configuration, number: 1, base: .zero, digits: RoundDigits(scale: scale, clients: 3))
            let layout = try VectorLayout(bits: bits, parameterCount: 101_770)
            #expect(round.elements == layout.count - 4)
            if bits == 16 { #expect(8 * round.elements == 203_824) }
        }
    }

    @Test func aVectorThatIsNoneLeavesTheSumAsItWas() throws {
        let configuration = try Samples.configuration(sum: .quantised)
        var sum = try UpdateSum(configuration, members: 3, base: Samples.hash, digits: try digits(configuration))
        let round = try #require(sum.round)
        try sum.add(try vector(0, round))
        let before = try sum.outcome(for: model)
        let layout = try VectorLayout(bits: 32, parameterCount: 15)
        let good = try vector(1, round)
        /// The vector with one element changed.
        func changed(_ index: Int, to value: Int64) -> ClientVector {
            var vector = good
            vector.vector[index] = Field64Vector(signed: [value])[0]
            return vector
        }
        #expect(throws: QuantizationError.sumOverflowed(guardIndex: 0)) { try sum.add(changed(3, to: 5)) }
        #expect(throws: QuantizationError.noSamples) { try sum.add(changed(layout.weight, to: -1)) }
        #expect(throws: QuantizationError.self) { try sum.add(changed(layout.weight, to: 97)) }
        #expect(throws: QuantizationError.self) { try sum.add(changed(layout.metrics.lowerBound, to: -1)) }
        #expect(throws: QuantizationError.self) {
            try sum.add(ClientVector(round: 1, vector: good.vector[0..<layout.count - 1]))
        }
        #expect(sum.count == 1)
        #expect(try sum.outcome(for: model) == before)
        var bytes = round.bytes(of: good.vector)
        #expect(throws: InvalidAveragingMessage.self) { try round.vector(Array(bytes.dropLast(8)), of: "VectorHeader") }
        bytes.replaceSubrange(0..<8, with: [UInt8](repeating: 0xff, count: 8))
        #expect(throws: InvalidAveragingMessage.range(message: "VectorHeader", field: "elements")) {
            try round.vector(bytes, of: "VectorHeader")
        }
    }

    @Test func aSumThatOverflowsIsNotApplied() throws {
        let configuration = try Samples.configuration(sum: .quantised, bits: 7)
        var sum = try UpdateSum(
            configuration, members: 3, base: Samples.hash, digits: try digits(configuration, first: false))
        let round = try #require(sum.round)
        // Everybody alike, with digits as large as they can be.
        for _ in 0..<3 { try sum.add(try vector(2, round, magnitude: 1_000)) }
        #expect(try sum.outcome(for: model) == .overflowed)
    }
}
