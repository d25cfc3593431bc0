// SPDX-License-Identifier: MIT

import Primitives

/// Writes the files of this party's own state: fixed-width little-endian integers, byte strings behind a u64 length.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    /// Everything that was written, with its SHA-256 at the end: a damaged file is not read as another one.
    var checkedBytes: [UInt8] { bytes + SHA256.hash(bytes).bytes }

    mutating func fixed(_ value: [UInt8]) { bytes += value }

    mutating func u32(_ value: UInt32) { append(value.littleEndian) }

    mutating func u64(_ value: UInt64) { append(value.littleEndian) }

    mutating func variable(_ value: [UInt8]) {
        u64(UInt64(value.count))
        bytes += value
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }
}

/// Reads what `StateWriter` wrote; nil where the bytes end early.
struct StateReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Takes `checkedBytes`; nil when they do not end with their hash.
    init?(checked bytes: [UInt8]) {
        let count = bytes.count - Digest.count
        guard count >= 0, SHA256.hash(Array(bytes[..<count])).bytes == Array(bytes[count...]) else { return nil }
        self.init(Array(bytes[..<count]))
    }

    var remaining: Int { bytes.count - position }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard count >= 0, remaining >= count else { return nil }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func u32() -> UInt32? {
        take(4).map { $0.reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    }

    mutating func u64() -> UInt64? {
        take(8).map { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }

    mutating func count() -> Int? { u64().flatMap { Int(exactly: $0) } }

    mutating func digest() -> Digest? { take(32).flatMap { Digest(bytes: $0) } }

    mutating func variable() -> [UInt8]? { count().flatMap { take($0) } }
}
