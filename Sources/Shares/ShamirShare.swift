// SPDX-License-Identifier: MIT

public import FiniteField

/// One party's share of a scalar: the value of the sharing's polynomial at the share's number.
public struct ShamirShare: Sendable, Equatable {
    /// The ctx of the round.
    public let context: [UInt8]
    /// The number of the share, and where the polynomial is evaluated.
    public let index: ShareIndex
    /// How many shares determine the secret.
    public let threshold: Int
    /// The value of the polynomial.
    public let value: PrimeFieldElement

    /// Takes a share that was received.
    ///
    /// - Throws: `wrongLength` for a ctx that has not 32 bytes.
    public init(
        context: [UInt8], index: ShareIndex, threshold: Int, value: PrimeFieldElement
    ) throws(ShareError) {
        guard context.count == MaskStream.contextBytes else {
            throw .wrongLength(of: .context, expected: MaskStream.contextBytes, actual: context.count)
        }
        self.context = context
        self.index = index
        self.threshold = threshold
        self.value = value
    }
}

extension ShamirShare: CustomStringConvertible, CustomReflectable {
    /// Names the kind and the number only.
    public var description: String { "ShamirShare(\(index), threshold \(threshold))" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
