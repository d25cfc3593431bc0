// SPDX-License-Identifier: MIT

import CVectorKernels
import Primitives
import Testing

@testable import Quantization

@Suite struct SignedTransformTests {
    /// `transform.json`: y[k] = Float32((((k + 1)·2654435761 mod 2^32) − 2^31) / 2^31).
    @Test(arguments: 0..<6) func theInverseHasTheKnownBits(block: Int) throws {
        let known = try Known.load("transform")
        let ctx = try #require(Digest(bytes: known.get("ctx").bytes()))
        #expect(LabeledBytes("rotation").fixed(ctx).hash.bytes == (try known.get("rotationSeed").bytes()))
        let row = try known.get("inverse").list()[block]
        let length = try row.get("N").int()
        var transform = SignedTransform(ctx: ctx)
        transform.begin(block: try row.get("block").int())
        let bits = try row.get("first 8 bytes of sign bits").bytes()
        #expect((0..<8).map { UInt8(truncatingIfNeeded: transform.signWords[0] >> (8 * $0)) } == bits)

        let digits = (1...length).map { k -> Int32 in
            Int32(truncatingIfNeeded: k * 2_654_435_761 % 0x1_0000_0000 - 0x8000_0000)
        }
        for tile in stride(from: 0, to: length, by: SignedTransform.tile) {
            transform.enter(
                digits, at: tile, count: min(SignedTransform.tile, length), to: tile, factor: 0x1p-31)
        }
        #expect(transform.block[..<4].map(\.bitPattern) == (try row.get("y first").floats().map(\.bitPattern)))
        var result = [Float](repeating: -0.0, count: length)
        transform.inverse(length: length, addingTo: &result, at: 0, count: length)
        #expect(result[..<4].map(\.bitPattern) == (try row.get("first").floats().map(\.bitPattern)))
        #expect(result[(length - 4)...].map(\.bitPattern) == (try row.get("last").floats().map(\.bitPattern)))
        let bytes = result.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        #expect(SHA256.hash(bytes).bytes == (try row.get("sha256").bytes()))
    }

    /// The stages in order, one rounding each, as the protocol writes them.
    private func naive(_ x: [Float]) -> [Float] {
        var x = x
        var distance = 1
        while distance < x.count {
            for start in stride(from: 0, to: x.count, by: 2 * distance) {
                for k in start..<start + distance {
                    (x[k], x[k + distance]) = (x[k] + x[k + distance], x[k] - x[k + distance])
                }
            }
            distance *= 2
        }
        return x
    }

    @Test(arguments: [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
    func theForwardTransformKeepsTheStages(length: Int) {
        var random = TestRandom(seed: UInt64(length))
        let count = length - 3
        let update = (0..<count).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-37 }
        var transform = SignedTransform(ctx: .zero)
        transform.begin(block: 3)
        #expect(transform.forward([7] + update, at: 1, count: count, length: length) == 0)
        let signed = (0..<length).map { k -> Float in
            let value = k < count ? update[k] : 0
            return transform.signWords[k / 64] >> (k % 64) & 1 == 1 ? -value : value
        }
        let expected = naive(signed).map { $0 * 0x1p-16 }
        let actual = (0..<length).map { k in transform.block[k / 4096 * 4112 + k % 4096] }
        #expect(actual.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test func whatIsNotFiniteIsCountedAndWhatLiesBehindIsNot() {
        var update = [Float](repeating: .greatestFiniteMagnitude, count: 5000)
        for place in [0, 17, 4095, 4096, 4500] { update[place] = [.nan, .infinity, -.infinity][place % 3] }
        var transform = SignedTransform(ctx: .zero)
        transform.begin(block: 0)
        #expect(transform.forward(update, at: 0, count: 5000, length: 8192) == 5)
        #expect(transform.forward(update, at: 0, count: 4500, length: 8192) == 4)
        #expect(transform.forward(update, at: 1, count: 16, length: 256) == 0)
        #expect(transform.forward(update, at: 1, count: 17, length: 256) == 1)
    }

    @Test(arguments: [256, 512, 65536]) func forwardThenInverseIsTheIdentityUpToRounding(length: Int) {
        var random = TestRandom(seed: 11)
        let update = (0..<length).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-31 }
        var transform = SignedTransform(ctx: .zero)
        transform.begin(block: 0)
        #expect(transform.forward(update, at: 0, count: length, length: length) == 0)
        let forward = (0..<length).map { k in
            Double(transform.block[k / 4096 * 4112 + k % 4096]) * SignedTransform.forwardFactor(length: length)
        }
        // The norm is kept for even k and divided by √2 for odd k.
        let norm = update.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let transformed = forward.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(transformed * SignedTransform.stretch(length: length) / norm - 1) < 1e-5)

