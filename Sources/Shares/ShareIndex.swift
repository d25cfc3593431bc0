// SPDX-License-Identifier: MIT

/// The number of a share among those of one secret: the evaluation point of Shamir's scheme, and so never zero.
public struct ShareIndex: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number, from 1 up.
    public let value: UInt32

    /// Takes a number; nil for zero, where the secret itself lies.
    public init?(_ value: UInt32) {
        guard value != 0 else { return nil }
        self.value = value
    }

    /// The share at a place counted from 0.
    init(place: Int) {
        value = UInt32(place + 1)
    }

    /// The number in decimal.
    public var description: String { String(value) }

    /// Orders shares by number.
    public static func < (left: ShareIndex, right: ShareIndex) -> Bool { left.value < right.value }
}
