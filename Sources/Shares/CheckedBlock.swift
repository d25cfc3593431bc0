// SPDX-License-Identifier: MIT

import FiniteField
import Synchronization

/// The block of a sum that GMP sums as well (protocol section 2), while threads add masks.
final class CheckedBlock: Sendable {
    /// The number of the block.
    let index: Int

    private let sum: Mutex<PrimeFieldVector>

    /// Continues a sum.
    init(index: Int, sum: consuming PrimeFieldVector) {
        self.index = index
        self.sum = Mutex(sum)
    }

    /// Adds the words below the modulus to the elements from `offset` on, one behind the other.
    func add(_ words: Span<UInt64>, at offset: Int) {
        sum.withLock { sum in
            do { _ = try sum.add(accepting: words, at: offset) } catch {
                preconditionFailure("the reference has the shape of its block: \(error)")
            }
        }
    }

    /// The sum so far.
    var value: PrimeFieldVector { sum.withLock { $0 } }
}
