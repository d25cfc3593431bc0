// SPDX-License-Identifier: MIT

import CReference
import FiniteField
import Primitives

extension Benchmark {
    /// The leaf of a vector against bare SHA-256 of the same bytes.
    static var hashCases: [Benchmark] {
        [(Memory.l2, elementsInCache), (.dram, elementsInMemory)].map { memory, elements in
            leaf(memory, elements)
        }
    }

    /// A block has eight chunks of 64 KiB, each of which ends with its hash value and one node of the tree, on average.
    private static func leaf(_ memory: Memory, _ elements: Int) -> Benchmark {
        Benchmark(
            name: "vector_leaf", variant: "", memory: memory, elements: elements, bytes: 8 * elements,
            reference: "SHA-256 by EVP", allocationsPerBlock: 8 * 7
        ) {
            let words = canonicalWords(elements)
            let bytes = try Field64Vector(canonical: words).littleEndianBytes()
            var first: [UInt8] = []
            return Contest {
                first = VectorLeafHasher.leaf(of: bytes).bytes
                consume(UInt64(first[0]))
            } reference: {
                let byte = reference_sha256(words, elements)
                guard byte >= 0 else { throw HashUnavailable() }
                consume(UInt64(byte))
            }
        }
    }

    private struct HashUnavailable: Error {}
}
