// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Primitives
import Testing

@testable import Quantization

/// What is encoded and decoded, against exact rationals: `Support/exact_rationals.py` computes it all again.
///
/// It needs python3, with nothing but its standard library; `scripts/test.sh` sees to that.
@Suite struct ExactRationalTests {
    private let ctx = LabeledBytes("exact rationals").hash

    @Test func theScriptFindsEveryPropertyToHold() throws {
        let file = Job(
            rounds: [
                try round("one participant, b = 16", bits: 16, count: 600, members: 1, exponent: -16),
                try round("b = 7", bits: 7, count: 512, members: 2, exponent: -5),
                try round("b = 12, weights and clipping", bits: 12, count: 700, members: 3, exponent: -9, clip: 12),
                try round("b = 16, weights", bits: 16, count: 1000, members: 5, exponent: -12),
                try round("b = 21, exact in Float32", bits: 21, count: 512, members: 3, exponent: -9, exact: true),
                try round("b = 8, exact in Float32", bits: 8, count: 256, members: 4, exponent: -3, exact: true),
                try round("first round", bits: 32, count: 300, members: 4, exponent: -31, first: true),
            ], mean: try mean())
        let (status, output) = try run(file)
        #expect(status == 0, "\(output)")
        #expect(output.contains("mean of"), "\(output)")
    }

    @Test func theScriptNoticesOneWrongDigit() throws {
        var wrong = try round("wrong", bits: 16, count: 256, members: 2, exponent: -12, exact: true)
        wrong.participants[1].digits[100] += 2
        wrong.sums[100] += 2
        let (status, output) = try run(Job(rounds: [wrong], mean: try mean()))
        #expect(status == 1)
        #expect(output.contains("is no rounding of"))
    }

    @Test func theScriptNoticesABias() throws {
        var biased = try mean()
        biased.totals = biased.totals.map { $0 + Int64(biased.seeds / 200) }
        let (status, output) = try run(Job(rounds: [], mean: biased))
        #expect(status == 1)
        #expect(output.contains("bias of"))
    }

    // MARK: What is computed

    /// Encodes, sums and applies a round. `exact`: updates of few bits, so that Float32 sums do not round; digits are then
    /// roundings of the exact values.
    private func round(
        _ name: String, bits: Int, count: Int, members: Int, exponent: Int32, clip: Double = 0, exact: Bool = false,
        first: Bool = false
    ) throws -> Job.Round {
        let encoding = try packedEncoding(
            bits: bits, count: count, exponent: exponent, members: members, clip: clip, weightMax: 16,
            isFirstRound: first)
        var random = TestRandom(seed: UInt64(bits * 1000 + members))
        var sum = Field64Vector(count: encoding.parameters.vectorLayout.count)
        var participants: [Job.Participant] = []
        for member in 0..<members {
            let delta = (0..<count).map { _ in
                let bits = Int32(truncatingIfNeeded: random.next())
                return exact ? Float(bits >> 22) * 0x1p-9 : Float(bits) * (first ? 0x1p-36 : 0x1p-31)
            }
            let encoded = try encoding.encode(delta, samples: 3 * member + 1, ctx: ctx, seed: testSeed(member))
            let alone = try encoding.decode(encoded.vector, ctx: ctx)
            participants.append(
                Job.Participant(
                    x: delta.map(\.hex), weight: encoded.weight, digits: try encoding.digits(of: alone),
                    clamped: encoded.clampedDigits))
            try sum.add(encoded.vector)
        }
        let decoded = try encoding.decode(sum, ctx: ctx)
        let model = (0..<count).map { _ in Float(Int32(truncatingIfNeeded: random.next())) * 0x1p-33 }
        var applied = model
        try encoding.apply(decoded, ctx: ctx, to: &applied)
        let bound = try encoding.errorBound(of: decoded, participants: members)
        let rule = try ScaleRule(bits: 16)
        return Job.Round(
            name: name, blocks: encoding.blocks, exponents: encoding.parameters.scale.exponents,
            signs: signs(encoding.blocks), digitBound: encoding.digitBound,
            weightMax: encoding.parameters.weightMax.hex, clip: clip.hex, exactFloats: exact, rounding: !first,
            participants: participants, sums: try encoding.digits(of: decoded), totalWeight: decoded.weight,
            model: model.map(\.hex), applied: applied.map(\.hex), bounds: bound.blocks.map(\.hex),
            expected: bound.expected.map(\.hex), nextBits: 16,
            range: [rule.exponents.lowerBound, rule.exponents.upperBound],
            nextExponents: rule.next(after: decoded, of: encoding).exponents)
    }

