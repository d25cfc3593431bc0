// SPDX-License-Identifier: MIT

/// Holds one participant's part of a dataset.
public struct LocalData: Sendable, Equatable {
    /// The samples to train on.
    public let training: Dataset
    /// The samples to evaluate on; there may be none.
    public let test: Dataset
    /// The number of training samples of all parts.
    public let trainingTotal: Int
    /// The number of test samples of all parts.
    public let testTotal: Int

    /// The number of features of a sample.
    public var featureCount: Int { training.featureCount }
    /// The number of classes in the whole dataset.
    public var classCount: Int { training.classCount }
}
