// SPDX-License-Identifier: MIT

internal import CGMP

/// Holds the limbs of a scalar and overwrites them when the last reference goes.
///
/// Sharing between threads is sound because the memory is written only while it is initialized and deinitialized.
@safe final class WipedLimbs: @unchecked Sendable {
    private let storage: UnsafeMutableBufferPointer<UInt64>

    /// Allocates zeros, at least one, and has `fill` write them.
    init(count: Int, _ fill: (UnsafeMutablePointer<UInt64>) -> Void) {
        precondition(count > 0, "a scalar has a limb")
        unsafe storage = .allocate(capacity: count)
        unsafe storage.initialize(repeating: 0)
        if let base = unsafe storage.baseAddress { unsafe fill(base) }
    }

    deinit {
        if let base = unsafe storage.baseAddress { unsafe summand_wipe(base, storage.count) }
        unsafe storage.deallocate()
    }

    /// The number of limbs.
    var count: Int { unsafe storage.count }

    /// Lends the limbs, least significant first, and keeps them for so long: the last use of an object may be before the last of
    /// a pointer into it.
    func withLimbs<Result>(_ body: (UnsafePointer<UInt64>) -> Result) -> Result {
        guard let base = unsafe storage.baseAddress else { preconditionFailure("a scalar has a limb") }
        return withExtendedLifetime(self) { unsafe body(UnsafePointer(base)) }
    }
}
