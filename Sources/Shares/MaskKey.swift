// SPDX-License-Identifier: MIT

public import Primitives

/// The key RK_{i,s} of one party's mask for one slot in one round (protocol section 5).
public struct MaskKey: Sendable, Equatable, CustomStringConvertible {
    /// The length of a key.
    public static let byteCount = 32

    let secret: SecretBytes

    /// Takes a key of 32 bytes.
    ///
    /// - Throws: `wrongLength`.
    public init(_ secret: SecretBytes) throws(ShareError) {
        guard secret.count == Self.byteCount else {
            throw .wrongLength(of: .key, expected: Self.byteCount, actual: secret.count)
        }
        self.secret = secret
    }

    /// Names the kind only.
    public var description: String { "MaskKey" }
}
