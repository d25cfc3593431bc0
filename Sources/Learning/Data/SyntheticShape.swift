// SPDX-License-Identifier: MIT

import Primitives

/// Sizes a synthetic classification set: one round cloud of points per class.
///
/// Centres are uniform in a cube whose side makes two of them about five standard deviations apart on average; around
/// them every feature varies by (Σ of four uniform 16-bit integers / 2^16 − 2)·√3, nearly normal with variance 1. Words
/// come from one stream, first the centres, then per sample its class and its features. No transcendental function, so
/// the set is the same on every processor.
public struct SyntheticShape: Sendable, Hashable {
    /// The largest number of feature values.
    public static let valuesMax = 1 << 28

    /// Training and test samples together.
    public let samples: Int
    /// The number of features of a sample.
    public let features: Int
    /// The number of clouds.
    public let classes: Int

    /// 6,000 samples of 32 features in 10 classes.
    public static let standard = SyntheticShape()

    private init() {
        samples = 6_000
        features = 32
        classes = 10
    }

    /// Checks and takes the sizes.
    ///
    /// - Throws: `DataError.option` unless there are at least 10 samples, 1 feature and 2 classes, and not too many.
    public init(samples: Int, features: Int, classes: Int) throws(DataError) {
        guard (10...Self.valuesMax).contains(samples), (1...Self.valuesMax / samples).contains(features),
            (2...Dataset.classesMax).contains(classes)
        else { throw Self.error("\(samples),\(features),\(classes)") }
        self.samples = samples
        self.features = features
        self.classes = classes
    }

    /// Reads `SAMPLES,FEATURES,CLASSES`.
    ///
    /// - Throws: `DataError.option`.
    public init(parsing text: String) throws(DataError) {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 3, let samples = numbers[0], let features = numbers[1], let classes = numbers[2] else {
            throw Self.error(text)
        }
        try self.init(samples: samples, features: features, classes: classes)
    }

    private static func error(_ text: String) -> DataError {
        .option(
            "--dataset", value: "synthetic:\(text)",
            expected: "synthetic:SAMPLES,FEATURES,CLASSES of at least 10,1,2, such as synthetic:6000,32,10")
    }

    /// Draws the set.
    func draw(seed: Digest) throws(DataError) -> Dataset {
        var stream = SeededStream(seed: seed, label: "synthetic")
        // Two uniform coordinates in ±h differ by h²·2/3 in the mean square, so the squared distance is 25.
        let half = Float((37.5 / Double(features)).squareRoot())
        let centres = (0..<classes * features).map { _ in Float(2 * stream.unit() - 1) * half }
        var values: [Float] = []
        values.reserveCapacity(samples * features)
        var labels: [Int32] = []
        for _ in 0..<samples {
            let label = stream.uniform(through: classes - 1)
            labels.append(Int32(label))
            for feature in 0..<features {
                values.append(centres[label * features + feature] + Self.deviate(stream.word()))
            }
        }
        return try Dataset(features: values, labels: labels, featureCount: features, classCount: classes)
    }

    private static func deviate(_ word: UInt64) -> Float {
        let quarters = (word & 0xffff) + (word >> 16 & 0xffff) + (word >> 32 & 0xffff) + (word >> 48)
        return (Float(quarters) * 0x1p-16 - 2) * Float(3).squareRoot()
    }
}
