// SPDX-License-Identifier: MIT

import CReference
import FiniteField

extension Benchmark {
    /// Addition of lanes over any prime against `mpn_add_n` alone on the same limbs.
    static var packedCases: [Benchmark] {
        [1 << 12, 1_000_000, elementsInMemory].flatMap { elements in
            primes.map { packed(bits: $0.bits, hexadecimal: $0.text, elements: elements) }
        }
    }

    /// 2^61 − 1, 2^127 − 1 and 2^255 − 19.
    private static let primes: [(bits: Int, text: String)] = [
        (61, "1" + String(repeating: "f", count: 15)), (127, "7" + String(repeating: "f", count: 31)),
        (255, "7" + String(repeating: "f", count: 61) + "ed"),
    ]

    private static func packed(bits: Int, hexadecimal: String, elements: Int) -> Benchmark {
        // The lanes that `PrimeFieldVector` chooses by itself: at least 16 guard bits.
        let lane = (bits + 16 + 63) / 64
        let isLarge = elements >= 1_000_000
        return Benchmark(
            name: "gmp_packed_add", variant: "\(bits) bits", memory: isLarge ? .dram : .l2, elements: elements,
            bytes: 24 * lane * elements, reference: "GMP mpn_add_n", limit: isLarge ? 0.75 : nil, modulusBits: bits
        ) {
            let modulus = try PrimeModulus(hexadecimal: hexadecimal)
            let width = modulus.limbs.count
            // Below 2^60 in the highest limb of each element, so that it is below the modulus.
            var words = canonicalWords(width * elements)
            for top in stride(from: width - 1, to: words.count, by: width) { words[top] >>= 4 }
            let addend = try PrimeFieldVector(modulus: modulus, canonical: words)
            var accumulator = addend
            let limbs = canonicalWords(addend.laneLimbs * elements)
            var plain = limbs
            return Contest {
                try accumulator.add(addend)
            } reference: {
                reference_mpn_add(&plain, limbs, limbs.count)
            }
        }
    }
}
