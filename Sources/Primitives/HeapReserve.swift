// SPDX-License-Identifier: MIT

internal import CMalloc
import Glibc

/// What the C library does with memory that a process has freed.
public enum HeapReserve {
    /// Blocks from this size on are pages of their own, given back to the system when they are freed.
    private static let ownPagesMin: CInt = 4 << 20
    /// The most freed bytes at the end of an arena that are kept; a thread uses one arena, of a few for each processor.
    private static let keptMax: CInt = 8 << 20

    /// By which whoever starts a program decides for it (mallopt(3)).
    private static let variables = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"]

    /// Lets the process keep the pages of buffers that it frees, for the next ones, unless its environment says what to keep.
    ///
    /// By default a buffer of 256 KiB, of which a transfer takes and frees one after the other, is given back and asked for
    /// again, and each page of it is made anew by the kernel when it is first touched: a tenth of a receiver's time. To be
    /// called first of all.
    ///
    /// - Returns: whether the setting was made.
    @discardableResult
    public static func keepFreedPages(isSet: (String) -> Bool = { unsafe getenv($0) != nil }) -> Bool {
        guard !variables.contains(where: isSet) else { return false }
        // Either switches off that glibc adapts both.
        return mallopt(M_MMAP_THRESHOLD, ownPagesMin) == 1 && mallopt(M_TRIM_THRESHOLD, keptMax) == 1
    }
}
