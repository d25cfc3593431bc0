// SPDX-License-Identifier: MIT

/// Names where samples come from.
public enum DatasetSource: Sendable, Hashable {
    /// MNIST-like IDX files in a directory.
    case images(name: String, directory: String)
    /// A table, of which a fifth of the samples, drawn by the run's seed, becomes the test set.
    case csv(path: String, options: CSVOptions)
    /// A set drawn from the run's seed, of which the last fifth is the test set.
    case synthetic(SyntheticShape)

    /// Reads `fashion-mnist`, `mnist`, `csv:PATH`, `synthetic` or `synthetic:SAMPLES,FEATURES,CLASSES`.
    ///
    /// - Parameters:
    ///   - directory: Where the files of an image set are; Fashion-MNIST has a default, Debian's.
    ///   - csv: How to read a table; required for one.
    /// - Throws: `DataError.option`.
    public init(parsing text: String, directory: String? = nil, csv: CSVOptions? = nil) throws(DataError) {
        let fields = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (fields[0], fields.count) {
        case ("fashion-mnist", 1):
            self = .images(name: text, directory: directory ?? ImageFiles.fashionDirectory)
        case ("mnist", 1):
            guard let directory else {
                throw .option("--dataset", value: text, expected: "--data DIRECTORY with its four IDX files as well")
            }
            self = .images(name: text, directory: directory)
        case ("csv", 2) where !fields[1].isEmpty:
            guard let csv else {
                throw .option("--dataset", value: text, expected: "--label COLUMN as well")
            }
            self = .csv(path: fields[1], options: csv)
        case ("synthetic", 1):
            self = .synthetic(.standard)
        case ("synthetic", 2):
            self = .synthetic(try SyntheticShape(parsing: fields[1]))
        default:
            throw .option(
                "--dataset", value: text,
                expected: "fashion-mnist, mnist, csv:PATH, synthetic or synthetic:SAMPLES,FEATURES,CLASSES")
        }
    }
}

extension DatasetSource: CustomStringConvertible {
    /// The text that `init(parsing:directory:csv:)` reads.
    public var description: String {
        switch self {
        case .images(let name, _): name
        case .csv(let path, _): "csv:\(path)"
        case .synthetic(let shape): "synthetic:\(shape.samples),\(shape.features),\(shape.classes)"
        }
    }
}
