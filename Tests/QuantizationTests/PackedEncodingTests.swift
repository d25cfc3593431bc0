// SPDX-License-Identifier: MIT

import CVectorKernels
import FiniteField
import Primitives
import Testing

@testable import Quantization

/// A packed encoding of a model with one tensor, all blocks of it with the same exponent.
func packedEncoding(
    bits: Int, count: Int, exponent: Int32 = -10, members: Int = 3, clip: Double = 0, weightMax: Double = 1,
    isFirstRound: Bool = false
) throws -> PackedEncoding {
    let layout = [0, 0, 0, 0, 0, 0, 0, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    let blocks = VectorLayout.transformBlocks(parameterCount: count).count
    let scale = EncodingScale(bits: UInt8(bits), exponents: Array(repeating: exponent, count: blocks))
    return try PackedEncoding(
        EncodingParameters(kind: .training, scale: scale, clip: clip, weightMax: weightMax, layout: layout),
        members: members, isFirstRound: isFirstRound)
}

/// A participant's seed that is the same in every run.
func testSeed(_ number: Int) -> SecretBytes {
    SecretBytes((0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) &+ UInt8($0) })
}

extension PackedEncoding {
    /// Encodes with scalars that do not matter.
    func encode(
        _ delta: [Float], samples: Int = 1, ctx: Digest = .zero, seed: SecretBytes = testSeed(1),
        noise: DigitNoise? = nil
    ) throws(QuantizationError) -> EncodedVector {
        try encode(
            delta: delta, samples: samples, lossSum: 0, correct: 0, tested: 0, ctx: ctx, seed: seed, noise: noise)
    }
}

@Suite struct PackedEncodingTests {
    private let ctx = LabeledBytes("test").hash

