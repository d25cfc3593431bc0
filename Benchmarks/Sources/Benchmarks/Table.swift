// SPDX-License-Identifier: MIT

import Foundation

/// The rows as a table, for a terminal or for `docs/PERFORMANCE.md`.
struct Table {
    let rows: [Row]

    private static let titles = [
        "name", "case", "in", "elements", "threads", "ns/element", "GB/s", "against", "ratio", "at least",
        "allocations",
    ]
    /// Columns of words; all others hold numbers.
    private static let wordColumns: Set<Int> = [0, 1, 2, 7]

    /// Columns of equal width, for a terminal.
    var text: String {
        let cells = [Self.titles] + rows.map(Self.cells)
        let widths = Self.titles.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { line in
            line.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - line[column].count)
                return Self.wordColumns.contains(column) ? line[column] + space : space + line[column]
            }.joined(separator: "  ") + "\n"
        }.joined()
    }

    /// A table in Markdown.
    var markdown: String {
        let rule = Self.titles.indices.map { Self.wordColumns.contains($0) ? "---" : "--:" }
        let lines =
            [Self.titles, rule]
            + rows.map { row in
                var line = Self.cells(row)
                line[0] = "`\(row.name)`"
                return line
            }
        return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }

    private static func cells(_ row: Row) -> [String] {
        let limit = row.limit.map { "\($0)" + (row.isMissed ? " missed" : "") } ?? ""
        let allocations = row.allocationsPerCall
        return [
            row.name, row.variant, row.memory.rawValue, String(row.elements), String(row.threads),
            String(format: "%.3f", row.nsPerElement), String(format: "%.1f", row.gbPerS), row.reference,
            String(format: "%.3f", row.ratio), limit,
            allocations == allocations.rounded() ? String(Int(allocations)) : String(format: "%.2f", allocations),
        ]
    }
}
