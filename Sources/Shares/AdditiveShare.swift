// SPDX-License-Identifier: MIT

public import FiniteField

/// One of the explicit shares that `AdditiveSharing` splits a vector into: all of them add up to it.
public struct AdditiveShare: Sendable, Equatable {
    /// The ctx of the round.
    public let context: [UInt8]
    /// The number of the share, at most `shareCount`.
    public let index: ShareIndex
    /// How many shares there are, all of which it takes to reconstruct.
    public let shareCount: Int
    /// The share.
    public let vector: Field64Vector

    /// Takes a share that was received.
    ///
    /// - Throws: `wrongLength` for a ctx that has not 32 bytes, `indexOutOfRange`.
    public init(context: [UInt8], index: ShareIndex, shareCount: Int, vector: Field64Vector) throws(ShareError) {
        guard context.count == MaskStream.contextBytes else {
            throw .wrongLength(of: .context, expected: MaskStream.contextBytes, actual: context.count)
        }
        guard index.value <= shareCount else { throw .indexOutOfRange(index, shareCount: shareCount) }
        self.context = context
        self.index = index
        self.shareCount = shareCount
        self.vector = vector
    }
}

extension AdditiveShare: CustomStringConvertible, CustomReflectable {
    /// Names the kind and the number only.
    public var description: String { "AdditiveShare(\(index) of \(shareCount))" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
