// SPDX-License-Identifier: MIT

public import Primitives

/// How finely the next training round encodes, as everybody computes it from the sums before (protocol sections 5 and 8).
public struct RoundScale: Sendable, Hashable, Codable {
    /// That of the exact encoding, in every round.
    public static let exact = RoundScale(.exact, isFirst: false)

    /// b and e of each block.
    public let encoding: EncodingScale
    /// Whether the round is the first of a run or the repetition after an overflow, whose sum cannot overflow.
    public let isFirst: Bool

    /// States a scale without judging it; `EncodingParameters` does.
    public init(_ encoding: EncodingScale, isFirst: Bool) {
        self.encoding = encoding
        self.isFirst = isFirst
    }

    /// scaleHash of protocol section 5.
    public var hash: Digest { encoding.hash }
}
