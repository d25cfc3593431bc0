// SPDX-License-Identifier: MIT

/// Holds the records of one run as read from its directory.
public struct RunRecords: Equatable, Sendable {
    /// The directory they were read from.
    public let directory: String
    /// The content of `summary.json`.
    public let summary: RunSummary
    /// The content of `rounds.jsonl`, rounds 1, 2, ….
    public let rounds: [RoundRecord]

    /// Puts a run together from its parts.
    public init(directory: String, summary: RunSummary, rounds: [RoundRecord]) {
        self.directory = directory
        self.summary = summary
        self.rounds = rounds
    }
}

/// Reads what `RunWriter` wrote.
public enum RunReader {
    /// The name of the file with one line per applied round.
    public static let roundsFile = "rounds.jsonl"
    /// The name of the file with the summary.
    public static let summaryFile = "summary.json"

    /// Reads a run's directory and checks that its two files agree with each other.
    public static func read(directory: String) throws(ReportingError) -> RunRecords {
        let summaryPath = path(directory, summaryFile)
        let summary = try readSummary(file: summaryPath)
        let rounds = try readRounds(file: path(directory, roundsFile))
        guard summary.paramsHashes == rounds.map(\.paramsHash) else {
            throw .summaryDisagrees(file: summaryPath, key: "params_hashes")
        }
        guard summary.rounds == rounds.count else { throw .summaryDisagrees(file: summaryPath, key: "rounds") }
        return RunRecords(directory: directory, summary: summary, rounds: rounds)
    }

    /// Reads one `summary.json`.
    public static func readSummary(file: String) throws(ReportingError) -> RunSummary {
        guard let content = try DurableFile.read(file) else { throw .notFound(path: file) }
        let summary = try RecordCoding.decode(RunSummary.self, from: content, file: file, line: nil)
        try checkRange(summary.accuracy, 0...1, key: "accuracy", file: file, line: nil)
        return summary
    }

    /// Reads one `rounds.jsonl`; a last line without its end, torn by a crash, is left out.
    public static func readRounds(file: String) throws(ReportingError) -> [RoundRecord] {
        guard let content = try DurableFile.read(file) else { throw .notFound(path: file) }
        return try parseRounds(content, file: file).records
    }

    /// Parses the lines; `wholeBytes` counts the bytes up to the end of the last whole line.
    static func parseRounds(
        _ content: [UInt8], file: String
    ) throws(ReportingError) -> (records: [RoundRecord], wholeBytes: Int) {
        let newline = UInt8(ascii: "\n")
        let wholeBytes = content.lastIndex(of: newline).map { $0 + 1 } ?? 0
        var records: [RoundRecord] = []
        for (index, line) in content[..<wholeBytes].split(separator: newline, omittingEmptySubsequences: false)
            .dropLast().enumerated()
        {
            let record = try RecordCoding.decode(RoundRecord.self, from: [UInt8](line), file: file, line: index + 1)
            guard record.round == records.count + 1 else {
                throw .outOfOrder(file: file, line: index + 1, expected: records.count + 1, actual: record.round)
            }
            try checkRange(record.accuracy, 0...1, key: "accuracy", file: file, line: index + 1)
            records.append(record)
        }
        return (records, wholeBytes)
    }

    /// Joins a directory and a file name.
    static func path(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }

    private static func checkRange(
        _ value: Double, _ range: ClosedRange<Double>, key: String, file: String, line: Int?
    ) throws(ReportingError) {
        guard !range.contains(value) else { return }
        throw .wrongValue(
            file: file, line: line, key: key,
            reason: "\(value) is outside \(range.lowerBound)…\(range.upperBound)")
    }
}
