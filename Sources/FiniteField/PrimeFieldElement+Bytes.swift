// SPDX-License-Identifier: MIT

extension PrimeModulus {
    /// The length of an encoded element: the fewest bytes that hold the modulus.
    public var byteCount: Int { (bits + 7) / 8 }
}

extension PrimeFieldElement {
    /// Reads `modulus.byteCount` little-endian bytes.
    ///
    /// - Throws: `lengthNotMultiple` for another length, `notCanonical` for a value that is not below the modulus.
    public init(littleEndianBytes bytes: [UInt8], in modulus: PrimeModulus) throws(FieldError) {
        guard bytes.count == modulus.byteCount else {
            throw .lengthNotMultiple(of: modulus.byteCount, actual: bytes.count)
        }
        var limbs = [UInt64](repeating: 0, count: modulus.limbs.count)
        for (place, byte) in bytes.enumerated() {
            limbs[place / 8] |= UInt64(byte) << (8 * UInt64(place % 8))
        }
        try self.init(canonical: limbs, in: modulus)
    }

    /// Writes `modulus.byteCount` little-endian bytes into an array that nothing wipes.
    public var littleEndianBytes: [UInt8] {
        let limbs = limbs
        return (0..<modulus.byteCount).map { place in
            UInt8(truncatingIfNeeded: limbs[place / 8] >> (8 * UInt64(place % 8)))
        }
    }
}
