// SPDX-License-Identifier: MIT

/// Why data cannot be read or cut into parts. Lines and columns count from 1.
public enum DataError: Error, Equatable, Sendable {
    /// A field is not a finite number.
    case csvField(file: String, line: Int, column: String, text: String)
    /// A record has more or fewer fields than the header.
    case csvFieldCount(file: String, line: Int, expected: Int, actual: Int)
    /// A label is neither an integer from 0 to `Dataset.classesMax` − 1 nor one of the declared names.
    case csvLabel(file: String, line: Int, text: String)
    /// There is no column with the name of the label; these are the columns.
    case csvLabelColumn(file: String, name: String, columns: [String])
    /// A quotation mark is not closed, or is followed by something else than a comma or the end of the line.
    case csvQuote(file: String, line: Int)
    /// Two columns have one name, or one has none.
    case csvHeader(file: String, column: String)
    /// The file is not UTF-8.
    case csvText(file: String, line: Int)
    /// The file has no records, or no columns besides the label.
    case empty(file: String)
    /// The file does not begin with the number of its kind: 2051 for images, 2049 for labels.
    case idxMagic(file: String, expected: UInt32, actual: UInt32)
    /// The dimensions of the file are zero or too large.
    case idxSize(file: String, dimensions: [Int])
    /// A file of an image set is not where it is looked for.
    case imagesNotFound(file: String)
    /// A label lies outside the classes.
    case labelRange(source: String, label: Int, classes: Int)
    /// Two files that belong together differ in the number of samples or features.
    case mismatch(file: String, what: String, expected: Int, actual: Int)
    /// A file is not where it is looked for.
    case notFound(file: String)
    /// An option has a value that it cannot have.
    case option(String, value: String, expected: String)
    /// No cut in `PartitionScheme.drawsMax` draws, or none at all, gives every part enough samples.
    case partition(scheme: String, samples: Int, parts: Int)
    /// Reading fails: the reason is the system's or zlib's.
    case read(file: String, reason: String)
    /// The file goes on after its last sample.
    case trailing(file: String)
    /// The file ends too early.
    case truncated(file: String, expected: Int, actual: Int)
}

extension DataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .csvField(let file, let line, let column, let text):
            "\(file), line \(line), column '\(column)': '\(text)' is not a finite number"
        case .csvFieldCount(let file, let line, let expected, let actual):
            "\(file), line \(line): \(actual) fields, the header has \(expected)"
        case .csvLabel(let file, let line, let text):
            "\(file), line \(line): '\(text)' is no label of this dataset: labels are whole numbers from 0, or names"
        case .csvLabelColumn(let file, let name, let columns):
            "\(file) has no column '\(name)'; its columns are \(Self.list(columns)); choose one with --label"
        case .csvQuote(let file, let line): "\(file), line \(line): a quotation mark is out of place or not closed"
        case .csvHeader(let file, let column):
            "\(file), line 1: the column name '\(column)' is empty or occurs twice"
        case .csvText(let file, let line): "\(file), line \(line): not UTF-8 text"
        case .empty(let file): "\(file) has no samples"
        case .idxMagic(let file, let expected, let actual):
            "\(file) begins with \(actual) instead of \(expected): not the IDX file it should be"
        case .idxSize(let file, let dimensions):
            "\(file) announces impossible dimensions \(dimensions.map(String.init).joined(separator: " × "))"
        case .labelRange(let source, let label, let classes):
            "\(source): label \(label) is not in 0…\(classes - 1)"
        case .mismatch(let file, let what, let expected, let actual): "\(file) has \(actual) \(what), not \(expected)"
        case .notFound(let file): "\(file) does not exist"
        case .imagesNotFound(let file):
            file.hasPrefix(ImageFiles.fashionDirectory)
                ? "\(file) is missing; install it (Debian: apt-get install dataset-fashion-mnist) or name its directory with --data"
                : "\(file) is missing; name the directory of the four IDX files with --data"
        case .option(let option, let value, let expected): "\(option) '\(value)': expected \(expected)"
        case .partition(let scheme, let samples, let parts):
            "\(samples) samples cannot be cut into \(parts) parts by '\(scheme)'; use fewer parts or another partition"
        case .read(let file, let reason): "\(file) cannot be read: \(reason)"
        case .trailing(let file): "\(file) goes on after its last sample"
        case .truncated(let file, let expected, let actual):
            "\(file) ends after \(actual) of \(expected) bytes: incomplete download or copy"
        }
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 10 ? "\(shown) and \(names.count - 10) more" : shown
    }
}
