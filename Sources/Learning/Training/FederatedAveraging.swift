// SPDX-License-Identifier: MIT

/// Federated averaging in the clear (McMahan et al. 2017, algorithm 1): the definition of what a round must result in.
public enum FederatedAveraging {
    /// Computes Σ w_i·x_i / Σ w_i per coordinate in Double, participants in the order given.
    ///
    /// - Precondition: As many weights as updates, at least one, their sum positive; all updates of one length.
    public static func mean(updates: [[Float]], weights: [Double]) -> [Double] {
        precondition(
            updates.count == weights.count && !updates.isEmpty, "\(updates.count) updates, \(weights.count) weights")
        let total = weights.reduce(0, +)
        precondition(total > 0, "weights that sum to \(total)")
        var sums = [Double](repeating: 0, count: updates[0].count)
        for (update, weight) in zip(updates, weights) {
            precondition(update.count == sums.count, "updates of \(update.count) and \(sums.count) coordinates")
            for index in sums.indices {
                sums[index] += weight * Double(update[index])
            }
        }
        return sums.map { $0 / total }
    }
}
