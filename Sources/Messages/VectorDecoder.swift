// SPDX-License-Identifier: MIT

import FiniteField
import Primitives

/// Takes a vector in as its chunks come: length, canonical elements and the running leaf (protocol section 2, "Bytes").
public struct VectorDecoder: Sendable {
    /// Field elements of the whole vector.
    public let elements: Int
    private var bytes: [UInt8]
    private var leaf = VectorLeafHasher()

    /// Prepares for a vector of so many elements, at most `Limits.elementsMax`.
    public init(elements: Int) {
        precondition((0...Limits.elementsMax).contains(elements), "\(elements) elements are above the limit")
        self.elements = elements
        bytes = []
    }

    /// Takes the next chunk.
    ///
    /// - Throws: `InvalidMessage.length` when more bytes come than the header announced.
    public mutating func consume(_ chunk: [UInt8]) throws(InvalidMessage) {
        guard bytes.count + chunk.count <= 8 * elements else {
            throw .length(
                message: "Vector", field: "bytes", expected: 8 * elements, actual: bytes.count + chunk.count)
        }
        if bytes.isEmpty { bytes.reserveCapacity(8 * elements) }
        bytes += chunk
        leaf.update(chunk)
    }

    /// Ends the vector.
    ///
    /// - Throws: `InvalidMessage.length` when bytes are missing, `.range` with the index of the first element ≥ p.
    public consuming func finish() throws(InvalidMessage) -> (vector: Field64Vector, leaf: Digest) {
        guard bytes.count == 8 * elements else {
            throw .length(message: "Vector", field: "bytes", expected: 8 * elements, actual: bytes.count)
        }
        let vector: Field64Vector
        do {
            vector = try Field64Vector(littleEndianBytes: bytes)
        } catch {
            if case .notCanonical(let index) = error {
                throw .range(message: "Vector", field: "element", value: UInt64(index))
            }
            throw .malformed(message: "Vector")
        }
        return (vector, leaf.finalize())
    }
}

/// The leaf of a vector: the RFC 9162 root of its 64 KiB chunks.
public func vectorLeaf(_ vector: Field64Vector) -> Digest {
    var hasher = VectorLeafHasher()
    hasher.update(vector.littleEndianBytes())
    return hasher.finalize()
}
