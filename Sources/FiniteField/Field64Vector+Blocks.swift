// SPDX-License-Identifier: MIT

internal import CFieldKernels
internal import Dispatch
internal import Synchronization

extension Field64Vector {
    /// Changes the vector block by block, on up to `threads` threads, each block in place by one of them.
    ///
    /// - Parameters:
    ///   - blockElements: elements of a block; the last block may be shorter.
    ///   - threads: at least 1; no more are used than there are blocks or processors. With 1 everything happens on the
    ///     calling thread.
    ///   - makeWorker: makes what one thread needs for all its blocks; called on that thread.
    ///   - body: changes one block; blocks come in no particular order.
    public mutating func updateBlocks<Worker: ~Copyable>(
        of blockElements: Int, threads: Int, worker makeWorker: @Sendable () -> Worker,
        _ body: @Sendable (inout Worker, borrowing Field64Block) -> Void
    ) {
        precondition(blockElements > 0 && threads > 0, "blocks have elements, and somebody has to work")
        isCanonical = false
        unsafe words.withUnsafeMutableBufferPointer { words in
            guard let base = words.baseAddress, !words.isEmpty else { return }
            let blocks = unsafe BlockQueue(base: base, count: words.count, blockElements: blockElements)
            let workers = min(threads, blocks.count)
            if workers == 1 {
                blocks.drain(makeWorker, body)
            } else {
                DispatchQueue.concurrentPerform(iterations: workers) { _ in blocks.drain(makeWorker, body) }
            }
        }
    }

    /// Overwrites all elements with zeros, in the very memory that held them if nobody else has a copy of this vector.
    public mutating func wipe() {
        unsafe words.withUnsafeMutableBufferPointer { words in
            guard let base = words.baseAddress else { return }
            unsafe field64_wipe(base, words.count)
        }
        isCanonical = true
    }
}

/// Hands out the blocks of one vector, each once.
///
/// Sharing between threads is sound because the counter is atomic and gives each block to one thread only, blocks do not
/// overlap, and `updateBlocks`, which holds the vector exclusively, waits for all threads.
@safe private final class BlockQueue: @unchecked Sendable {
    let count: Int

    private let base: UnsafeMutablePointer<UInt64>
    private let elements: Int
    private let blockElements: Int
    private let taken = Atomic(0)

    init(base: UnsafeMutablePointer<UInt64>, count elements: Int, blockElements: Int) {
        unsafe self.base = base
        self.elements = elements
        self.blockElements = blockElements
        count = (elements - 1) / blockElements + 1
    }

    /// Takes blocks and changes them until there are no more.
    func drain<Worker: ~Copyable>(
        _ makeWorker: () -> Worker, _ body: (inout Worker, borrowing Field64Block) -> Void
    ) {
        // A thread that comes too late for a block needs no worker.
        guard var block = next() else { return }
        var worker = makeWorker()
        while true {
            let start = block * blockElements
            body(
                &worker,
                unsafe Field64Block(start: start, count: min(blockElements, elements - start), words: base + start))
            guard let following = next() else { return }
            block = following
        }
    }

    private func next() -> Int? {
        let block = taken.add(1, ordering: .relaxed).oldValue
        return block < count ? block : nil
    }
}
