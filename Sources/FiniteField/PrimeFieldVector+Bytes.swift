// SPDX-License-Identifier: MIT

internal import CGMP

extension PrimeFieldVector {
    /// Reads little-endian elements of `modulus.byteCount` bytes.
    ///
    /// - Throws: `lengthNotMultiple`, `notCanonical` with the index of the first element that is not below the modulus,
    ///   `laneTooNarrow`, `laneTooWide`.
    public init(modulus: PrimeModulus, littleEndianBytes bytes: [UInt8], laneLimbs: Int? = nil) throws(FieldError) {
        let length = modulus.byteCount
        guard bytes.count.isMultiple(of: length) else {
            throw .lengthNotMultiple(of: length, actual: bytes.count)
        }
        try self.init(modulus: modulus, count: bytes.count / length, laneLimbs: laneLimbs)
        unsafe limbs.withLimbs { unsafe summand_lanes_load($0, self.laneLimbs, bytes, length, count) }
        // Limbs above those of the modulus are zero, as no byte of an element reaches them.
        if let index = modulus.firstNotCanonical(limbs.span, lane: self.laneLimbs) {
            throw .notCanonical(index: index)
        }
    }

    /// Writes all elements, reduced, `modulus.byteCount` little-endian bytes each.
    public func littleEndianBytes() -> [UInt8] {
        var copy = self
        copy.canonicalize()
        let length = modulus.byteCount
        var bytes = [UInt8](repeating: 0, count: length * count)
        unsafe summand_lanes_store(&bytes, length, copy.limbs, laneLimbs, count)
        return bytes
    }
}
