// SPDX-License-Identifier: MIT

import Glibc
import Primitives
import Testing

@Suite struct HeapReserveTests {
    /// Buffers that are taken and freed again and again are not made of new pages each time.
    @Test func freedPagesAreUsedAgain() {
        #expect(HeapReserve.keepFreedPages { _ in false })
        useBuffers()
        let before = pageFaults()
        for _ in 0..<20 { useBuffers() }
        // Six buffers of 1 MiB have 1,536 pages.
        #expect(pageFaults() - before < 1_536)
    }

    @Test(arguments: ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
    func theEnvironmentDecides(variable: String) {
        #expect(!HeapReserve.keepFreedPages { $0 == variable })
    }

    /// More at a time than the C library would keep by itself.
    private func useBuffers() {
        let buffers = (0..<6).map { _ in [UInt8](repeating: 1, count: 1 << 20) }
        #expect(buffers.count == 6)
    }

    /// The pages that the kernel has made for the thread that asks.
    private func pageFaults() -> Int {
        var usage = rusage()
        // RUSAGE_THREAD (getrusage(2)), which Swift's module of the C library leaves out.
        getrusage(1, &usage)
        return usage.ru_minflt
    }
}
