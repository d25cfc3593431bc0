// SPDX-License-Identifier: MIT

extension RunReport {
    /// Prints all runs: two as `ComparisonTable` does, more side by side with a verdict for each pair.
    public var text: String {
        if runs.count == 2, let pair = pairs.first { return ComparisonTable(pair.comparison).text }
        var table = TextTable()
        table.add([""] + names)
        for row in Overview(runs).rows {
            table.add([row.label] + row.texts)
            guard let numbers = row.numbers, !pairs.isEmpty else { continue }
            let ratios = runs.indices.map { run in
                pair(of: run).map { "× " + Overview.ratio(numbers[run], to: numbers[$0.reference]) } ?? ""
            }
            table.add([""] + ratios)
        }
        return (table.lines + [""] + verdicts + rounding).joined(separator: "\n") + "\n"
    }

    private var rounding: [String] {
        zip(names, runs).compactMap { name, run in
            RoundingError(run).map { "rounding, \(name): \($0.words("the decoded mean"))" }
        }
    }

    private var verdicts: [String] {
        if pairs.isEmpty { return ["no two of these runs have the same conditions: nothing is compared"] }
        return pairs.map { pair in
            "\(names[pair.run]) against \(names[pair.reference]): \(ComparisonTable(pair.comparison).verdictText)"
        }
    }

    /// Encodes all runs as one line of JSON: two as `ComparisonTable` does, more as `runs` and `comparisons`.
    public func json() throws -> String {
        if runs.count == 2, let pair = pairs.first { return try ComparisonTable(pair.comparison).json() }
        return String(decoding: try RecordCoding.line(SeveralRuns(self)), as: UTF8.self)
    }
}

/// The JSON form of several runs, described in `metrics/README.md`.
private struct SeveralRuns: Encodable {
    struct Compared: Encodable {
        let first: Int
        let second: Int
        let identicalPerRound: [Bool?]
        let verdict: String

        enum CodingKeys: String, CodingKey {
            case first
            case second
            case identicalPerRound = "identical_per_round"
            case verdict
        }
    }

    let runs: [RunSummary]
    let comparisons: [Compared]

    init(_ report: RunReport) {
        runs = report.runs.map(\.summary)
        comparisons = report.pairs.map {
            Compared(
                first: $0.reference, second: $0.run, identicalPerRound: $0.comparison.rounds.map(\.identical),
                verdict: $0.comparison.verdict.word)
        }
    }
}
