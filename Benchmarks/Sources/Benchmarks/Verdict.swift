// SPDX-License-Identifier: MIT

import Foundation

/// What is demanded of rows together, and whether all demands are met.
struct Verdict {
    /// One sentence on each group and each missed row.
    let sentences: [String]
    let isMet: Bool

    /// The median of all cases of masks on one thread reaches this ratio, each of them a lower one.
    private static let expansionMedian = 0.75

    init(_ rows: [Row]) {
        var sentences: [String] = []
        var isMet = true
        let expansions = rows.filter { $0.name == "expand_accumulate" && $0.threads == 1 }.map(\.ratio)
        if !expansions.isEmpty {
            let median = Measurement.median(of: expansions)
            isMet = median >= Self.expansionMedian
            sentences.append(
                String(
                    format: "expand_accumulate on one thread: median %.3f of %d cases, at least %.2f wanted%@", median,
                    expansions.count, Self.expansionMedian, isMet ? "" : ": missed"))
        }
        let missed = rows.filter(\.isMissed)
        sentences += missed.map { row in
            "missed: \(row.title)" + String(format: ": %.3f, wanted %.3f", row.ratio, row.limit ?? 0)
        }
        let growing = Self.titlesWithGrowingAllocations(rows)
        sentences += growing.map { "missed: \($0): asks for memory in a loop over the vector" }
        self.isMet = isMet && missed.isEmpty && growing.isEmpty
        self.sentences = sentences + (self.isMet ? ["every limit is met"] : [])
    }

    /// Cases in which longer vectors ask for memory more often than the shortest one, beyond what opening their blocks may.
    private static func titlesWithGrowingAllocations(_ rows: [Row]) -> [String] {
        let cases = Dictionary(grouping: rows) { [$0.name, $0.variant, String($0.threads)] }
        return cases.values.compactMap { rows in
            guard let shortest = rows.min(by: { $0.elements < $1.elements }) else { return nil }
            let growing = rows.first { row in
                let allowance = row.allocationsPerBlock * row.blocks
                return row.allocationsPerCall > shortest.allocationsPerCall + Double(allowance) + 1
            }
            return growing?.title
        }.sorted()
    }
}
