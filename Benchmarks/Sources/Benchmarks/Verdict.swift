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
        self.isMet = isMet && missed.isEmpty
        self.sentences = sentences + (self.isMet ? ["every limit is met"] : [])
    }
}
