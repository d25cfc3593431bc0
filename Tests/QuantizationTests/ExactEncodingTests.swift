// SPDX-License-Identifier: MIT

import CVectorKernels
import FiniteField
import Testing

@testable import Quantization

@Suite struct ExactEncodingTests {
    private func encoding(
        count: Int, members: Int = 3, clip: Double = 0, weightMax: Double = 1,
        kind: EncodingParameters.Kind = .training
    ) throws -> ExactEncoding {
        // One tensor "" of rank 1.
        let layout = [0, 0, 0, 0, 0, 0, 0, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        return try ExactEncoding(
            EncodingParameters(kind: kind, scale: .exact, clip: clip, weightMax: weightMax, layout: layout),
            members: members)
    }

    private func weight(_ value: Int64) -> SampleWeight { SampleWeight(value: value, isClipped: false) }

    @Test func roundsTiesToEven() throws {
        let unit = Float(0x1p-40)
        let delta = [0.5, 1.5, 2.5, -0.5, -1.5, 0.25, -0.75, 0, -0.0].map { Float($0) * unit }
        let values = try encoding(count: 9).quantize(delta: delta, weight: weight(1))
        #expect(values == [0, 2, 2, 0, -2, 0, -1, 0, 0])
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func theBoundIsExact(members: Int) throws {
        let encoding = try encoding(count: 2, members: members)
        #expect(encoding.limit == (1 << 62 - 1) / Int64(members))
        // The largest Float32 whose integer is within the bound, and the next.
        var inside = Float(Double(encoding.limit) / 0x1p40)
        while Double(inside) * 0x1p40 > Double(encoding.limit) || Int64(Double(inside) * 0x1p40) > encoding.limit {
            inside = inside.nextDown
        }
        let values = try encoding.quantize(delta: [inside, -inside], weight: weight(1))
        #expect(values == [Int64(Double(inside) * 0x1p40), -Int64(Double(inside) * 0x1p40)])
        #expect(throws: QuantizationError.outOfRange(coordinate: 1, limit: encoding.limit)) {
            try encoding.quantize(delta: [0, -inside.nextUp], weight: weight(1))
        }
    }

    @Test func whatCannotBeEncodedIsNamed() throws {
        let encoding = try encoding(count: 20)
        for bad in [Float.nan, .infinity, -.infinity] {
            var delta = [Float](repeating: 1, count: 20)
            delta[17] = bad
            #expect(throws: QuantizationError.notFinite(coordinate: 17)) {
                try encoding.quantize(delta: delta, weight: weight(1))
            }
            delta[3] = .greatestFiniteMagnitude
            #expect(throws: QuantizationError.outOfRange(coordinate: 3, limit: encoding.limit)) {
                try encoding.quantize(delta: delta, weight: weight(1))
            }
        }
        #expect(throws: QuantizationError.countMismatch(expected: 20, actual: 19)) {
            try encoding.quantize(delta: [Float](repeating: 0, count: 19), weight: weight(1))
        }
        #expect(throws: QuantizationError.countMismatch(expected: 2, actual: 1)) {
            try ExactEncoding.difference(local: [1], global: [1, 2])
        }
        #expect(throws: QuantizationError.tooManyUpdates(members: 0)) { try self.encoding(count: 1, members: 0) }
    }

    @Test func errorsNameTheCoordinate() {
        #expect("\(QuantizationError.notFinite(coordinate: 17))".contains("coordinate 17"))
        #expect("\(QuantizationError.outOfRange(coordinate: 3, limit: 99))".contains("coordinate 3"))
        #expect("\(QuantizationError.encodingNotAvailable(bits: 16))".contains("16 bits"))
    }

    @Test func quantizingAgreesWithTheStandardLibraryOnEveryInstructionSet() {
        var random = TestRandom(seed: 7)
        // Any bits: all magnitudes, subnormals, infinities and numbers that are none.
        let delta = (0..<4099).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        let factor = 3.0 / 4
        let limit: Int64 = 1 << 61
        let expected = delta.map { x in
            let z = (Double(x) * factor * 0x1p40).rounded(.toNearestOrEven)
            return z.magnitude <= Double(limit) ? Int64(z) : Int64.min
        }
        #expect(Set(expected).count > 500)
        var ran = 0
        for level: Int32 in [1, 3, 4] {
            var values = [Int64](repeating: 7, count: delta.count)
            guard exact_quantize_at_level(level, &values, delta, delta.count, factor, Double(limit)) != 0
            else { continue }
            #expect(values == expected, "level \(level)")
            ran += 1
        }
        #expect(ran > 0)
        var values = [Int64](repeating: 7, count: delta.count)
        let refused = exact_quantize(&values, delta, delta.count, factor, Double(limit))
        #expect(values == expected)
        #expect(refused == expected.count { $0 == .min })
    }

    @Test func applyingGivesTheSameBitsOnEveryInstructionSet() throws {
        var random = TestRandom(seed: 8)
        let count = 4099
        // Sums of all magnitudes up to 2^62, beyond what a Double holds exactly.
        let sum = (0..<count).map { _ in Int64(bitPattern: random.next()) >> (2 + Int64(random.next() % 60)) }
        let model = (0..<count).map { index in
            // Half of them so near to the negated mean that only the rounding of the product is left of the sum.
            let mean = Double(sum[index]) / 0x1p40 * (0x1p20 / 6147)
            return index % 2 == 0 ? Float(-mean) : Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-30
        }
        let ratio = 0x1p20 / 6147.0
        let expected = zip(model, sum).map { parameter, sum -> UInt32 in
            let scaled = Double(sum) / 0x1p40
            let mean = scaled * ratio
            return Float(Double(parameter) + mean).bitPattern
        }
        var ran = 0
        for level: Int32 in [1, 3, 4] {
            var result = [Float](repeating: 0, count: count)
            guard exact_apply_at_level(level, &result, model, sum, count, ratio) != 0 else { continue }
            #expect(result.map(\.bitPattern) == expected, "level \(level)")
            ran += 1
        }
        #expect(ran > 0)
        let applied = try encoding(count: count, weightMax: 0x1p20).apply(sum: sum, totalWeight: 6147, to: model)
        #expect(applied.map(\.bitPattern) == expected)
        // The case tells contraction from separate roundings.
        let contracted = zip(model, sum).map { parameter, sum in
            Float(Double(parameter).addingProduct(Double(sum) / 0x1p40, ratio)).bitPattern
        }
        #expect(contracted != expected)
    }

    @Test func aSumWithoutWeightIsRefused() throws {
        let encoding = try encoding(count: 2)
        for weight: Int64 in [0, -1] {
            #expect(throws: QuantizationError.totalWeightNotPositive(weight)) {
                try encoding.apply(sum: [1, 1], totalWeight: weight, to: [0, 0])
            }
        }
        #expect(throws: QuantizationError.countMismatch(expected: 3, actual: 2)) {
            try encoding.apply(sum: [1, 1], totalWeight: 1, to: [0, 0, 0])
        }
        #expect(throws: QuantizationError.countMismatch(expected: 11, actual: 10)) {
            try encoding.decode(Field64Vector(count: 10))
        }
    }

    /// The secure sum over the field and the plain one over integers, in any order.
    @Test func bothArmsGetTheSameBits() throws {
        var random = TestRandom(seed: 9)
        let count = 70
        let members = 10
        let encoding = try encoding(count: count, members: members, weightMax: 0x1p20)
        let updates = try (0..<members).map { _ in
            try encoding.encode(
                delta: (0..<count).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-29 },
                samples: Int(random.next() % 9000 + 1), lossSum: Double(random.next() % 100_000) / 7,
                correct: Int(random.next() % 1000), tested: Int(random.next() % 1000 + 1000))
        }
        var plain = ExactSum(encoding)
        for update in updates { try plain.add(update) }
        var field = Field64Vector(count: encoding.parameters.vectorLayout.count)
        for update in updates.reversed() { try field.add(encoding.vector(of: update)) }
        let secure = try encoding.decode(field)
        #expect(secure == plain.total)
        let model = (0..<count).map { Float($0) * 0x1.8p-9 }
        let expected = zip(model, 0..<count).map { parameter, k in
            let exact = updates.reduce(Int128(0)) { $0 + Int128($1.values[k]) }
            let weight = updates.reduce(Int128(0)) { $0 + Int128($1.weight) }
            return Float(Double(parameter) + Double(exact) / 0x1p40 * (0x1p20 / Double(weight))).bitPattern
        }
        #expect(try encoding.apply(secure, to: model).map(\.bitPattern) == expected)
        #expect(try encoding.apply(plain.total, to: model).map(\.bitPattern) == expected)
        #expect(throws: QuantizationError.tooManyUpdates(members: members)) { try plain.add(updates[0]) }
    }

    @Test func sumsAtTheBoundDoNotWrap() throws {
        let members = 3
        let encoding = try encoding(count: 2, members: members)
        let update = EncodedUpdate(values: [encoding.limit, -encoding.limit], weight: 1, metrics: .zero)
        var plain = ExactSum(encoding)
        var field = Field64Vector(count: encoding.parameters.vectorLayout.count)
        for _ in 0..<members {
            try plain.add(update)
            try field.add(encoding.vector(of: update))
        }
        #expect(plain.total.values == [3 * encoding.limit, -3 * encoding.limit])
        #expect(try encoding.decode(field) == plain.total)
        #expect(3 * encoding.limit <= ExactEncoding.sumLimit)
    }

    @Test func updatesBeyondTheLimitsAreRefusedByBothArms() throws {
        let encoding = try encoding(count: 2, weightMax: 4)
        let good = EncodedUpdate(values: [1, 2], weight: 4, metrics: .zero)
        func refused(_ error: QuantizationError, _ change: (inout EncodedUpdate) -> Void) {
            var update = good
            change(&update)
            var sum = ExactSum(encoding)
            #expect(throws: error) { try sum.add(update) }
            #expect(throws: error) { try encoding.vector(of: update) }
            #expect(sum.updateCount == 0)
        }
        let limit = encoding.limit
        refused(.outOfRange(coordinate: 1, limit: limit)) { $0.values[1] = limit + 1 }
        refused(.outOfRange(coordinate: 0, limit: limit)) { $0.values[0] = .min }
        refused(.countMismatch(expected: 2, actual: 3)) { $0.values.append(0) }
        refused(.scalarOutOfRange(.weight, limit: 4)) { $0.weight = 5 }
        refused(.scalarOutOfRange(.weight, limit: 4)) { $0.weight = 0 }
        refused(.scalarOutOfRange(.loss, limit: limit)) { $0.metrics.loss = -1 }
        refused(.scalarOutOfRange(.correct, limit: limit)) { $0.metrics.correct = limit + 1 }
        refused(.scalarOutOfRange(.tested, limit: limit)) { $0.metrics.tested = .min }
        refused(.scalarOutOfRange(.clipped, limit: limit)) { $0.metrics.clipped = .max }
        let closing = try self.encoding(count: 2, kind: .closing)
        #expect(throws: QuantizationError.countMismatch(expected: 0, actual: 2)) { try closing.vector(of: good) }
        #expect(throws: QuantizationError.scalarOutOfRange(.weight, limit: 0)) {
            try closing.vector(of: EncodedUpdate(values: [], weight: 1, metrics: .zero))
        }
    }

    @Test func weightsAreClippedThenRounded() throws {
        let many = try SampleWeight(samples: 5000, weightMax: 4096)
        #expect(many == SampleWeight(value: 4096, isClipped: true))
        #expect(try SampleWeight(samples: 2439, weightMax: 4096) == SampleWeight(value: 2048, isClipped: false))
        #expect(try SampleWeight(samples: 4096, weightMax: 4096) == SampleWeight(value: 4096, isClipped: false))
        #expect(try SampleWeight(samples: 77, weightMax: 1) == SampleWeight(value: 1, isClipped: false))
        for samples in [0, -1] {
            #expect(throws: QuantizationError.noSamples) { try SampleWeight(samples: samples, weightMax: 4096) }
        }
    }

    @Test func longUpdatesAreScaledToTheNormAndCounted() throws {
        let clipping = try encoding(count: 9, clip: 5, weightMax: 16)
        var delta = [Float](repeating: 0, count: 9)
        delta[0] = 3
        delta[8] = -4
        #expect(clipping.clipped(delta) == (delta, false), "a norm at the bound is kept")
        delta[0] = 6
        delta[8] = -8
        let (scaled, isClipped) = clipping.clipped(delta)
        #expect(isClipped)
        #expect(scaled[0] == 3)
        #expect(scaled[8] == -4)
        let update = try clipping.encode(delta: delta, samples: 16, lossSum: 0, correct: 0, tested: 0)
        #expect(update.metrics.clipped == 1)
        #expect(update.values[8] == -4 << 40)
        #expect(try encoding(count: 9).clipped(delta) == (delta, false))
        delta[4] = .nan
        #expect(throws: QuantizationError.notFinite(coordinate: 4)) {
            try clipping.encode(delta: delta, samples: 16, lossSum: 0, correct: 0, tested: 0)
        }
        delta[4] = .infinity
        #expect(throws: QuantizationError.self) {
            try clipping.encode(delta: delta, samples: 16, lossSum: 0, correct: 0, tested: 0)
        }
    }

    @Test(arguments: [1, 5, 9, 545, 1000, 6036, 10_000])
    func roundingTheCountKeepsAccuracyAndMeanLoss(tested: Int) throws {
        let correct = tested * 87 / 100
        let metrics = try UpdateMetrics(
            lossSum: 0.375 * Double(tested), correct: correct, tested: tested, isClipped: false)
        let accuracy = Double(metrics.correct) / Double(metrics.tested)
        #expect(abs(accuracy - Double(correct) / Double(tested)) <= 0.5 / Double(metrics.tested))
        let loss = Double(metrics.loss) / UpdateMetrics.lossUnitsPerOne / Double(metrics.tested)
        #expect(abs(loss - 0.375) <= 1 / UpdateMetrics.lossUnitsPerOne / Double(metrics.tested))
    }

    @Test func metricsAreRoundedToTheirUnits() throws {
        let metrics = try UpdateMetrics(lossSum: 1.5 / 1024, correct: 3, tested: 512, isClipped: true)
        #expect(metrics == UpdateMetrics(loss: 2, correct: 3, tested: 512, clipped: 1))
        for loss in [-1, .nan, .infinity, 0x1p53] {
            #expect(throws: QuantizationError.scalarOutOfRange(.loss, limit: ExactEncoding.sumLimit)) {
                try UpdateMetrics(lossSum: loss, correct: 0, tested: 0, isClipped: false)
            }
        }
        #expect(throws: QuantizationError.scalarOutOfRange(.correct, limit: ExactEncoding.sumLimit)) {
            try UpdateMetrics(lossSum: 0, correct: -1, tested: 0, isClipped: false)
        }
        #expect(throws: QuantizationError.scalarOutOfRange(.correct, limit: ExactEncoding.sumLimit)) {
            try UpdateMetrics(lossSum: 0, correct: 8, tested: 7, isClipped: false)
        }
        #expect(throws: QuantizationError.scalarOutOfRange(.tested, limit: ExactEncoding.sumLimit)) {
            try UpdateMetrics(lossSum: 0, correct: 0, tested: .max, isClipped: false)
        }
    }
}

/// A generator that gives the same numbers in every run (SplitMix64).
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
