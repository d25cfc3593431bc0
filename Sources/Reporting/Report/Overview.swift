// SPDX-License-Identifier: MIT

/// Lists what the summaries of runs say, row by row, for tables of text and of HTML.
struct Overview: Sendable {
    /// Holds one row.
    struct Row: Sendable {
        /// What the row is about.
        let label: String
        /// The value of each run, for people.
        let texts: [String]
        /// The same values as numbers, where they can be divided.
        let numbers: [Double]?
    }

    let rows: [Row]

    init(_ runs: [RunRecords]) {
        var rows: [Row] = []
        func words(_ label: String, _ value: (RunSummary) -> String) {
            rows.append(Row(label: label, texts: runs.map { value($0.summary) }, numbers: nil))
        }
        func numbers(_ label: String, _ text: (Double) -> String, _ value: (RunRecords) -> Double) {
            let values = runs.map(value)
            rows.append(Row(label: label, texts: values.map(text), numbers: values))
        }
        words("outcome") { $0.outcome.rawValue }
        words("encoding") { $0.description.encodingWord }
        words("discovery") { $0.description.discovery.rawValue }
        words("dataset") { $0.description.dataset }
        words("partition") { $0.description.partition }
        words("model") { $0.description.model }
        words("parameters") { NumberText.grouped($0.description.parameters) }
        words("seed") { String($0.description.seed) }
        words("clients") { String($0.description.clients) }
        words("rounds applied") { String($0.rounds) }
        numbers("accuracy", NumberText.percent) { $0.summary.accuracy }
        numbers("accuracy, mean of last five", NumberText.percent) { mean($0.rounds.suffix(5).map(\.accuracy)) }
        numbers("loss", { NumberText.fixed($0, 4) }, { $0.summary.loss })
        let errors = runs.map { RoundingError($0) }
        if errors.contains(where: { $0 != nil }) {
            func texts(_ label: String, _ value: (RoundingError) -> Double?) {
                let values = zip(runs, errors).map { run, error in
                    error.map { value($0).map(NumberText.significant) ?? "not measured" }
                        ?? (run.summary.description.encoding == "exact" ? "0" : "-")
                }
                rows.append(Row(label: label, texts: values, numbers: nil))
            }
            texts("largest error of a coordinate") { $0.measuredMax }
            texts("bound on that error") { $0.boundMax }
        }
        numbers("bytes up per client and round", NumberText.bytes) { $0.summary.bytesUpPerClientRound }
        numbers("bytes down per client and round", NumberText.bytes) { $0.summary.bytesDownPerClientRound }
        numbers("aggregation per round", NumberText.seconds) { $0.summary.aggregationSecondsPerRound }
        numbers("time in all", NumberText.seconds) { $0.summary.seconds }
        numbers("peak memory of a process", NumberText.bytes) { Double($0.summary.peakMemoryBytes) }
        self.rows = rows
    }

    /// Divides; a dash where that says nothing.
    static func ratio(_ value: Double, to base: Double, decimals: Int = 3) -> String {
        base == 0 || !(value / base).isFinite ? "-" : NumberText.fixed(value / base, decimals)
    }
}
