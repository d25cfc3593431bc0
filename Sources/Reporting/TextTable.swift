// SPDX-License-Identifier: MIT

import Glibc

/// Lays out rows in aligned columns of plain text: the first column to the left, all others to the right.
public struct TextTable: Equatable, Sendable {
    private var rows: [[String]] = []

    /// Makes an empty table.
    public init() {}

    /// Adds a row; shorter rows leave their last columns empty.
    public mutating func add(_ cells: [String]) {
        rows.append(cells)
    }

    /// Renders one line per row, without spaces at the ends.
    public var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            let line = cells.joined(separator: "  ")
            return line.lastIndex { $0 != " " }.map { String(line[...$0]) } ?? ""
        }
    }
}

/// Writes numbers for people.
public enum NumberText {
    /// Writes a number with a fixed count of decimals, 0…9; what is not finite or too large as Swift prints it.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 1e15 else { return "\(value)" }
        let digits = String(Int(abs(scaled)))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = scaled < 0 ? "-" : ""
        return decimals == 0 ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }

    /// Writes a number with two significant digits: 0.0027, 1.3, 110, and outside 0.001…9999 with a power of ten, 2.7e-5.
    ///
    /// What is not finite, or nearly not or nearly nothing, is written as Swift prints it.
    public static func significant(_ value: Double) -> String {
        // Powers of ten beyond these are not all finite.
        guard abs(value) > 1e-300, abs(value) < 1e300 else { return value == 0 ? "0" : "\(value)" }
        var exponent = Int(floor(log10(abs(value))))
        var tenths = Int((abs(value) / pow(10, Double(exponent)) * 10).rounded())
        if tenths >= 100 { (tenths, exponent) = (10, exponent + 1) }
        if (-3...3).contains(exponent) { return fixed(value, max(0, 1 - exponent)) }
        return "\(value < 0 ? "-" : "")\(tenths / 10).\(tenths % 10)e\(exponent)"
    }

    /// Writes a fraction as a percentage with two significant digits, and whole per cent from 10 % on.
    public static func share(_ fraction: Double) -> String {
        let percent = fraction * 100
        guard percent.isFinite, percent > 0 else { return percent == 0 ? "0 %" : "\(percent) %" }
        return fixed(percent, min(9, max(0, 1 - Int(floor(log10(percent)))))) + " %"
    }

    /// Writes a fraction as a percentage with two decimals.
    public static func percent(_ fraction: Double) -> String {
        fixed(fraction * 100, 2) + " %"
    }

    /// Writes a count of bytes in the largest of B, kB, MB, GB (powers of 1000) that leaves a number of at least 1.
    public static func bytes(_ count: Double) -> String {
        for (limit, unit) in [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")] where count >= limit {
            return "\(fixed(count / limit, 2)) \(unit)"
        }
        return "\(fixed(count, 0)) B"
    }

    /// Writes a duration: milliseconds below one second, minutes and seconds from two minutes.
    public static func seconds(_ seconds: Double) -> String {
        if seconds < 1 { return "\(fixed(seconds * 1000, 0)) ms" }
        if seconds < 120 { return "\(fixed(seconds, 1)) s" }
        let whole = Int(min(seconds, 1e15).rounded())
        return "\(whole / 60) min \(whole % 60) s"
    }

    /// Writes a whole number with a comma between groups of three digits.
    public static func grouped(_ value: Int) -> String {
        let digits = String(value.magnitude)
        let groups = stride(from: digits.count, to: 0, by: -3).map { end in
            String(digits.prefix(end).suffix(3))
        }
        return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }
}
