// SPDX-License-Identifier: MIT

import Primitives

/// Loads one part of a dataset and no more of it than needed.
///
/// The training samples are cut by a `PartitionScheme`; the test samples in their order into contiguous parts whose
/// sizes differ by at most one.
public struct DatasetLoader: Sendable {
    /// Where the samples come from.
    public let source: DatasetSource
    /// The run's seed: draws synthetic samples, the test samples of a table, and the partition.
    public let runSeed: UInt64

    /// Reads nothing yet.
    public init(_ source: DatasetSource, runSeed: UInt64) {
        self.source = source
        self.runSeed = runSeed
    }

    /// Loads a part.
    ///
    /// - Throws: `DataError`.
    public func load(
        partition: PartitionScheme = .iid, part: PartSelector = .whole
    ) throws(DataError) -> LocalData {
        switch source {
        case .images(_, let directory):
            return try images(ImageFiles(directory: directory), partition, part)
        case .csv(let path, let options):
            return try cut(try Self.table(path, options, runSeed: runSeed), partition, part)
        case .synthetic(let shape):
            return try cut(try Self.synthetic(shape, runSeed: runSeed), partition, part)
        }
    }

    /// Counts the training samples of each class in every part: what a heat map shows. For scripts that simulate a
    /// federation; a participant knows its own part only.
    ///
    /// - Throws: `DataError`.
    public func histograms(partition: PartitionScheme, parts: Int) throws(DataError) -> [[Int]] {
        let (labels, classCount) = try trainingLabels()
        let cut = try partition.parts(
            labels: labels, classCount: classCount, parts: parts, seed: TrainingPlan.partitionSeed(run: runSeed))
        return cut.map { indices in
            var histogram = [Int](repeating: 0, count: classCount)
            for index in indices {
                histogram[Int(labels[Int(index)])] += 1
            }
            return histogram
        }
    }

    /// Checks, as far as that goes without loading everything, that the data are there, belong together and can be cut.
    ///
    /// - Throws: `DataError`.
    public func check(partition: PartitionScheme, parts: Int) throws(DataError) {
        let training = try histograms(partition: partition, parts: parts)
        guard case .images(_, let directory) = source else { return }
        let files = ImageFiles(directory: directory)
        let classCount = training[0].count
        let testLabels = try files.labels(.test)
        for label in testLabels where label >= classCount {
            throw .labelRange(source: directory, label: Int(label), classes: classCount)
        }
        let size = try files.check(.train, count: training.reduce(0) { $0 + $1.reduce(0, +) })
        let testSize = try files.check(.test, count: testLabels.count)
        guard testSize == size else {
            throw .mismatch(file: directory, what: "pixels in a test image", expected: size, actual: testSize)
        }
    }

    private func trainingLabels() throws(DataError) -> (labels: [Int32], classCount: Int) {
        switch source {
        case .images(_, let directory):
            let labels = try ImageFiles(directory: directory).labels(.train)
            return (labels, Self.classCount(labels))
        case .csv(let path, let options):
            let training = try Self.table(path, options, runSeed: runSeed).training
            return (training.labels, training.classCount)
        case .synthetic(let shape):
            let training = try Self.synthetic(shape, runSeed: runSeed).training
            return (training.labels, training.classCount)
        }
    }

    private func selection(
        _ labels: [Int32], _ classCount: Int, _ partition: PartitionScheme, _ part: PartSelector
    ) throws(DataError) -> [Int32] {
        let parts = try partition.parts(
            labels: labels, classCount: classCount, parts: part.count,
            seed: TrainingPlan.partitionSeed(run: runSeed))
        return parts[part.index]
    }

    private static func classCount(_ labels: [Int32]) -> Int {
        Int(labels.max() ?? 0) + 1
    }

    private func images(
        _ files: ImageFiles, _ partition: PartitionScheme, _ part: PartSelector
    ) throws(DataError) -> LocalData {
        let (labels, testLabels) = (try files.labels(.train), try files.labels(.test))
        let classCount = Self.classCount(labels)
        let chosen = try selection(labels, classCount, partition, part)
        let tested = part.range(of: testLabels.count).map(Int32.init)
        let (pixels, size) = try files.images(.train, selected: chosen, count: labels.count)
        let (testPixels, testSize) = try files.images(.test, selected: tested, count: testLabels.count)
        guard testSize == size else {
            throw .mismatch(file: files.directory, what: "pixels in a test image", expected: size, actual: testSize)
        }
        return LocalData(
            training: try Dataset(
                features: pixels, labels: chosen.map { labels[Int($0)] }, featureCount: size, classCount: classCount,
                source: files.directory),
            test: try Dataset(
                features: testPixels, labels: tested.map { testLabels[Int($0)] }, featureCount: size,
                classCount: classCount, source: files.directory),
            trainingTotal: labels.count, testTotal: testLabels.count)
    }

    private func cut(
        _ all: (training: Dataset, test: Dataset), _ partition: PartitionScheme, _ part: PartSelector
    ) throws(DataError) -> LocalData {
        let chosen = try selection(all.training.labels, all.training.classCount, partition, part)
        let tested = part.range(of: all.test.count).map(Int32.init)
        return LocalData(
            training: try all.training.selecting(chosen), test: try all.test.selecting(tested),
            trainingTotal: all.training.count, testTotal: all.test.count)
    }

    private static func table(
        _ path: String, _ options: CSVOptions, runSeed: UInt64
    ) throws(DataError) -> (training: Dataset, test: Dataset) {
        let all = try CSVTable.read(path: path, options: options)
        var stream = SeededStream(seed: TrainingPlan.splitSeed(run: runSeed), label: "split")
        return try separate(all, order: stream.permutation(all.count))
    }

    private static func synthetic(
        _ shape: SyntheticShape, runSeed: UInt64
    ) throws(DataError) -> (training: Dataset, test: Dataset) {
        let all = try shape.draw(seed: TrainingPlan.syntheticSeed(run: runSeed))
        return try separate(all, order: Array(0..<Int32(all.count)))
    }

    /// Takes the first four fifths of the samples, in the given order and rounded up, for training.
    private static func separate(
        _ all: Dataset, order: [Int32]
    ) throws(DataError) -> (training: Dataset, test: Dataset) {
        let trainingCount = (all.count * 4 + 4) / 5
        return (
            try all.selecting(Array(order[..<trainingCount])), try all.selecting(Array(order[trainingCount...]))
        )
    }
}

extension Dataset {
    /// The samples with these indices, in their order.
    func selecting(_ indices: [Int32]) throws(DataError) -> Dataset {
        var chosen: [Float] = []
        chosen.reserveCapacity(indices.count * featureCount)
        for index in indices {
            chosen += features[Int(index) * featureCount..<(Int(index) + 1) * featureCount]
        }
        return try Dataset(
            features: chosen, labels: indices.map { labels[Int($0)] }, featureCount: featureCount,
            classCount: classCount)
    }
}
