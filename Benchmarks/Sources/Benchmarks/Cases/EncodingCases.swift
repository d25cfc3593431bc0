// SPDX-License-Identifier: MIT

import CReference
import FiniteField
import Quantization

extension Benchmark {
    /// From a model's change to the vector X, and from a sum to the next model, against a copy of as many floats.
    static var encodingCases: [Benchmark] {
        [(Memory.l2, elementsInCache), (.dram, elementsInMemory)].flatMap { memory, elements in
            [exactEncode(memory, elements), exactDecode(memory, elements)]
        }
    }

    private static func exactEncode(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "exact_encode", variant: "", memory: memory, elements: elements, bytes: 12 * elements,
            reference: "memcpy of the floats"
        ) {
            let encoding = try ExactEncoding(exactParameters(elements), members: 10)
            let delta = floats(elements)
            var copy = delta
            return Contest {
                let update = try encoding.encode(delta: delta, samples: 1000, lossSum: 1, correct: 1, tested: 1)
                consume(try encoding.vector(of: update)[0])
            } reference: {
                reference_copy(&copy, delta, elements)
            }
        }
    }

    private static func exactDecode(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "exact_decode", variant: "", memory: memory, elements: elements, bytes: 16 * elements,
            reference: "memcpy of the floats"
        ) {
            let encoding = try ExactEncoding(exactParameters(elements), members: 10)
            let model = floats(elements)
            let update = try encoding.encode(delta: model, samples: 1000, lossSum: 1, correct: 1, tested: 1)
            let sum = try encoding.vector(of: update)
            var copy = model
            return Contest {
                consume(UInt64(try encoding.apply(encoding.decode(sum), to: model)[0].bitPattern))
            } reference: {
                reference_copy(&copy, model, elements)
            }
        }
    }

    private static func exactParameters(_ elements: Int) throws -> EncodingParameters {
        try EncodingParameters(kind: .training, scale: .exact, layout: layout(elements))
    }

    /// One tensor of rank 1 whose name is empty (protocol section 2).
    static func layout(_ elements: Int) -> [UInt8] {
        [UInt32(0), 1, UInt32(elements)].flatMap { value in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
        }
    }

    /// Makes numbers as small as a model's changes are.
    static func floats(_ count: Int) -> [Float] {
        var generator = SplitMix(state: 2)
        return (0..<count).map { _ in Float(Int32(truncatingIfNeeded: generator.next())) * 0x1p-40 }
    }
}
