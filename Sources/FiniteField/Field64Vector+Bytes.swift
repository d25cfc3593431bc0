// SPDX-License-Identifier: MIT

internal import CFieldKernels

extension Field64Vector {
    /// Reads little-endian elements of 8 bytes (protocol section 2).
    ///
    /// - Throws: `lengthNotMultiple`, or `notCanonical` with the index of the first element that is not below the modulus.
    public init(littleEndianBytes bytes: [UInt8]) throws(FieldError) {
        try self.init(littleEndianBytes: bytes[...])
    }

    /// Reads little-endian elements of 8 bytes; throws like `init(littleEndianBytes:)` for an array.
    public init(littleEndianBytes bytes: ArraySlice<UInt8>) throws(FieldError) {
        guard bytes.count.isMultiple(of: Field64.byteCount) else {
            throw .lengthNotMultiple(of: Field64.byteCount, actual: bytes.count)
        }
        self.init(count: bytes.count / Field64.byteCount)
        unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let target = words.baseAddress, let source = bytes.baseAddress else { return }
                unsafe field64_load(target, source, words.count)
            }
        }
        if let index = words.span.firstNotCanonical { throw .notCanonical(index: index) }
    }

    /// Writes all elements, 8 little-endian bytes each.
    public func littleEndianBytes() -> [UInt8] {
        littleEndianBytes(of: 0..<count)
    }

    /// Writes the elements of a range within `0..<count`, 8 little-endian bytes each.
    public func littleEndianBytes(of range: Range<Int>) -> [UInt8] {
        let words = self[range].canonicalWords()
        var bytes = [UInt8](repeating: 0, count: words.count * Field64.byteCount)
        unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            unsafe words.withUnsafeBufferPointer { words in
                guard let target = bytes.baseAddress, let source = words.baseAddress else { return }
                unsafe field64_store(target, source, words.count)
            }
        }
        return bytes
    }
}
