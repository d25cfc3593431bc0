// SPDX-License-Identifier: MIT

import Foundation

/// Pearson's test of uniformity over equally likely bins.
struct ChiSquare {
    private(set) var counts: [Int]

    init(bins: Int) {
        counts = Array(repeating: 0, count: bins)
    }

    mutating func add(_ bin: Int) { counts[bin] += 1 }

    /// Σ (observed − expected)² / expected.
    var statistic: Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    /// What uniform bins exceed with a probability of 10^-6: Wilson and Hilferty's approximation (PNAS 17, 1931), with the
    /// normal distribution's quantile 4.7534.
    var limit: Double {
        let freedom = Double(counts.count - 1)
        let variance = 2 / (9 * freedom)
        return freedom * pow(1 - variance + 4.7534 * variance.squareRoot(), 3)
    }

    /// Whether the bins look uniform.
    var isPassed: Bool { statistic <= limit }
}
