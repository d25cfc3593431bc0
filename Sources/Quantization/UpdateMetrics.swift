// SPDX-License-Identifier: MIT

/// What a participant reports of the model it was given, or the sum of that over participants (protocol section 8).
public struct UpdateMetrics: Sendable, Hashable {
    /// No report.
    public static let zero = UpdateMetrics(loss: 0, correct: 0, tested: 0, clipped: 0)
    /// The unit of `loss` is one of this many parts of 1 nat.
    public static let lossUnitsPerOne = 1024.0

    /// The loss summed over the tested samples, in units of 2^-10.
    public var loss: Int64
    /// How many of the tested samples were right.
    public var correct: Int64
    /// How many samples were tested, rounded to two significant binary digits.
    public var tested: Int64
    /// How many participants had an update or a weight clipped.
    public var clipped: Int64

    /// Takes the numbers as they stand in a vector.
    public init(loss: Int64, correct: Int64, tested: Int64, clipped: Int64) {
        self.loss = loss
        self.correct = correct
        self.tested = tested
        self.clipped = clipped
    }

    /// Rounds a participant's own numbers for the vector.
    ///
    /// As `tested` is rounded, loss and correct answers are scaled alike: otherwise the ratios that are read off the sums,
    /// mean loss and accuracy, would be wrong by up to a fifth. Every participant then weighs as much as its rounded count.
    ///
    /// - Parameters:
    ///   - lossSum: the loss summed over the tested samples, not negative.
    ///   - isClipped: whether this participant's update or weight was clipped.
    /// - Throws: `scalarOutOfRange` for a number that is negative, or above 2^62 in its unit, and for more correct answers
    ///   than samples.
    public init(lossSum: Double, correct: Int, tested: Int, isClipped: Bool) throws(QuantizationError) {
        let limit = ExactEncoding.sumLimit
        guard tested >= 0, tested <= limit else { throw .scalarOutOfRange(.tested, limit: limit) }
        guard correct >= 0, correct <= tested else { throw .scalarOutOfRange(.correct, limit: limit) }
        let rounded = roundedToTwoBinaryDigits(tested)
        let scale = tested == 0 ? 1 : Double(rounded) / Double(tested)
        let units = (lossSum * scale * Self.lossUnitsPerOne).rounded(.toNearestOrEven)
        guard units >= 0, units < 0x1p62 else { throw .scalarOutOfRange(.loss, limit: limit) }
        let scaled = (Double(correct) * scale).rounded(.toNearestOrEven)
        self.init(
            loss: Int64(units), correct: min(Int64(scaled), Int64(rounded)), tested: Int64(rounded),
            clipped: isClipped ? 1 : 0)
    }

    /// In the order of the vector.
    var values: [Int64] { [loss, correct, tested, clipped] }
}
