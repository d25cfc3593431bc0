// SPDX-License-Identifier: MIT

/// Counts how a model does on some samples; evaluations of disjoint parts add up.
public struct Evaluation: Sendable, Hashable {
    /// Σ cross-entropy in nats.
    public var lossSum: Double
    /// How many samples got the right class.
    public var correct: Int
    /// How many samples were looked at.
    public var tested: Int

    /// Begins with the counts of nothing unless others are given.
    public init(lossSum: Double = 0, correct: Int = 0, tested: Int = 0) {
        self.lossSum = lossSum
        self.correct = correct
        self.tested = tested
    }

    /// The share of right answers, 0…1; nil without samples.
    public var accuracy: Double? { tested > 0 ? Double(correct) / Double(tested) : nil }
    /// The mean loss in nats; nil without samples.
    public var loss: Double? { tested > 0 ? lossSum / Double(tested) : nil }

    /// Adds the counts of another part.
    public static func += (left: inout Evaluation, right: Evaluation) {
        left.lossSum += right.lossSum
        left.correct += right.correct
        left.tested += right.tested
    }
}
