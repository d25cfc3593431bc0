// SPDX-License-Identifier: MIT

extension Field64 {
    /// The length of an encoded element.
    public static let byteCount = 8

    /// Reads 8 little-endian bytes.
    ///
    /// - Throws: `lengthNotMultiple` for another length, `notCanonical` for a value that is not below the modulus.
    public init(littleEndianBytes bytes: [UInt8]) throws(FieldError) {
        guard bytes.count == Self.byteCount else {
            throw .lengthNotMultiple(of: Self.byteCount, actual: bytes.count)
        }
        let word = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        guard let element = Field64(canonical: word) else { throw .notCanonical(index: 0) }
        self = element
    }

    /// Writes 8 little-endian bytes.
    public var littleEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: canonical >> (8 * $0)) }
    }
}
