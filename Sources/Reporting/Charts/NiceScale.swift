// SPDX-License-Identifier: MIT

import Glibc

/// Chooses round numbers for an axis: steps of 1, 2, 2.5 or 5 times a power of ten.
struct NiceScale: Equatable, Sendable {
    /// The marked values, ascending, evenly spaced; at least two.
    let ticks: [Double]
    /// The distance between marks.
    let step: Double

    /// The first marked value.
    var lower: Double { ticks[0] }
    /// The last marked value.
    var upper: Double { ticks[ticks.count - 1] }

    /// Covers all finite values with about `count` steps; without any, 0…1.
    ///
    /// - Parameters:
    ///   - includingZero: whether the axis begins or ends at zero at the latest.
    ///   - spanMin: the least distance between first and last mark, so that equal values are not blown up to a slope.
    ///   - isWhole: whether only whole numbers can occur.
    init(
        covering values: [Double], steps count: Int = 5, includingZero: Bool = false, spanMin: Double = 0,
        isWhole: Bool = false
    ) {
        let finite = values.filter { $0.isFinite && abs($0) < 1e15 } + (includingZero ? [0] : [])
        var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        let least = max(spanMin, abs(high) * 1e-9, 1e-12)
        if high - low < least {
            if includingZero {
                if high > 0 || low == 0 { high = low + max(least, low == high ? 1 : least) } else { low = high - least }
            } else {
                let middle = (low + high) / 2
                let half = max(least, spanMin > 0 ? 0 : max(abs(middle) * 0.1, 1e-6)) / 2
                (low, high) = (middle - half, middle + half)
            }
        }
        let raw = (high - low) / Double(max(1, count))
        step = isWhole ? Self.niceStep(atLeast: max(1, raw), factors: [1, 2, 5]) : Self.niceStep(atLeast: raw)
        // A value that is a mark up to rounding must not cost another step.
        let first = floor(low / step + 1e-9)
        let last = max(first + 1, ceil(high / step - 1e-9))
        let chosen = step
        ticks = stride(from: first, through: last, by: 1).map { $0 * chosen }
    }

    /// The smallest of the factors times a power of ten that is not below `raw`, which is positive.
    static func niceStep(atLeast raw: Double, factors: [Double] = [1, 2, 2.5, 5]) -> Double {
        let power = pow(10, floor(log10(raw)))
        for factor in factors where raw <= factor * power * (1 + 1e-9) { return factor * power }
        return 10 * power
    }

    /// Maps a value to 0…1 along the axis.
    func fraction(_ value: Double) -> Double { (value - lower) / (upper - lower) }

    /// Marks whole numbers from 1 to `count`, about `ticksMax` of them: all, odd ones, or 1 and multiples of
    /// a round step.
    static func rounds(_ count: Int, ticksMax: Int) -> [Int] {
        guard count > 0 else { return [] }
        let steps = [1, 2] + [1, 10, 100, 1000, 10_000].flatMap { power in [5, 10, 20].map { $0 * power } }
        let step = steps.first { count / $0 + 1 <= max(2, ticksMax + ($0 == 1 ? 1 : 0)) } ?? count
        if step <= 2 { return Array(stride(from: 1, through: count, by: step)) }
        return [1] + stride(from: step, through: count, by: step)
    }
}
