// SPDX-License-Identifier: MIT

import CReference
import FiniteField

extension Benchmark {
    static var fieldCases: [Benchmark] { lazyCases + productCases }

    /// Lazy addition and subtraction against a loop that adds words as they are.
    private static var lazyCases: [Benchmark] {
        [
            lazy("field64_lazy_add", .l2, elementsInCache, limit: 0.8) { try $0.add($1) },
            lazy("field64_lazy_add", .dram, elementsInMemory, limit: 0.9) { try $0.add($1) },
            lazy("field64_lazy_subtract", .l2, elementsInCache, limit: 0.8) { try $0.subtract($1) },
            lazy("field64_lazy_subtract", .dram, elementsInMemory, limit: 0.9) { try $0.subtract($1) },
        ]
    }

    /// What costs multiplications, against the same with words mod 2^64.
    private static var productCases: [Benchmark] {
        [(Memory.l2, elementsInCache), (.dram, elementsInMemory)].flatMap { memory, elements in
            [multiply(memory, elements), innerProduct(memory, elements), tau(memory, elements)]
        }
    }

    private static func multiply(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "field64_multiply", variant: "", memory: memory, elements: elements, bytes: 24 * elements,
            reference: "wrapping multiply in C"
        ) {
            let words = canonicalWords(elements)
            var product = Field64Vector(unreduced: words)
            let factor = try Field64Vector(canonical: words)
            var plain = words
            return Contest {
                try product.multiply(factor)
            } reference: {
                reference_wrapping_multiply(&plain, words, elements)
            }
        }
    }

    private static func innerProduct(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "field64_inner_product", variant: "", memory: memory, elements: elements, bytes: 16 * elements,
            reference: "wrapping inner product in C"
        ) {
            let (words, others) = (canonicalWords(elements), canonicalWords(elements).map { $0 ^ 1 })
            let (a, b) = (try Field64Vector(canonical: words), try Field64Vector(canonical: others))
            return Contest {
                consume(try a.innerProduct(b).canonical)
            } reference: {
                consume(reference_wrapping_inner_product(words, others, elements))
            }
        }
    }

    private static func tau(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "field64_tau", variant: "", memory: memory, elements: elements, bytes: 8 * elements,
            reference: "wrapping inner product in C"
        ) {
            let (words, others) = (canonicalWords(elements), canonicalWords(elements).map { $0 ^ 1 })
            let vector = try Field64Vector(canonical: words)
            var evaluation = TauEvaluation(point: Field64Extension(one: words[0], w: words[1]))
            return Contest {
                evaluation.absorb(vector)
                consume(evaluation.value.one)
            } reference: {
                consume(reference_wrapping_inner_product(words, others, elements))
            }
        }
    }

    private static func lazy(
        _ name: String, _ memory: Memory, _ elements: Int, limit: Double,
        _ operation: @escaping (inout Field64Vector, Field64Vector) throws -> Void
    ) -> Benchmark {
        Benchmark(
            name: name, variant: "", memory: memory, elements: elements, bytes: 24 * elements,
            reference: "wrapping add in C", limit: limit
        ) {
            let words = canonicalWords(elements)
            var accumulator = Field64Vector(unreduced: words)
            let addend = try Field64Vector(canonical: words)
            var plain = words
            return Contest {
                try operation(&accumulator, addend)
            } reference: {
                reference_wrapping_add(&plain, words, elements)
            }
        }
    }

    /// Makes words below the modulus of Field64, different enough from one another.
    static func canonicalWords(_ count: Int) -> [UInt64] {
        var generator = SplitMix(state: 1)
        return (0..<count).map { _ in generator.next() & 0x7fff_ffff_ffff_ffff }
    }
}

/// The generator SplitMix64 (Steele, Lea and Flood 2014): quick, and always the same numbers.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
