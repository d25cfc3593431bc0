// SPDX-License-Identifier: MIT

/// A SHA-256 value, or one of the same size: 32 bytes.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes of every digest.
    public static let count = 32

    /// 32 zero bytes, which stand where the protocol has no hash yet.
    public static let zero = Digest(unchecked: [UInt8](repeating: 0, count: count))

    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Takes exactly 32 bytes; nil for any other number.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }

    init(unchecked bytes: [UInt8]) {
        assert(bytes.count == Self.count)
        self.bytes = bytes
    }

    /// The bytes as 64 lower-case hexadecimal digits.
    public var hex: String { Hexadecimal.encode(bytes) }

    public var description: String { hex }

    /// Orders digests as byte strings.
    public static func < (left: Digest, right: Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
