// SPDX-License-Identifier: MIT

/// Builds the input of a hash, MAC, KDF or signature as protocol section 2, "Bytes", lays it out: `summand/v1`, a
/// space, the label, one zero byte, then the fields in order.
///
/// Fixed-length values stand bare, variable-length ones behind their length as a big-endian u32.
public struct LabeledBytes: Sendable, Equatable {
    /// Everything appended so far.
    public private(set) var bytes: [UInt8]

    /// Starts with `summand/v1 label` and a zero byte.
    public init(_ label: String) {
        bytes = Array("summand/v1 ".utf8) + Array(label.utf8) + [0]
    }

    /// The SHA-256 of the bytes: `H("label", …)`.
    public var hash: Digest { SHA256.hash(bytes) }

    /// The SHA-256 of the bytes and a secret behind them, of a length that the label fixes; the secret is not copied.
    public func hash(of secret: SecretBytes) -> Digest {
        hasher(over: [secret]).finalize()
    }

    /// A key: the SHA-256 of the bytes and secrets behind them, of lengths that the label fixes; nothing of them is copied.
    public func derivedKey(from secrets: [SecretBytes]) -> SecretBytes {
        hasher(over: secrets).finalizeKey()
    }

    private func hasher(over secrets: [SecretBytes]) -> SHA256Hasher {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        for secret in secrets { hasher.update(secret) }
        return hasher
    }

    /// Appends a value of a length that the label fixes, or a concatenation of such values.
    public consuming func fixed(_ value: [UInt8]) -> LabeledBytes {
        bytes += value
        return self
    }

    /// Appends a hash.
    public consuming func fixed(_ value: Digest) -> LabeledBytes {
        bytes += value.bytes
        return self
    }

    /// Appends hashes one after the other, without a count.
    public consuming func fixed(_ values: [Digest]) -> LabeledBytes {
        for value in values { bytes += value.bytes }
        return self
    }

    /// Appends one byte.
    public consuming func u8(_ value: UInt8) -> LabeledBytes {
        bytes.append(value)
        return self
    }

    /// Appends four bytes, most significant first.
    public consuming func u32(_ value: UInt32) -> LabeledBytes {
        bytes.appendBigEndian(value)
        return self
    }

    /// Appends eight bytes, most significant first.
    public consuming func u64(_ value: UInt64) -> LabeledBytes {
        bytes.appendBigEndian(value)
        return self
    }

    /// Appends four bytes in two's complement, most significant first.
    public consuming func i32(_ value: Int32) -> LabeledBytes {
        bytes.appendBigEndian(UInt32(bitPattern: value))
        return self
    }

    /// Appends a binary64, most significant byte first.
    public consuming func f64(_ value: Double) -> LabeledBytes {
        bytes.appendBigEndian(value.bitPattern)
        return self
    }

    /// Appends a value of variable length, at most 2^32 − 1 bytes, behind its u32 length.
    public consuming func variable(_ value: [UInt8]) -> LabeledBytes {
        bytes.appendBigEndian(UInt32(value.count))
        bytes += value
        return self
    }
}

extension [UInt8] {
    /// Appends an integer, most significant byte first.
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
