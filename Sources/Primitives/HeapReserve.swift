// SPDX-License-Identifier: MIT

internal import CMalloc

/// What the C library does with memory that a process has freed.
public enum HeapReserve {
    /// Blocks from this size on are pages of their own, given back to the system when they are freed.
    private static let ownPagesMin: CInt = 4 << 20
    /// The most freed bytes at the end of an arena that are kept; a thread uses one arena, of a few for each processor.
    private static let keptMax: CInt = 8 << 20

    /// Lets the process keep the pages of buffers that it frees, for the next ones.
    ///
    /// By default a buffer of 256 KiB, of which a transfer takes and frees one after the other, is given back and asked for
    /// again, and each page of it is made anew by the kernel when it is first touched: a tenth of what a transfer costs. To be
    /// called before there are other threads.
    public static func keepFreedPages() {
        // mallopt(3): either switches off that glibc adapts both.
        _ = mallopt(M_MMAP_THRESHOLD, ownPagesMin)
        _ = mallopt(M_TRIM_THRESHOLD, keptMax)
    }
}