    private func update(_ count: Int, seed: UInt64 = 1, magnitude: Float = 1) -> [Float] {
        var random = TestRandom(seed: seed)
        return (0..<count).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-31 * magnitude }
    }

    // MARK: The same everywhere

    @Test(arguments: 7...32) func everyNumberOfBitsAddsUp(bits: Int) throws {
        // 257 coordinates make two blocks of 256; most L do not divide 256.
        let encoding = try packedEncoding(bits: bits, count: 257, exponent: 4 - Int32(bits), members: 3)
        var sum = Field64Vector(count: encoding.parameters.vectorLayout.count)
        var digits = [Int32](repeating: 0, count: 512)
        for member in 0..<3 {
            let encoded = try encoding.encode(update(257, seed: UInt64(member)), ctx: ctx, seed: testSeed(member))
            #expect(encoded.clampedDigits == 0)
            let alone = try encoding.decode(encoded.vector, ctx: ctx)
            digits = zip(digits, try encoding.digits(of: alone)).map { $0 + $1 }
            try sum.add(encoded.vector)
        }
        let decoded = try encoding.decode(sum, ctx: ctx)
        #expect(decoded.overflowedGuard == nil)
        #expect(decoded.weight == 3)
        #expect(try encoding.digits(of: decoded) == digits)
        #expect(digits.contains { $0.magnitude > Int32(1) << (bits - 4) }, "the digits use their room")
        for block in 0..<2 {
            let squares = digits[block * 256..<block * 256 + 256].reduce(UInt128(0)) {
                $0 + UInt128(Int64($1) * Int64($1))
            }
            #expect(decoded.squares[block] == squares)
        }
    }

    @Test(arguments: [7, 9, 16, 32]) func elementsAreTheIntegersOfTheirDigits(bits: Int) throws {
        let perElement = 64 / bits
        var random = TestRandom(seed: UInt64(bits))
        let bound = Int64(1) << (bits - 1) - 1
        let digits = (0..<5000).map { _ in Int32(Int64(random.next() >> 1) % (2 * bound + 1) - bound) }
        let words = packedDigits(digits, bits: bits, bound: .max, ctx: ctx).words
        for (element, word) in words.dropLast().enumerated() {
            var value = Int128(0)
            for place in (0..<perElement).reversed() {
                let index = element * perElement + place
                value = value << bits + (index < digits.count ? Int128(digits[index]) : 0)
            }
            #expect(word == UInt64(value < 0 ? value + 0xffff_ffff_0000_0001 : value))
        }
    }

    @Test func theSameUpdateSeedAndRoundGiveTheSameVector() throws {
        let encoding = try packedEncoding(bits: 16, count: 5000, exponent: -12)
        let update = update(5000)
        let vector = try encoding.encode(update, ctx: ctx).vector
        #expect(try encoding.encode(update, ctx: ctx).vector == vector)
        #expect(try encoding.encode(update, ctx: .zero).vector != vector)
        #expect(try encoding.encode(update, ctx: ctx, seed: testSeed(2)).vector != vector)
        var other = update
        other[4999] = other[4999].nextUp * 1.5
        #expect(try encoding.encode(other, ctx: ctx).vector != vector)
    }

    @Test func roundingTakesTheStreamOfSeedRoundAndBlock() throws {
        let update = update(600)
        let encoding = try packedEncoding(bits: 16, count: 600, exponent: -12)
        let encoded = try encoding.encode(update, ctx: ctx, seed: testSeed(3))
        var transform = SignedTransform(ctx: ctx)
        var expected: [Int32] = []
        for (block, length) in [512, 256].enumerated() {
            transform.begin(block: block)
            let count = min(length, 600 - expected.count)
            #expect(transform.forward(update, at: expected.count, count: count, length: length) == 0)
            var stream = XofHmacSha256Aes128(
                seed: testSeed(3), dst: "summand/v1 rounding", binder: ctx.bytes + [0, 0, 0, UInt8(block)])
            var random = [UInt64](repeating: 0, count: 1024)
            stream.fill(words: &random)
            var digits = [Int32](repeating: 0, count: length)
            let factor = Float(SignedTransform.forwardFactor(length: length) * 0x1p12)
            _ = packed_round(&digits, 0, transform.block, 0, length, random, factor)
            expected += digits
        }
        #expect(try encoding.digits(of: encoding.decode(encoded.vector, ctx: ctx)) == expected)
    }

    @Test func streamsAreNumberedInFourBytes() {
        var streams = NumberedStream(seed: testSeed(1), domain: "test", prefix: [9])
        for (number, binder) in [(0x0102_0304, [9, 1, 2, 3, 4]), (5, [9, 0, 0, 0, 5])] as [(Int, [UInt8])] {
            streams.start(number)
            var words = [UInt64](repeating: 0, count: 3)
            streams.read(into: &words)
            var alone = XofHmacSha256Aes128(seed: testSeed(1), dst: "summand/v1 test", binder: binder)
            var expected = words
            alone.fill(words: &expected)
            #expect(words == expected)
        }
    }

    @Test func anOverflowIsToldByItsGuardAndNotApplied() throws {
        let encoding = try packedEncoding(bits: 8, count: 300, exponent: -2)
        var sum = Field64Vector(count: encoding.parameters.vectorLayout.count)
        for _ in 0..<3 { try sum.add(encoding.encode([Float](repeating: 0.5, count: 300), ctx: ctx).vector) }
        let fits = try encoding.decode(sum, ctx: ctx)
        #expect(fits.overflowedGuard == nil)
        for member in 0..<40 {
            try sum.add(encoding.encode(update(300, seed: 5), ctx: ctx, seed: testSeed(member)).vector)
        }
        let decoded = try encoding.decode(sum, ctx: ctx)
        #expect(decoded.overflowedGuard == 0)
        var model = [Float](repeating: 1, count: 300)
        #expect(throws: QuantizationError.sumOverflowed(guardIndex: 0)) {
            try encoding.apply(decoded, ctx: ctx, to: &model)
        }
        #expect(model == [Float](repeating: 1, count: 300))
        #expect(throws: QuantizationError.sumOverflowed(guardIndex: 0)) { try encoding.digits(of: decoded) }
        #expect(throws: QuantizationError.sumOverflowed(guardIndex: 0)) {
            try encoding.errorBound(of: decoded, participants: 43)
        }
        let repetition = try ScaleRule(bits: 8).next(after: decoded, of: encoding)
        #expect(repetition == EncodingScale(bits: 32, exponents: [-31, -31]))
    }

    @Test(arguments: [1, 3, 10, 1000]) func aFirstRoundCannotOverflow(members: Int) throws {
        let encoding = try packedEncoding(
            bits: 32, count: 256, exponent: -31, members: members, isFirstRound: true)
        #expect(Int64(encoding.digitBound) * Int64(members) <= Int64(encoding.sumBound))
        #expect(Int64(encoding.digitBound) + 1 > Int64(encoding.sumBound) / Int64(members))
        // All digits beyond the bound, in both directions.
        let updates = [Float(1e30), -1e30].map { value in
            (0..<256).map { $0 == 0 ? value : 0 }
        }
        for update in updates {
            let encoded = try encoding.encode(update, ctx: ctx)
            #expect(encoded.clampedDigits == 256)
            var sum = encoded.vector
            sum.multiply(by: Field64(Int64(members)))
            let decoded = try encoding.decode(sum, ctx: ctx)
            #expect(decoded.overflowedGuard == nil)
            #expect(
                try encoding.digits(of: decoded).allSatisfy {
                    Int64($0.magnitude) == Int64(encoding.digitBound) * Int64(members)
                })
        }
    }

    // MARK: What is clamped, and what refused

    @Test(arguments: [7, 16, 21, 32]) func digitsBeyondTheBoundAreClampedAndCounted(bits: Int) throws {
        let encoding = try packedEncoding(bits: bits, count: 256, exponent: 0)
        let bound = Float(encoding.sumBound)
        // One coordinate x spreads as ±x/16 over all.
        for (value, clamped) in [(bound * 16, 0), (bound * 18, 256), (3.0e38, 256), (-3.4e38, 256)] {
            var update = [Float](repeating: 0, count: 256)
            update[17] = value
            let encoded = try encoding.encode(update, ctx: ctx)
            // At 32 bits the bound has no Float32: the next one is 2^31.
            #expect(encoded.clampedDigits == (bits == 32 ? 256 : clamped))
            let digits = try encoding.digits(of: encoding.decode(encoded.vector, ctx: ctx))
            #expect(digits.allSatisfy { $0.magnitude == encoding.sumBound.magnitude })
        }
    }

    @Test func theLargestFiniteUpdateOverflowsNoComputation() throws {
        let count = 65_536
        let encoding = try packedEncoding(bits: 16, count: count, exponent: PackedEncoding.exponentRange.upperBound)
        let update = (0..<count).map { $0 % 3 == 0 ? -Float.greatestFiniteMagnitude : .greatestFiniteMagnitude }
        let encoded = try encoding.encode(update, ctx: ctx)
        #expect(encoded.clampedDigits == count)
        let decoded = try encoding.decode(encoded.vector, ctx: ctx)
        #expect(decoded.overflowedGuard == nil)
        var model = [Float](repeating: 0, count: count)
        try encoding.apply(decoded, ctx: ctx, to: &model)
        #expect(model.allSatisfy { $0.isFinite })
    }

    @Test(arguments: [0.0, 1.0]) func whatIsNotFiniteIsNamed(clip: Double) throws {
        let count = 70_001
        let encoding = try packedEncoding(bits: 16, count: count, clip: clip)
        for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
            for place in [0, 4096, 65_535, 65_536, 70_000] {
                var update = [Float](repeating: 0, count: count)
                update[place] = bad
                update[70_000] = bad
                #expect(throws: QuantizationError.notFinite(coordinate: place)) {
                    try encoding.encode(update, ctx: ctx)
                }
            }
        }
    }

    @Test func subnormalsAndNegativeZerosAreZeros() throws {
        let encoding = try packedEncoding(bits: 16, count: 256)
        let tiny: [Float] = (0..<256).map { [Float.leastNonzeroMagnitude, -0.0, -.leastNormalMagnitude, 0][$0 % 4] }
        let digits = try encoding.digits(of: encoding.decode(encoding.encode(tiny, ctx: ctx).vector, ctx: ctx))
        // Up with a probability of nothing, −1 with one of nothing.
        #expect(digits == [Int32](repeating: 0, count: 256))
    }

    @Test func emptyAndOneElementModels() throws {
        let empty = try packedEncoding(bits: 16, count: 0)
        let none = try empty.encode([], ctx: ctx)
        #expect(none.vector.count == 9)
        let decoded = try empty.decode(none.vector, ctx: ctx)
        #expect(decoded.overflowedGuard == nil && decoded.weight == 1 && decoded.squares.isEmpty)
        var model: [Float] = []
        try empty.apply(decoded, ctx: ctx, to: &model)
        #expect(model.isEmpty)
        let nothing = try empty.errorBound(of: decoded, participants: 1)
        #expect(nothing.coordinate == 0 && nothing.norm == 0)

        let one = try packedEncoding(bits: 16, count: 1, exponent: -13)
        let sum = try one.decode(one.encode([0.75], ctx: ctx).vector, ctx: ctx)
        model = [2]
        try one.apply(sum, ctx: ctx, to: &model)
        #expect(try abs(Double(model[0]) - 2.75) <= one.errorBound(of: sum, participants: 1).coordinate)
    }

    @Test func otherLengthsSeedsAndScalesAreRefused() throws {
        let encoding = try packedEncoding(bits: 16, count: 20)
        #expect(throws: QuantizationError.countMismatch(expected: 20, actual: 19)) {
            try encoding.encode([Float](repeating: 0, count: 19))
        }
        #expect(throws: QuantizationError.seedLength(expected: 32, actual: 31)) {
            try encoding.encode([Float](repeating: 0, count: 20), seed: SecretBytes([UInt8](repeating: 0, count: 31)))
        }
        #expect(throws: QuantizationError.countMismatch(expected: 74, actual: 73)) {
            try encoding.decode(Field64Vector(count: 73), ctx: ctx)
        }
        let sum = try encoding.decode(Field64Vector(count: 74), ctx: ctx)
        var model = [Float](repeating: 0, count: 21)
        #expect(throws: QuantizationError.countMismatch(expected: 20, actual: 21)) {
            try encoding.apply(sum, ctx: ctx, to: &model)
        }
        model.removeLast()
        #expect(throws: QuantizationError.totalWeightNotPositive(0)) { try encoding.apply(sum, ctx: ctx, to: &model) }
        #expect(throws: QuantizationError.totalWeightNotPositive(0)) {
            try encoding.errorBound(of: sum, participants: 1)
        }
        let longer = try packedEncoding(bits: 16, count: 300)
        #expect(throws: QuantizationError.countMismatch(expected: 138, actual: 74)) { try longer.digits(of: sum) }
        for exponent: Int32 in [-65, 33, .min, .max] {
            #expect(throws: QuantizationError.exponentOutOfRange(block: 0, exponent: exponent)) {
                try packedEncoding(bits: 16, count: 20, exponent: exponent)
            }
            #expect(throws: QuantizationError.exponentOutOfRange(block: 0, exponent: exponent)) {
                try ScaleRule(bits: 16, firstExponent: exponent)
            }
        }
        for members in [0, -1, 1 << 31] {
            #expect(throws: QuantizationError.tooManyUpdates(members: members)) {
                try packedEncoding(bits: 16, count: 20, members: members)
            }
        }
        #expect(throws: QuantizationError.firstRoundBits(16)) {
            try packedEncoding(bits: 16, count: 20, isFirstRound: true)
        }
        #expect(throws: QuantizationError.encodingUnknown(bits: 6)) { try packedEncoding(bits: 6, count: 20) }
        #expect(throws: QuantizationError.encodingUnknown(bits: 33)) { try ScaleRule(bits: 33) }
        #expect(throws: QuantizationError.encodingUnknown(bits: 63)) { try ScaleRule(bits: 63) }
        #expect("\(QuantizationError.exponentOutOfRange(block: 3, exponent: 99))".contains("block 3"))
        #expect("\(QuantizationError.sumOverflowed(guardIndex: 5))".contains("guard 5"))
    }

    @Test func updatesBeyondTheNormAndTheWeightAreCounted() throws {
        let encoding = try packedEncoding(bits: 16, count: 256, exponent: -12, clip: 5, weightMax: 4)
        func encode(_ delta: [Float], samples: Int) throws -> (EncodedVector, [Double]) {
            let encoded = try encoding.encode(delta, samples: samples, ctx: ctx)
            var model = [Float](repeating: 0, count: 256)
            try encoding.apply(encoding.decode(encoded.vector, ctx: ctx), ctx: ctx, to: &model)
            return (encoded, model.map(Double.init))
        }
        var delta = [Float](repeating: 0, count: 256)
        (delta[3], delta[200]) = (3, -4)
        let (kept, _) = try encode(delta, samples: 4)
        #expect(kept.metrics.clipped == 0 && kept.weight == 4)
        (delta[3], delta[200]) = (30, -40)
        let (clipped, mean) = try encode(delta, samples: 3)
        #expect(clipped.metrics.clipped == 1 && clipped.weight == 3)
        #expect(abs(mean[3] - 3) < 0.05 && abs(mean[200] + 4) < 0.05)
        let (heavy, _) = try encode([Float](repeating: 0, count: 256), samples: .max)
        #expect(heavy.metrics.clipped == 1 && heavy.weight == 4)
        #expect(throws: QuantizationError.noSamples) { try encoding.encode(delta, samples: 0) }
    }

    @Test func weightsDoNotEndangerTheirSum() throws {
        let encoding = try packedEncoding(bits: 16, count: 1, members: 1 << 30, weightMax: 0x1p40)
        let limit = ExactEncoding.sumLimit / (1 << 30)
        #expect(throws: QuantizationError.scalarOutOfRange(.weight, limit: limit)) {
            try encoding.encode([0], samples: 1 << 40)
        }
    }

    // MARK: Noise

    @Test func noiseIsAddedBeforeClampingAndGuards() throws {
        let count = 5000
        let encoding = try packedEncoding(bits: 9, count: count, exponent: -6)
        let update = update(count, magnitude: 0.25)
        let plain = try encoding.digits(of: encoding.decode(encoding.encode(update, ctx: ctx).vector, ctx: ctx))
        var coordinates: [Int] = []
        let encoded = try encoding.encode(update, ctx: ctx) { digits, range, first in
            coordinates += Array(first..<first + range.count)
            for index in range { digits[index] += Int32((first + index - range.lowerBound) % 7 - 3) }
            if range.contains(range.lowerBound + 1), first == 0 { digits[range.lowerBound + 1] = .min }
        }
        #expect(coordinates == Array(0..<5120))
        let noisy = try encoding.decode(encoded.vector, ctx: ctx)
        #expect(noisy.overflowedGuard == nil)
        var expected = plain.enumerated().map { $1 + Int32($0 % 7 - 3) }
        expected[1] = -255
        #expect(try encoding.digits(of: noisy) == expected)
        #expect(encoded.clampedDigits == 1)
    }

    // MARK: Either encoding

    @Test func exactAndPackedRoundsLookAlike() throws {
        let count = 300
        let packed = try packedEncoding(bits: 21, count: count, exponent: -18, weightMax: 16)
        let exact = try EncodingParameters(
            kind: .training, scale: .exact, weightMax: 16, layout: packed.parameters.layout)
        let updates = (0..<3).map { update(count, seed: UInt64($0)) }
        var models: [[Float]] = []
        for parameters in [packed.parameters, exact] {
            let encoding = try VectorEncoding(parameters, members: 3)
            #expect(encoding.parameters == parameters)
            var sum = Field64Vector(count: parameters.vectorLayout.count)
            for (member, delta) in updates.enumerated() {
                let encoded = try encoding.encode(
                    delta: delta, samples: 4 << member, lossSum: 1, correct: 2, tested: 4, ctx: ctx,
                    seed: testSeed(member))
                #expect(encoded.weight == 4 << Int64(member) && encoded.clampedDigits == 0)
                try sum.add(encoded.vector)
            }
            let decoded = try encoding.decode(sum, ctx: ctx)
            #expect(decoded.weight == 28 && decoded.overflowedGuard == nil)
            #expect(decoded.metrics == UpdateMetrics(loss: 3072, correct: 6, tested: 12, clipped: 0))
            var model = [Float](repeating: 1, count: count)
            try encoding.apply(decoded, ctx: ctx, to: &model)
            models.append(model)
            let other = try VectorEncoding(parameters == exact ? packed.parameters : exact, members: 3)
            #expect(throws: QuantizationError.encodingNotAvailable(bits: Int(other.parameters.scale.bits))) {
                try other.apply(decoded, ctx: ctx, to: &model)
            }
        }
        #expect(zip(models[0], models[1]).allSatisfy { abs($0 - $1) < 1e-3 })
        #expect(models[0] != models[1])
        #expect(throws: QuantizationError.encodingNotAvailable(bits: 63)) { try PackedEncoding(exact, members: 3) }
    }

    // MARK: Scales

    @Test func theNextExponentIsTheLeastThatFits() throws {
        var random = TestRandom(seed: 4)
        for bits in 7...32 {
            let rule = try ScaleRule(bits: bits, exponents: -64...32)
            let largest = UInt128(1) << (bits - 1) - 1
            for length in [256, 65_536] {
                // With the last ones both sides are equal for some e.
                let equal = UInt128(length) / 256 * largest * largest
                for squares in [1, 2, UInt128(random.next()), UInt128(length) << 62, equal, equal / 4] {
                    let exponent = rule.exponent(after: 0, squares: squares, length: length)
                    func fits(_ e: Int32) -> Bool {
                        let (left, right) = (squares << 8, UInt128(length) * largest * largest)
                        return e < 0 ? left << (-2 * Int(e)) <= right : left <= right << (2 * Int(e))
                    }
                    #expect(fits(exponent) && !fits(exponent - 1))
                }
                #expect(rule.exponent(after: -77, squares: 0, length: length) == -77)
            }
        }
        let narrow = try ScaleRule(bits: 16, exponents: -3...3)
        #expect(narrow.exponent(after: 0, squares: 1, length: 256) == -3)
        #expect(narrow.exponent(after: 0, squares: 1 << 78, length: 256) == 3)
    }
}
