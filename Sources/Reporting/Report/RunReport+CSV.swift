// SPDX-License-Identifier: MIT

extension RunReport {
    /// Writes all rounds of all runs, one line each: what `rounds.jsonl` says, for spreadsheets.
    ///
    /// Bytes have a column for each phase, empty where a round has no such phase.
    public var roundsCSV: String {
        let records = runs.flatMap(\.rounds)
        let up = Set(records.flatMap(\.bytesUp.keys)).sorted()
        let down = Set(records.flatMap(\.bytesDown.keys)).sorted()
        let times = Set(records.flatMap { $0.phaseSeconds?.keys.map(\.self) ?? [] }).sorted()
        let phases =
            up.map { "bytes_up \($0)" } + down.map { "bytes_down \($0)" } + times.map { "phase_seconds \($0)" }
        var rows = [["run", "arm"] + Self.roundColumns.map(\.name) + phases]
        for (name, run) in zip(names, runs) {
            for round in run.rounds {
                let about: [String] = [name, run.summary.description.arm.rawValue]
                let sent: [String] = up.map { round.bytesUp[$0].map(Self.number) ?? "" }
                let received: [String] = down.map { round.bytesDown[$0].map(Self.number) ?? "" }
                let spent: [String] = times.map { round.phaseSeconds?[$0].map(Self.number) ?? "" }
                rows.append(about + Self.roundColumns.map { $0.text(round) } + sent + received + spent)
            }
        }
        return CSVText.encode(rows)
    }

    /// Writes the summaries, one line for each run.
    public var runsCSV: String {
        var rows = [["run", "directory"] + Self.runColumns.map(\.name)]
        for (name, run) in zip(names, runs) {
            rows.append([name, run.directory] + Self.runColumns.map { $0.text(run.summary) })
        }
        return CSVText.encode(rows)
    }

    private typealias Column<Record> = (name: String, text: @Sendable (Record) -> String)

    private static let roundColumns: [Column<RoundRecord>] = [
        ("round", { String($0.round) }), ("accuracy", { number($0.accuracy) }), ("loss", { number($0.loss) }),
        ("params_hash", \.paramsHash), ("model_hash", \.modelHash), ("cohort", { String($0.cohort) }),
        ("dropouts", { String($0.dropouts) }), ("clipped", { String($0.clipped) }), ("epoch", { String($0.epoch) }),
        ("members", { String($0.members) }), ("encoding", \.encoding), ("seconds", { number($0.seconds) }),
        ("aggregation_seconds", { number($0.aggregationSeconds) }),
        ("error_bound", { $0.errorBound.map(number) ?? "" }),
        ("error_measured", { $0.errorMeasured.map(number) ?? "" }),
        ("clamped_digits", { $0.clampedDigits.map { "\($0)" } ?? "" }),
        ("absent", { ($0.absent ?? []).joined(separator: " ") }),
    ]

    private static let runColumns: [Column<RunSummary>] = [
        ("arm", \.description.arm.rawValue), ("encoding", \.description.encoding),
        ("discovery", \.description.discovery.rawValue), ("dataset", \.description.dataset),
        ("model", \.description.model), ("partition", \.description.partition),
        ("seed", { String($0.description.seed) }), ("clients", { String($0.description.clients) }),
        ("parameters", { String($0.description.parameters) }), ("started_at", \.description.startedAt),
        ("outcome", \.outcome.rawValue), ("reason", { $0.reason ?? "" }), ("rounds", { String($0.rounds) }),
        ("accuracy", { number($0.accuracy) }), ("loss", { number($0.loss) }),
        ("bytes_up_per_client_round", { number($0.bytesUpPerClientRound) }),
        ("bytes_down_per_client_round", { number($0.bytesDownPerClientRound) }),
        ("aggregation_seconds_per_round", { number($0.aggregationSecondsPerRound) }),
        ("peak_memory_bytes", { String($0.peakMemoryBytes) }), ("seconds", { number($0.seconds) }),
    ]

    /// Writes the shortest text that reads back as the same number; what is not finite is called as in the records.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        return value.isInfinite ? (value > 0 ? "Infinity" : "-Infinity") : "\(value)"
    }
}
