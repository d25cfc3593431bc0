// SPDX-License-Identifier: MIT

import ArgumentParser

/// Reads a duration such as `120s`, `2m`, `500ms`, `1.5h`, `7d`.
public struct DurationOption: Equatable, Sendable {
    /// The duration, 0…365 days.
    public let duration: Duration

    /// Wraps a duration.
    public init(_ duration: Duration) {
        self.duration = duration
    }

    /// Reads a number with one of the units ms, s, m, h, d; nil if there is no unit or it is out of range.
    public init?(_ text: String) {
        guard let unit = Self.milliseconds.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard let first = digits.first, first.isASCII, first.isNumber,
            digits.allSatisfy({ ($0.isASCII && $0.isNumber) || $0 == "." }), let value = Double(digits)
        else { return nil }
        let milliseconds = (value * unit.factor).rounded()
        guard milliseconds <= 365 * 86_400_000 else { return nil }
        duration = .milliseconds(Int64(milliseconds))
    }

    /// Longer suffixes stand before those they end in.
    private static let milliseconds: [(suffix: String, factor: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
}

extension DurationOption: ExpectedArgument {
    /// Says what is accepted.
    public static let expectation = "a duration such as 120s, 2m or 500ms"

    /// Reads a duration; nil if it is not one.
    public init?(argument: String) {
        self.init(argument)
    }

    /// Gives the text that reads back as the same duration.
    public var defaultValueDescription: String { description }
}

extension DurationOption: CustomStringConvertible {
    /// Writes hours or seconds, or milliseconds if it is not whole seconds.
    public var description: String {
        let (seconds, attoseconds) = duration.components
        if attoseconds == 0, seconds > 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return attoseconds == 0 ? "\(seconds)s" : "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }
}
