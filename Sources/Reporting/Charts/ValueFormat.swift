// SPDX-License-Identifier: MIT

import Glibc

/// Writes the values of a chart, on its axis and in its table.
enum ValueFormat: Equatable, Sendable {
    /// Bytes, in powers of 1000.
    case bytes
    /// Whole things.
    case count
    /// The decimal logarithm of a positive number, shown as that number; −∞ stands for 0, what is not a number for none.
    case logarithm
    /// A plain number, with four decimals in tables.
    case number
    /// A fraction, shown in per cent.
    case percent
    /// A difference of fractions, shown in percentage points.
    case points
    /// A time in seconds.
    case seconds

    /// Writes the marks of an axis in one unit with as many decimals as the step needs.
    func ticks(_ scale: NiceScale) -> [String] {
        if self == .logarithm { return scale.ticks.map { Self.power(Int($0.rounded())) } }
        let (divisor, unit) = unit(max(abs(scale.lower), abs(scale.upper)))
        let step = scale.step / divisor
        let wanted = (0...9).first { decimals in
            let scaled = step * pow(10, Double(decimals))
            return abs(scaled - scaled.rounded()) < 1e-6 * max(1, scaled)
        }
        return scale.ticks.map { tick in
            guard abs(tick) >= scale.step / 2 else { return "0" }
            let sign = self == .points && tick > 0 ? "+" : ""
            return sign + NumberText.fixed(tick / divisor, wanted ?? 9) + unit
        }
    }

    /// Writes one value for a table or a label.
    func text(_ value: Double) -> String {
        if self == .logarithm { return value.isNaN ? "–" : NumberText.significant(pow(10, value)) }
        guard value.isFinite else { return "\(value)" }
        switch self {
        case .bytes: return NumberText.bytes(value)
        case .count, .logarithm: return NumberText.fixed(value, 0)
        case .number: return NumberText.fixed(value, 4)
        case .percent: return NumberText.percent(value)
        case .points:
            let text = NumberText.fixed(value * 100, 2)
            return value == 0 ? "0" : (value > 0 ? "+" : "") + text
        case .seconds: return NumberText.seconds(value)
        }
    }

    /// Writes a power of ten as people do.
    private static func power(_ exponent: Int) -> String {
        let digits = String(exponent.magnitude).compactMap(\.wholeNumberValue).map { Array("⁰¹²³⁴⁵⁶⁷⁸⁹")[$0] }
        return "10" + (exponent < 0 ? "⁻" : "") + String(digits)
    }

    /// The divisor and name of the unit for values up to `largest`.
    private func unit(_ largest: Double) -> (divisor: Double, name: String) {
        switch self {
        case .bytes:
            for (limit, unit) in [(1e9, " GB"), (1e6, " MB"), (1e3, " kB")] where largest >= limit {
                return (limit, unit)
            }
            return (1, " B")
        case .count, .logarithm, .number: return (1, "")
        case .percent: return (0.01, " %")
        case .points: return (0.01, "")
        case .seconds: return largest < 1 ? (1e-3, " ms") : (1, " s")
        }
    }
}
