// SPDX-License-Identifier: MIT

/// Holds labelled samples: features row by row, and the class of each row.
public struct Dataset: Sendable, Equatable {
    /// The largest number of classes.
    public static let classesMax = 1 << 16
    /// The largest number of samples, so that an index fits 32 bits.
    public static let samplesMax = 1 << 30

    /// count × featureCount values.
    public let features: [Float]
    /// One class in 0 ..< classCount per sample.
    public let labels: [Int32]
    /// The number of features of a sample.
    public let featureCount: Int
    /// The number of classes, whether or not all of them occur.
    public let classCount: Int

    /// The number of samples.
    public var count: Int { labels.count }

    /// Checks that the labels lie in the classes and that there are as many features as they need.
    ///
    /// - Parameter source: What an error names.
    /// - Throws: `DataError.mismatch` or `.labelRange`.
    public init(
        features: [Float], labels: [Int32], featureCount: Int, classCount: Int, source: String = "dataset"
    ) throws(DataError) {
        guard features.count == labels.count * featureCount else {
            throw .mismatch(
                file: source, what: "feature values", expected: labels.count * featureCount, actual: features.count)
        }
        guard labels.count <= Self.samplesMax else {
            throw .mismatch(file: source, what: "samples", expected: Self.samplesMax, actual: labels.count)
        }
        for label in labels where label < 0 || label >= classCount {
            throw .labelRange(source: source, label: Int(label), classes: classCount)
        }
        self.features = features
        self.labels = labels
        self.featureCount = featureCount
        self.classCount = classCount
    }

    /// How many samples of each class there are.
    public var labelHistogram: [Int] {
        var histogram = [Int](repeating: 0, count: classCount)
        for label in labels {
            histogram[Int(label)] += 1
        }
        return histogram
    }
}
