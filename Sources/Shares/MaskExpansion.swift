// SPDX-License-Identifier: MIT

import Dispatch
import FiniteField
import Primitives
import Synchronization

/// Adds masks to a vector, or subtracts them, all at once and without ever holding one.
///
/// Every block of 2^16 elements has a stream of its own in every mask (protocol section 5), so that threads take whole blocks;
/// a vector with fewer blocks than there are threads is worked on by threads that take a part of the masks each.
struct MaskExpansion: Sendable {
    /// What happens to the elements of the vector.
    enum Operation: Sendable {
        case add
        case subtract
    }

    let masks: [MaskStream]
    let operation: Operation
    /// The most threads to use.
    let threads: Int
    /// Elements of a block: other than 2^16 only in tests.
    var blockElements = MaskStream.blockElements
    /// The block that GMP sums as well, if any; for masks that are added.
    var checked: CheckedBlock?

    /// A thread is worth its start from about this many words of key stream on, a seventh of a millisecond.
    private static let threadWordsMin = 1 << 17

    /// Changes a vector.
    func apply(to vector: inout Field64Vector) {
        guard !masks.isEmpty, !vector.isEmpty else { return }
        let blocks = (vector.count - 1) / blockElements + 1
        let useful = min(threads, max(1, masks.count * vector.count / Self.threadWordsMin))
        if useful <= blocks || masks.count == 1 {
            applyByBlocks(to: &vector, threads: useful)
        } else {
            applyByMasks(to: &vector, threads: min(useful, masks.count))
        }
    }

    /// Lets every thread take whole blocks.
    func applyByBlocks(to vector: inout Field64Vector, threads: Int) {
        let (masks, operation, size, checked) = (masks, operation, blockElements, checked)
        vector.updateBlocks(of: size, threads: threads, worker: { MaskTiles(XofMaskSource(masks: masks)) }) {
            tiles, block in
            let index = block.start / size
            let reference = checked?.index == index ? checked : nil
            tiles.expand(maskCount: masks.count, block: index, count: block.count) { words, offset in
                reference?.add(words, at: offset)
                return switch operation {
                case .add: block.add(accepting: words, at: offset)
                case .subtract: block.subtract(accepting: words, at: offset)
                }
            }
        }
    }

    /// Lets every thread sum a part of the masks by itself, and combines these sums with the vector.
    func applyByMasks(to vector: inout Field64Vector, threads: Int) {
        let count = vector.count
        var taken = Field64Vector(count: 0)
        swap(&taken, &vector)
        let whole = Mutex(consume taken)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            let part = masks[masks.count * thread / threads..<masks.count * (thread + 1) / threads]
            var sum = Field64Vector(count: count)
            MaskExpansion(
                masks: Array(part), operation: .add, threads: 1, blockElements: blockElements, checked: checked
            ).applyByBlocks(to: &sum, threads: 1)
            sum.canonicalize()
            whole.withLock { $0.combine(sum, operation) }
            sum.wipe()
        }
        vector = whole.withLock { $0 }
    }
}

extension Field64Vector {
    /// Combines with a vector of the same length.
    fileprivate mutating func combine(_ other: Field64Vector, _ operation: MaskExpansion.Operation) {
        do {
            switch operation {
            case .add: try add(other)
            case .subtract: try subtract(other)
            }
        } catch { preconditionFailure("both have the length of one vector: \(error)") }
    }
}
