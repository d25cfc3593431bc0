// SPDX-License-Identifier: MIT

/// Sets how a participant trains in one round.
public struct Hyperparameters: Sendable, Hashable {
    /// The largest batch.
    public static let batchSizeMax = 1 << 16
    /// The largest number of epochs in one round.
    public static let epochsMax = 1 << 10

    /// How a gradient changes the parameters.
    public let optimizer: Optimizer
    /// Samples per step; the last batch of an epoch may be smaller.
    public let batchSize: Int
    /// Passes over the local samples per round.
    public let epochs: Int

    /// Momentum 0.9, rate 0.01, batches of 32, one epoch.
    public static let standard = Hyperparameters()

    private init() {
        optimizer = .standard
        batchSize = 32
        epochs = 1
    }

    /// Checks and takes the settings.
    ///
    /// - Throws: `TrainingError.hyperparameter` for a batch size, a number of epochs or a rate out of range.
    public init(optimizer: Optimizer = .standard, batchSize: Int = 32, epochs: Int = 1) throws(TrainingError) {
        try optimizer.validate()
        try Self.check("batch size", batchSize, 1...Self.batchSizeMax)
        try Self.check("number of epochs", epochs, 1...Self.epochsMax)
        self.optimizer = optimizer
        self.batchSize = batchSize
        self.epochs = epochs
    }

    private static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(TrainingError) {
        guard range.contains(value) else {
            throw .hyperparameter(name, value: "\(value)", allowed: "in \(range.lowerBound)…\(range.upperBound)")
        }
    }
}
