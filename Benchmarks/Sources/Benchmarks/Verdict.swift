// SPDX-License-Identifier: MIT

import Foundation

/// What is demanded of rows together, and whether all demands are met.
struct Verdict {
    /// One sentence on each group and each missed row.
    let sentences: [String]
    let isMet: Bool

    /// The median of all cases of masks on one thread reaches this ratio, each of them a lower one.
    private static let expansionMedian = 0.75

    /// Cases in which a loop over the vector asks for memory: longer vectors do so more often than the shortest one.
    private static func titlesWithGrowingAllocations(_ rows: [Row]) -> [String] {
        let cases = Dictionary(grouping: rows) { [$0.name, $0.variant, String($0.threads)] }
        return cases.values.compactMap { rows in
            let counts = rows.sorted { $0.elements < $1.elements }.map(\.allocationsPerCall)
            guard let shortest = counts.first, let most = counts.max(), most >= shortest + 1 else { return nil }
            return rows.first.map { [$0.name, $0.variant].filter { !$0.isEmpty }.joined(separator: ", ") }
        }.sorted()
    }

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
        sentences += growing.map { "missed: \($0) asks for memory the more often the longer the vector is" }
        self.isMet = isMet && missed.isEmpty && growing.isEmpty
        self.sentences = sentences + (self.isMet ? ["every limit is met"] : [])
    }
}
