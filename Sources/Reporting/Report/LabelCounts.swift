// SPDX-License-Identifier: MIT

/// Counts the training samples of each label in every part of a simulated federation's data.
///
/// Computed from the data set and its partition by whoever simulates; no client ever reports it.
public struct LabelCounts: Equatable, Sendable {
    /// The name of the file.
    public static let file = "labels.csv"
    private static let header = ["part", "label", "samples"]

    /// The counts, by part and label.
    public let counts: [[Int]]

    /// Takes one row for each part; all have the same length.
    public init(_ counts: [[Int]]) { self.counts = counts }

    /// Writes one line for each part and label: `part,label,samples`, part and label from 0.
    public var csv: String {
        CSVText.encode(
            [Self.header]
                + counts.enumerated().flatMap { part, row in
                    row.enumerated().map { label, count in ["\(part)", "\(label)", "\(count)"] }
                })
    }

    /// Reads what `csv` wrote; nil when there is no such file.
    public static func read(file: String) throws(ReportingError) -> LabelCounts? {
        guard let content = try DurableFile.read(file) else { return nil }
        return try parse(String(decoding: content, as: UTF8.self), file: file)
    }

    /// Parses the text of a file, which must hold every part and label once, in order.
    static func parse(_ text: String, file: String) throws(ReportingError) -> LabelCounts {
        let rows = try CSVText.decode(text, file: file)
        guard rows.first == header else {
            throw .malformed(file: file, line: 1, reason: "the first line must be \(header.joined(separator: ","))")
        }
        var counts: [[Int]] = []
        for (index, row) in rows.enumerated().dropFirst() {
            guard row.count == 3, let part = Int(row[0]), let label = Int(row[1]), let count = Int(row[2]), count >= 0
            else {
                throw .malformed(file: file, line: index + 1, reason: "expected three whole numbers")
            }
            if part == counts.count, label == 0 { counts.append([]) }
            guard part == counts.count - 1, label == counts[part].count else {
                throw .malformed(file: file, line: index + 1, reason: "parts and labels must count up from 0")
            }
            counts[part].append(count)
        }
        if let odd = counts.first(where: { $0.count != counts[0].count }) {
            let reason = "one part has \(counts[0].count) labels and another \(odd.count)"
            throw .malformed(file: file, line: nil, reason: reason)
        }
        return LabelCounts(counts)
    }
}
