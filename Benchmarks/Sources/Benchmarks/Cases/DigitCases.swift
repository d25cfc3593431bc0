// SPDX-License-Identifier: MIT

import CReference
import FiniteField
import Primitives
import Quantization

extension Benchmark {
    /// From a model's change to the vector X in 16-bit digits, everything inside, and from a sum to the next model.
    static var digitCases: [Benchmark] {
        [(Memory.l2, elementsInCache), (.dram, elementsInMemory)].flatMap { memory, elements in
            [digitEncode(memory, elements), digitDecode(memory, elements)]
        }
    }

    /// Clipping norm, transform, rounding, packing and guards. A block starts a stream of signs and one of random bits, every
    /// fourth block one of a guard.
    private static func digitEncode(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "encode_b16", variant: "", memory: memory, elements: elements, bytes: 6 * elements,
            reference: "memcpy of the floats", limit: memory == .dram ? 1.0 / 8 : nil,
            allocationsPerBlock: 12
        ) {
            let round = try DigitRound(elements)
            var copy = round.delta
            return Contest {
                consume(try round.encode().vector[0])
            } reference: {
                reference_copy(&copy, round.delta, elements)
            }
        }
    }

    /// Overflow detection, inverse transform and the model that the mean is added to. A block starts a stream of signs and has
    /// its sum of squares, every fourth block starts one of a guard.
    private static func digitDecode(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "decode_b16", variant: "", memory: memory, elements: elements, bytes: 10 * elements,
            reference: "memcpy of the floats", limit: memory == .dram ? 1.0 / 5 : nil,
            allocationsPerBlock: 8
        ) {
            let round = try DigitRound(elements)
            let sum = try Field64Vector(canonical: round.encode().vector.canonicalWords())
            var model = round.delta
            var copy = round.delta
            return Contest {
                try round.encoding.apply(round.encoding.decode(sum, ctx: round.ctx), ctx: round.ctx, to: &model)
                consume(UInt64(model[0].bitPattern))
            } reference: {
                reference_copy(&copy, round.delta, elements)
            }
        }
    }
}

/// A round with b = 16 in which no digit is clamped.
private struct DigitRound {
    let encoding: PackedEncoding
    let delta: [Float]
    let ctx = Digest.zero
    private let seed = SecretBytes(Array(repeating: 7, count: PackedEncoding.seedBytes))

    init(_ elements: Int) throws {
        delta = Benchmark.floats(elements)
        let blocks = VectorLayout.transformBlocks(parameterCount: elements)
        // Coordinates up to 2^-9, weighed by 3/4, have a standard deviation of 0.43·2^-9: 3500 units of 2^-22.
        let scale = EncodingScale(bits: 16, exponents: Array(repeating: -22, count: blocks.count))
        encoding = try PackedEncoding(
            EncodingParameters(
                kind: .training, scale: scale, clip: 1e6, weightMax: 4, layout: Benchmark.layout(elements)),
            members: 10)
    }

    func encode() throws -> EncodedVector {
        let encoded = try encoding.encode(
            delta: delta, samples: 3, lossSum: 1, correct: 1, tested: 1, ctx: ctx, seed: seed)
        precondition(encoded.clampedDigits == 0, "digits are clamped")
        return encoded
    }
}
