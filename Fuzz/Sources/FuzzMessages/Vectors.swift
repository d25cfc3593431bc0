// SPDX-License-Identifier: MIT

import FiniteField
import FuzzSupport
import Messages
import Primitives

/// The bytes of a vector, for as many elements as the first byte says, cut where the second says: as many as were announced and
/// all of them below p, or refused; the leaf is that of the vector, whatever the cuts.
func fuzzVectors(_ input: FuzzInput) {
    guard let (elements, rest) = input.choice(of: 32), let first = rest.first else { return }
    let bytes = rest.dropFirst()
    let cut = bytes.startIndex + Int(first) % (bytes.count + 1)
    var decoder = VectorDecoder(elements: elements)
    do throws(InvalidMessage) {
        try decoder.consume(Array(bytes[..<cut]))
        try decoder.consume(Array(bytes[cut...]))
        let (vector, leaf) = try decoder.finish()
        demand(vector.count == elements, "another length than was announced")
        demand(vector.littleEndianBytes() == Array(bytes), "two encodings of one vector")
        demand(leaf == vectorLeaf(vector), "the leaf of another vector")
    } catch {
        demand(bytes.count != 8 * elements || !isCanonical(Array(bytes)), "refused for nothing")
    }
}

/// Whether all eight-byte numbers are below p = 2^64 − 2^32 + 1.
private func isCanonical(_ bytes: [UInt8]) -> Bool {
    stride(from: 0, to: bytes.count, by: 8).allSatisfy { start in
        bytes[start..<(start + 8)].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) } < 0xFFFF_FFFF_0000_0001
    }
}
