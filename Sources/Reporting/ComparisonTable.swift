// SPDX-License-Identifier: MIT

/// Presents a comparison: as aligned plain text for people or as one JSON object for programs.
public struct ComparisonTable: Equatable, Sendable {
    private let comparison: Comparison

    /// Presents this comparison.
    public init(_ comparison: Comparison) {
        self.comparison = comparison
    }

    /// Renders both runs side by side, then round by round, then the verdict; ends with a line end.
    public var text: String {
        ([overview.lines, [""], roundByRound.lines, [""], conclusions].flatMap { $0 }).joined(separator: "\n") + "\n"
    }

    /// Encodes the comparison as one line of JSON with sorted keys, without a line end.
    public func json() throws -> String {
        String(decoding: try RecordCoding.line(Report(comparison)), as: UTF8.self)
    }

    /// States in a sentence what the hashes prove.
    public var verdictText: String {
        let rounds = comparison.rounds.count
        switch comparison.verdict {
        case .different(let differing):
            let list = differing.map(String.init).joined(separator: ", ")
            return "params_hashes: DIFFERENT in \(differing.count) of \(rounds) rounds (\(list)): not the same model"
        case .identical:
            return "params_hashes: identical in all \(rounds) rounds: the same model, to the bit"
        case .incomplete:
            let counts = [comparison.first, comparison.second].map { String($0.rounds.count) }
            return "params_hashes: identical as far as both go, but the runs applied "
                + "\(counts.joined(separator: " and ")) rounds"
        case .notExact:
            return "params_hashes: not compared, because not both runs use the exact encoding"
        }
    }

    private var names: (first: String, second: String) {
        let arms = [comparison.first, comparison.second].map(\.summary.description.arm.rawValue)
        return arms[0] == arms[1] ? (comparison.first.directory, comparison.second.directory) : (arms[0], arms[1])
    }

    private var overview: TextTable {
        var table = TextTable()
        table.add(["", names.first, names.second, "\(names.second)/\(names.first)"])
        for row in Overview([comparison.first, comparison.second]).rows {
            table.add([row.label] + row.texts + (row.numbers.map { [Overview.ratio($0[1], to: $0[0])] } ?? []))
        }
        return table
    }

    private var roundByRound: TextTable {
        var table = TextTable()
        let (a, b) = names
        table.add(["round", "loss \(a)", "loss \(b)", "accuracy \(a)", "accuracy \(b)", "params_hash", "same model"])
        for round in comparison.rounds {
            let both = [round.first, round.second]
            let hash = (round.first ?? round.second)?.paramsHash.prefix(16) ?? ""
            table.add(
                [String(round.round)] + both.map { $0.map { NumberText.fixed($0.loss, 4) } ?? "-" }
                    + both.map { $0.map { NumberText.percent($0.accuracy) } ?? "-" }
                    + [String(hash), comparison.sameModelWord(round) ?? "-"])
        }
        return table
    }

    /// What rounding cost each run that has packed vectors, a line each.
    private var rounding: [String] {
        [(names.first, comparison.first), (names.second, comparison.second)].compactMap { name, run in
            RoundingError(run).map { "rounding, \(name): \($0.words("the decoded mean"))" }
        }
    }

    private var conclusions: [String] {
        let unequal = comparison.unequalConditions
        let warning = "warning: the runs differ in \(unequal.joined(separator: ", ")): this is not a fair comparison"
        return (unequal.isEmpty ? [] : [warning]) + [verdictText] + rounding
    }
}

/// The JSON form of a comparison, described in `metrics/README.md`.
private struct Report: Encodable {
    let first: RunSummary
    let second: RunSummary
    let identicalPerRound: [Bool?]
    let unequalConditions: [String]
    let verdict: String

    init(_ comparison: Comparison) {
        first = comparison.first.summary
        second = comparison.second.summary
        identicalPerRound = comparison.rounds.map(\.identical)
        unequalConditions = comparison.unequalConditions
        verdict = comparison.verdict.word
    }

    enum CodingKeys: String, CodingKey {
        case first
        case second
        case identicalPerRound = "identical_per_round"
        case unequalConditions = "unequal_conditions"
        case verdict
    }
}
