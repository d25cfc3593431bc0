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
        self.init(count: bytes.count / Field64.byteCount)
        try load(littleEndianBytes: bytes.span)
    }

    /// Reads little-endian elements of 8 bytes over those from `offset` on, allocating nothing.
    ///
    /// - Throws: `lengthNotMultiple`; `outOfRange` when the elements do not lie within the vector; `notCanonical` with the index,
    ///   among those read, of the first element that is not below the modulus: the elements from `offset` on are zero then.
    public mutating func load(littleEndianBytes bytes: Span<UInt8>, at offset: Int = 0) throws(FieldError) {
        let added = bytes.count / Field64.byteCount
        guard bytes.count.isMultiple(of: Field64.byteCount) else {
            throw .lengthNotMultiple(of: Field64.byteCount, actual: bytes.count)
        }
        try requireRange(count: added, at: offset)
        var first = added
        unsafe words.withLimbs { words in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let source = bytes.baseAddress else { return }
                unsafe field64_load(words + offset, source, added)
                first = unsafe field64_first_noncanonical(words + offset, added)
                if first < added { unsafe (words + offset).update(repeating: 0, count: added) }
            }
        }
        guard first == added else { throw .notCanonical(index: first) }
    }

    /// Writes all elements, 8 little-endian bytes each.
    public func littleEndianBytes() -> [UInt8] {
        littleEndianBytes(of: 0..<count)
    }

    /// Writes the elements of a range within `0..<count`, 8 little-endian bytes each.
    public func littleEndianBytes(of range: Range<Int>) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count * Field64.byteCount)
        var target = bytes.mutableSpan
        store(range, littleEndianBytes: &target)
        return bytes
    }

    /// Writes the elements of a range within `0..<count` over the first 8 bytes for each of `bytes`, little-endian, allocating
    /// nothing.
    public func store(_ range: Range<Int>, littleEndianBytes bytes: inout MutableSpan<UInt8>) {
        precondition(
            bytes.count >= range.count * Field64.byteCount, "\(bytes.count) bytes hold no \(range.count) elements")
        unsafe words[range].withUnsafeBufferPointer { words in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                guard let target = bytes.baseAddress, let source = words.baseAddress else { return }
                unsafe field64_store(target, source, words.count)
            }
        }
    }
}