    /// Rounds one update with many seeds. Its digits have fractions of 12 bits, which Float32 holds exactly.
    private func mean() throws -> Job.Mean {
        let encoding = try packedEncoding(bits: 16, count: 256, exponent: -4, members: 1)
        var random = TestRandom(seed: 77)
        let delta = (0..<256).map { _ in Float(Int32(truncatingIfNeeded: random.next()) >> 20) * 0x1p-11 }
        var totals = [Int64](repeating: 0, count: 256)
        let seeds = 3000
        for seed in 0..<seeds {
            let encoded = try encoding.encode(delta, ctx: ctx, seed: testSeed(seed))
            let digits = try encoding.digits(of: encoding.decode(encoded.vector, ctx: ctx))
            for index in totals.indices { totals[index] += Int64(digits[index]) }
        }
        return Job.Mean(
            blocks: [256], exponents: [-4], signs: signs([256]), x: delta.map(\.hex), seeds: seeds, totals: totals)
    }

    private func signs(_ blocks: [Int]) -> [String] {
        var transform = SignedTransform(ctx: ctx)
        return blocks.enumerated().map { index, length in
            transform.begin(block: index)
            let bytes = transform.signWords[..<(length / 64)].flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
            return Hexadecimal.encode(bytes)
        }
    }

    // MARK: The script

    private func run(_ job: Job) throws -> (status: Int32, output: String) {
        let file = FileManager.default.temporaryDirectory.appending(path: "rationals-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try JSONEncoder().encode(job).write(to: file)
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Support/exact_rationals.py")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", script.path, file.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // 127 is what env says of a command that is not there.
        try #require(process.terminationStatus != 127, "python3 is missing: install it, as scripts/test.sh does")
        return (process.terminationStatus, output)
    }
}

/// What the script reads. Floats go by their bits, most significant first.
private struct Job: Encodable {
    var rounds: [Round]
    var mean: Mean

    struct Round: Encodable {
        var name: String
        var blocks: [Int]
        var exponents: [Int32]
        var signs: [String]
        var digitBound: Int32
        var weightMax: String
        var clip: String
        var exactFloats: Bool
        /// Whether rounding at random is the error that counts.
        var rounding: Bool
        var participants: [Participant]
        var sums: [Int32]
        var totalWeight: Int64
        var model: [String]
        var applied: [String]
        var bounds: [String]
        var expected: [String]
        var nextBits: Int
        var range: [Int32]
        var nextExponents: [Int32]
    }

    struct Participant: Encodable {
        var x: [String]
        var weight: Int64
        var digits: [Int32]
        var clamped: Int
    }

    struct Mean: Encodable {
        var blocks: [Int]
        var exponents: [Int32]
        var signs: [String]
        var x: [String]
        var seeds: Int
        var totals: [Int64]
    }
}

extension Float {
    /// The bits in hexadecimal, most significant first.
    fileprivate var hex: String { bitPattern.hex }
}

extension Double {
    /// The bits in hexadecimal, most significant first.
    fileprivate var hex: String { bitPattern.hex }
}

extension FixedWidthInteger {
    fileprivate var hex: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: Self.bitWidth / 4 - digits.count) + digits
    }
}
