// SPDX-License-Identifier: MIT

extension ModelLayout {
    /// Encodes the layout: per tensor in storage order its u32-length name, u32 rank and u32 dimensions, big-endian
    /// (docs/PROTOCOL.md, section 2).
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for tensor in tensors {
            let name = Array(tensor.name.utf8)
            bytes.append(bigEndian: name.count)
            bytes += name
            bytes.append(bigEndian: tensor.dimensions.count)
            for dimension in tensor.dimensions {
                bytes.append(bigEndian: dimension)
            }
        }
        return bytes
    }

    /// Decodes a layout that ends exactly where the bytes end.
    ///
    /// - Throws: `ModelError.layoutBytes`, or whatever `init(tensors:)` refuses.
    public init(bytes: [UInt8]) throws(ModelError) {
        var reader = LayoutReader(bytes: bytes)
        var tensors: [TensorShape] = []
        while !reader.isAtEnd {
            guard tensors.count < Self.tensorsMax else { throw .layoutSize }
            tensors.append(try reader.tensor(index: tensors.count))
        }
        try self.init(tensors: tensors)
    }
}

private struct LayoutReader {
    let bytes: [UInt8]
    var offset = 0

    var isAtEnd: Bool { offset == bytes.count }

    mutating func tensor(index: Int) throws(ModelError) -> TensorShape {
        let length = try u32()
        guard length <= bytes.count - offset else { throw .layoutBytes(count: bytes.count, offset: offset) }
        guard let name = String(validating: bytes[offset..<offset + length], as: UTF8.self) else {
            throw .layoutName(tensor: index)
        }
        offset += length
        let rank = try u32()
        guard rank <= ModelLayout.rankMax else { throw .layoutShape(name: name) }
        var dimensions: [Int] = []
        for _ in 0..<rank {
            dimensions.append(try u32())
        }
        return TensorShape(name: name, dimensions: dimensions)
    }

    mutating func u32() throws(ModelError) -> Int {
        guard bytes.count - offset >= 4 else { throw .layoutBytes(count: bytes.count, offset: offset) }
        defer { offset += 4 }
        return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}

extension [UInt8] {
    /// Appends a number in 0 ..< 2^32; a layout holds no larger ones.
    fileprivate mutating func append(bigEndian number: Int) {
        for shift in [24, 16, 8, 0] {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
