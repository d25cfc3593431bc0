// SPDX-License-Identifier: MIT

/// The weight of a participant's update: its number of samples, clipped and then rounded to two significant binary digits
/// (protocol section 8).
public struct SampleWeight: Sendable, Hashable {
    /// What enters the sum of the weights.
    public let value: Int64
    /// Whether there were more samples than `weightMax`.
    public let isClipped: Bool

    /// Weighs an update computed from `samples` samples.
    ///
    /// With `weightMax` 1 all participants weigh the same, and none counts as clipped.
    ///
    /// - Throws: `noSamples` when there are none: such a participant stays silent.
    public init(samples: Int, weightMax: Double) throws(QuantizationError) {
        guard samples > 0 else { throw .noSamples }
        let limit = Int(weightMax)
        value = Int64(roundedToTwoBinaryDigits(min(samples, limit)))
        isClipped = samples > limit && limit > 1
    }

    /// Takes a weight as it was rounded before.
    init(value: Int64, isClipped: Bool) {
        self.value = value
        self.isClipped = isClipped
    }
}

/// Rounds a count in 0…2^62 to two significant binary digits, half up.
///
/// Counts travel rounded, as sums over sets that differ by one participant reveal that one's.
public func roundedToTwoBinaryDigits(_ count: Int) -> Int {
    precondition((0...1 << 62).contains(count), "a count lies in 0…2^62")
    let bits = Int.bitWidth - count.leadingZeroBitCount
    guard bits > 2 else { return count }
    // Of `bits` bits the two highest stay, after half of what the lower of them is worth has been added: below 2^63.
    let unit = 1 << (bits - 2)
    return (count + unit / 2) / unit * unit
}
