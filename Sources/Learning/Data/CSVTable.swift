// SPDX-License-Identifier: MIT

/// Reads the samples of a table with a header, one label column and numbers in all others.
struct CSVTable {
    private static let bytesMax = 1 << 32

    private let file: String
    private let options: CSVOptions
    private var features: [Float] = []
    private var labels: [(text: String, line: Int)] = []

    /// Reads a file, gzip'd or not.
    ///
    /// - Throws: `DataError`, with line and column where something is wrong in one.
    static func read(path: String, options: CSVOptions) throws(DataError) -> Dataset {
        let reader = try GzipReader(path: path)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try reader.read(into: &buffer)
            guard count > 0 else { break }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else { throw .read(file: path, reason: "larger than \(bytesMax) bytes") }
        }
        return try parse(bytes, file: path, options: options)
    }

    /// Parses the contents of a file.
    static func parse(_ bytes: [UInt8], file: String, options: CSVOptions) throws(DataError) -> Dataset {
        var parser = CSVParser(file: file, bytes: bytes)
        guard let header = try parser.next()?.fields else { throw .empty(file: file) }
        try check(header, file: file)
        guard let labelColumn = header.firstIndex(of: options.label) else {
            throw .csvLabelColumn(file: file, name: options.label, columns: header)
        }
        var table = CSVTable(file: file, options: options)
        while let record = try parser.next() {
            try table.append(record, header: header, labelColumn: labelColumn)
        }
        guard !table.labels.isEmpty, header.count > 1 else { throw .empty(file: file) }
        return try table.dataset(featureCount: header.count - 1)
    }

    private init(file: String, options: CSVOptions) {
        self.file = file
        self.options = options
    }

    private static func check(_ header: [String], file: String) throws(DataError) {
        var seen: Set<String> = []
        for column in header where column.isEmpty || !seen.insert(column).inserted {
            throw .csvHeader(file: file, column: column)
        }
    }

    private mutating func append(_ record: CSVParser.Record, header: [String], labelColumn: Int) throws(DataError) {
        guard record.fields.count == header.count else {
            throw .csvFieldCount(
                file: file, line: record.line, expected: header.count, actual: record.fields.count)
        }
        for (column, field) in record.fields.enumerated() where column != labelColumn {
            guard let value = Float(field), value.isFinite else {
                throw .csvField(file: file, line: record.line, column: header[column], text: field)
            }
            features.append(value)
        }
        labels.append((record.fields[labelColumn], record.line))
    }

    private consuming func dataset(featureCount: Int) throws(DataError) -> Dataset {
        let (classes, classCount) = try classify()
        var features = features
        try options.standardization.apply(to: &features, featureCount: featureCount)
        return try Dataset(
            features: features, labels: classes, featureCount: featureCount, classCount: classCount, source: file)
    }

    private func classify() throws(DataError) -> (labels: [Int32], count: Int) {
        if options.classes.isEmpty, Int(labels[0].text) != nil {
            return try integerClasses()
        }
        let names = options.classes.isEmpty ? Set(labels.map(\.text)).sorted(by: Self.precedes) : options.classes
        let numbers = Dictionary(names.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
        var classes: [Int32] = []
        for (text, line) in labels {
            guard !text.isEmpty, let number = numbers[text], names.count <= Dataset.classesMax else {
                throw .csvLabel(file: file, line: line, text: text)
            }
            classes.append(number)
        }
        return (classes, names.count)
    }

    /// Labels of which the first is an integer are integers throughout.
    private func integerClasses() throws(DataError) -> (labels: [Int32], count: Int) {
        var classes: [Int32] = []
        for (text, line) in labels {
            guard let number = Int(text), (0..<Dataset.classesMax).contains(number) else {
                throw .csvLabel(file: file, line: line, text: text)
            }
            classes.append(Int32(number))
        }
        return (classes, Int(classes.max() ?? 0) + 1)
    }

    /// Orders names by their bytes, which no locale and no version of Unicode changes.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