        var scaled = SignedTransform(ctx: .zero)
        scaled.begin(block: 0)
        // As digits of 2^-24 the values lose at most half a unit each.
        for tile in stride(from: 0, to: length, by: SignedTransform.tile) {
            let digits = forward[tile..<min(tile + SignedTransform.tile, length)].map { Int32(($0 * 0x1p24).rounded()) }
            scaled.enter(digits, at: 0, count: digits.count, to: tile, factor: 0x1p-24)
        }
        var back = [Float](repeating: 0, count: length)
        scaled.inverse(length: length, addingTo: &back, at: 0, count: length)
        let error = zip(back, update).reduce(0) { $0 + pow2(Double($1.0) - Double($1.1)) }.squareRoot()
        let stages = Double(length.trailingZeroBitCount)
        #expect(error <= norm * (2 * stages + 4) * 0x1p-24 + Double(length).squareRoot() * 0x1p-24)
    }

    private func pow2(_ x: Double) -> Double { x * x }

    @Test func subnormalsAndNegativeZerosComeThroughTheInverse() {
        var transform = SignedTransform(ctx: .zero)
        transform.begin(block: 0)
        transform.enter([Int32](repeating: 1, count: 256), at: 0, count: 256, to: 0, factor: 0x1p-140)
        var result = [Float](repeating: -0.0, count: 256)
        transform.inverse(length: 256, addingTo: &result, at: 0, count: 256)
        let minus = (0..<256).map { transform.signWords[$0 / 64] >> ($0 % 64) & 1 == 1 }
        // All butterflies but one give +0: signs make −0 of half of them. 256·2^-140·2^-4 is subnormal.
        #expect(result[0] == (minus[0] ? -0x1p-136 : 0x1p-136))
        for k in 1..<256 { #expect(result[k].bitPattern == (minus[k] ? 0x8000_0000 : 0)) }
    }

    /// The digit goes up exactly when the random word reaches 2^16 less the fraction in units of 2^-16, rounded.
    @Test func roundingUpBeginsAtTheFraction() {
        var random = TestRandom(seed: 13)
        var values: [Float] = []
        while values.count < 4000 {
            let value = Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-28
            let units = Double(value) * 65536
            // Nearer to a half Float32 may round to either side.
            if abs(units - units.rounded(.down) - 0.5) > 0.01 { values.append(value) }
        }
        let floors = values.map { Int32($0.rounded(.down)) }
        let fractions = zip(values, floors).map { value, floor in
            UInt64(((Double(value) - Double(floor)) * 65536).rounded())
        }
        #expect(values.contains { $0 < -1 } && fractions.contains { $0 > 65_000 } && fractions.contains { $0 < 500 })
        for up in [false, true] {
            var words = [UInt64](repeating: 0, count: 1024)
            for (index, fraction) in fractions.enumerated() {
                let word = up ? min(65536 - fraction, 65535) : 65535 - min(fraction, 65535)
                words[index / 4] |= word << (index % 4 * 16)
            }
            var digits = [Int32](repeating: 7, count: values.count)
            #expect(packed_round(&digits, 0, values, 0, values.count, words, 1) == 0)
            for (index, fraction) in fractions.enumerated() {
                let isUp = fraction == 65536 || fraction > 0 && up
                #expect(digits[index] == floors[index] + (isUp ? 1 : 0), "\(values[index])")
            }
        }
    }

    /// Both directions, compiled for each instruction set that this processor has.
    @Test(arguments: [256, 4096, 8192, 65536]) func everyInstructionSetGivesTheSameBits(length: Int) {
        var random = TestRandom(seed: 12)
        let update = (0..<length).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-33 }
        let signs = (0..<1024).map { _ in random.next() }
        let words = (0..<1024).map { _ in random.next() }
        let count = length - 5
        var results: [(digits: [Int32], parameters: [UInt32])] = []
        for level: Int32 in [1, 3, 4] {
            var block = [Float](repeating: 0, count: Int(PACKED_BLOCK))
            var digits = [Int32](repeating: 0, count: length)
            guard packed_encode_block_at_level(level, &digits, &block, length, update, count, signs, words, 30_000) != 0
            else { continue }
            var parameters = update
            let ran = packed_decode_block_at_level(
                level, &parameters, &block, length, digits, count, signs, 0x1.555_5555_5555p-17, 0x1p-3)
            #expect(ran != 0)
            results.append((digits, parameters.map(\.bitPattern)))
        }
        #expect(!results.isEmpty)
        #expect(Set(results.map(\.digits)).count == 1)
        #expect(Set(results.map(\.parameters)).count == 1)
        // What is dispatched is one of them.
        var block = [Float](repeating: 0, count: Int(PACKED_BLOCK))
        #expect(packed_forward(&block, length, update, 0, count, signs, 1) == 0)
        var digits = [Int32](repeating: 0, count: length)
        for tile in stride(from: 0, to: length, by: 4096) {
            _ = packed_round(&digits, tile, block, tile, min(4096, length), words, 30_000)
        }
        #expect(digits == results[0].digits)
        var parameters = update
        for tile in stride(from: 0, to: length, by: 4096) {
            packed_dequantize(&block, tile, digits, tile, min(4096, length), 0x1.555_5555_5555p-17)
        }
        packed_butterflies(&block, length)
        packed_apply(&parameters, 0, count, block, signs, 0x1p-3)
        #expect(parameters.map(\.bitPattern) == results[0].parameters)
        #expect(parameters[count...].elementsEqual(update[count...]), "what lies behind is left alone")
    }
}
