// SPDX-License-Identifier: MIT

import Glibc

extension RunReport {
    /// Draws everything that these runs have something to show for, in the order of the page.
    var pictures: [Picture] {
        [accuracy, loss, difference, error, bytes(up: true), bytes(up: false), times, aggregation, members].compactMap {
            $0
        }
            + labels
    }

    /// The names of all pictures that a report may have: what an earlier report may have left behind.
    static let pictureNames =
        [
            "accuracy", "loss", "difference", "error", "bytes-up", "bytes-down", "time", "aggregation", "members",
            "labels",
        ]
        + (2...9).map { "labels-\($0)" }

    private var accuracy: Picture {
        var chart = LineChart(series: lines(\.accuracy), format: .percent, spanMin: 0.01)
        for run in runs.indices { chart.series[run].marks = dropoutMarks(runs[run]) }
        return Picture(
            name: "accuracy", title: "Accuracy",
            description: "Share of right answers on the whole test set after each round. "
                + lastValues { NumberText.percent($0.accuracy) } + coincidence,
            chart: chart)
    }

    private var loss: Picture {
        let unmeasurable = runs.contains { $0.rounds.contains { !$0.loss.isFinite } }
        return Picture(
            name: "loss", title: "Loss",
            description: "Mean cross-entropy on the whole test set after each round, in nats. "
                + lastValues { NumberText.fixed($0.loss, 4) } + coincidence
                + (unmeasurable ? " Rounds whose loss is not a finite number have no point." : ""),
            chart: LineChart(series: lines(\.loss), format: .number, spanMin: 0.01))
    }

    private var difference: Picture? {
        guard !pairs.isEmpty else { return nil }
        let series = pairs.map { pair in
            LineChart.Series(
                name: "\(names[pair.run]) minus \(names[pair.reference])",
                values: pair.comparison.rounds.compactMap { round in
                    round.first.flatMap { first in round.second.map { $0.accuracy - first.accuracy } }
                }, style: style(of: pair.run, thin: true))
        }
        let exact = pairs.contains { $0.comparison.verdict != .notExact }
        let words =
            exact
            ? "With exact encoding in both runs the parameters must be the same: the bound on the difference is 0. "
            : "No bound is drawn: there is none for accuracy when not both runs are exact"
                + (isAnyRunPacked ? "; what rounding can do to a coordinate is the next picture. " : ". ")
        return Picture(
            name: "difference", title: "Difference between the runs",
            description: "Accuracy of one run minus that of the other, in percentage points. " + words
                + pairs.map(differenceWords).joined(separator: " "),
            chart: LineChart(
                series: series, format: .points, spanMin: 0.002,
                bounds: exact ? [(0, "bound with exact encoding: 0")] : []))
    }

    private func differenceWords(_ pair: Pair) -> String {
        let subject = pairs.count == 1 ? "The parameters" : "\(names[pair.run]): the parameters".capitalizedFirst
        switch pair.comparison.verdict {
        case .identical: return "\(subject) are identical to the bit in all \(pair.comparison.rounds.count) rounds."
        case .different(let rounds):
            return "\(subject) DIFFER in \(rounds.count) of \(pair.comparison.rounds.count) rounds."
        case .incomplete: return "\(subject) are identical as far as both runs go."
        case .notExact: return "\(subject) are not the same to the bit, and need not be."
        }
    }

    /// Whether some run has a bound on what rounding to few bits can do.
    var isAnyRunPacked: Bool { runs.contains { RoundingError($0) != nil } }

    /// What rounding can do to a coordinate of the mean, and what it did; nothing to draw when all runs are exact.
    private var error: Picture? {
        guard isAnyRunPacked else { return nil }
        func logarithms(_ run: RunRecords, _ value: (RoundRecord) -> Double?) -> [Double] {
            run.rounds.map { record in value(record).map { $0 > 0 ? log10($0) : -.infinity } ?? .nan }
        }
        var series: [LineChart.Series] = []
        for (index, run) in runs.enumerated() where RoundingError(run) != nil {
            var style = style(of: index, thin: true)
            if run.rounds.contains(where: { $0.errorMeasured != nil }) {
                series.append(
                    .init(name: "\(names[index]): measured", values: logarithms(run, \.errorMeasured), style: style))
            }
            style.isDashed = true
            series.append(.init(name: "\(names[index]): bound", values: logarithms(run, \.errorBound), style: style))
        }
        let sentences = runs.indices.map { index in
            guard let error = RoundingError(runs[index]) else {
                let isExact = runs[index].summary.description.encoding == "exact"
                return "\(names[index]): \(isExact ? "exact, error and bound are 0" : "no bound is recorded")."
                    .capitalizedFirst
            }
            return error.words("\(names[index]): the decoded mean".capitalizedFirst)
        }
        return Picture(
            name: "error", title: "Error of the mean, and its bound",
            description:
                "How far the mean of the updates that everybody applied is from the exact one in the coordinate "
                + "where it is farthest, in the unit of the parameters, beside the bound that it cannot exceed unless a "
                + "digit is clamped. The axis is logarithmic. A first round goes in 32 bits. "
                + sentences.joined(separator: " "),
            chart: LineChart(series: series, format: .logarithm))
    }

    private func bytes(up: Bool) -> Picture {
        let bytes = Phases.bytes(runs) { up ? $0.bytesUp : $0.bytesDown }
        let means = runs.map { up ? $0.summary.bytesUpPerClientRound : $0.summary.bytesDownPerClientRound }
        return Picture(
            name: up ? "bytes-up" : "bytes-down", title: up ? "Bytes sent by a client" : "Bytes received by a client",
            description: "Mean over clients for each round, by phase, counted on their sockets with TLS. "
                + (up
                    ? bytes.meanings.joined(separator: "; ").capitalizedFirst + "."
                    : "The phases are those of the bytes sent."),
            chart: StackedBars(
                parts: bytes.parts,
                panels: runs.indices.map { run in
                    let note = "\(NumberText.bytes(means[run])) a round"
                    return StackedBars.Panel(name: names[run], note: note, values: bytes.values[run])
                }, format: .bytes))
    }

    private var times: Picture {
        let phases = Phases.times(runs)
        let description =
            phases == nil
            ? "Aggregation is what lies between the end of the last local training and the last client's durable copy of "
                + "the sum; the rest of a round is training and everything else. Not all of these runs have finer phases. "
            : "By phase, as the server saw it: "
                + (phases?.meanings ?? []).joined(separator: "; ")
                + ". What lies between two rounds is not in the bars. "
        let coarse = [StackedBars.Part(name: "aggregation", color: 1), .init(name: "training and the rest", color: 4)]
        return Picture(
            name: "time", title: "Time of a round",
            description: description + "Times depend on the machine and its load.",
            chart: StackedBars(
                parts: phases?.parts ?? coarse,
                panels: runs.indices.map { run in
                    StackedBars.Panel(
                        name: names[run],
                        note: "aggregation \(NumberText.seconds(runs[run].summary.aggregationSecondsPerRound)), median",
                        values: phases?.values[run]
                            ?? runs[run].rounds.map {
                                [$0.aggregationSeconds, max(0, $0.seconds - $0.aggregationSeconds)]
                            })
                }, format: .seconds))
    }

    /// The phases behind the training, which hides them in the picture of all; nothing to draw where there are none.
    private var aggregation: Picture? {
        guard let phases = Phases.times(runs, withTraining: false) else { return nil }
        return Picture(
            name: "aggregation", title: "Time of the aggregation",
            description: "The same phases from the end of the last local training on. "
                + "Times depend on the machine and its load.",
            chart: StackedBars(
                parts: phases.parts,
                panels: runs.indices.map { run in
                    StackedBars.Panel(
                        name: names[run],
                        note: "\(NumberText.seconds(runs[run].summary.aggregationSecondsPerRound)), median",
                        values: phases.values[run])
                }, format: .seconds))
    }

    /// Who was in the sums; nothing to draw when nobody was ever missing.
    private var members: Picture? {
        guard runs.contains(where: { $0.rounds.contains { $0.dropouts > 0 } }) else { return nil }
        return Picture(
            name: "members", title: "Members in the sum",
            description: "Members whose updates are in the sum of a round, and members who dropped out of it.",
            chart: StackedBars(
                parts: [.init(name: "in the sum", color: 2), .init(name: "dropped out", color: 1)],
                panels: runs.indices.map { run in
                    let dropouts = runs[run].rounds.reduce(0) { $0 + $1.dropouts }
                    return StackedBars.Panel(
                        name: names[run], note: dropouts == 1 ? "1 dropout" : "\(dropouts) dropouts",
                        values: runs[run].rounds.map { [Double($0.cohort), Double($0.dropouts)] })
                }, format: .count))
    }

    private var labels: [Picture] {
        partitions.prefix(9).enumerated().map { index, partition in
            let counts = partition.labels.counts
            let whose = partitions.count == 1 ? "" : " (\(partition.runs.map { names[$0] }.joined(separator: "; ")))"
            return Picture(
                name: index == 0 ? "labels" : "labels-\(index + 1)", title: "Labels of each client" + whose,
                description: "Training samples by client and label, partition "
                    + "\(runs[partition.runs[0]].summary.description.partition). Counted from the data set by the "
                    + "script that simulates the clients; a client never reports this.",
                chart: HeatMap(
                    rows: counts.indices.map { "\($0 + 1)" }, columns: (counts.first ?? []).indices.map { "\($0)" },
                    counts: counts, columnsName: "label", rowsName: "client"))
        }
    }

    private func lines(_ value: (RoundRecord) -> Double) -> [LineChart.Series] {
        runs.indices.map {
            LineChart.Series(name: names[$0], values: runs[$0].rounds.map(value), style: style(of: $0))
        }
    }

    /// Plain runs are wide and pale, so that a secure run that equals them can be seen on top. A single pair has a
    /// color for each run; of several pairs each has a color.
    private func style(of run: Int, thin: Bool = false) -> LineChart.Style {
        let isReference = pairs.contains { $0.reference == run }
        let families = runs.indices.filter { pair(of: $0) == nil }
        guard families.count > 1 || runs.count > 2 else {
            return LineChart.Style(color: run, isWide: isReference && !thin)
        }
        let root = pair(of: run)?.reference ?? run
        let family = families.firstIndex(of: root) ?? run
        let siblings = pairs.filter { $0.reference == root }.map(\.run)
        let place = siblings.firstIndex(of: run) ?? 0
        let color = families.count == 1 && run != root ? place + 1 : family + place
        return LineChart.Style(
            color: color % ChartTheme.colorCount, isWide: isReference && !thin,
            isDashed: color / ChartTheme.colorCount % 2 == 1)
    }

    private func dropoutMarks(_ run: RunRecords) -> [Int: String] {
        let missing = run.rounds.filter { $0.dropouts > 0 }
        return Dictionary(
            missing.map { record -> (Int, String) in
                let names = record.absent.map { ": \($0.joined(separator: ", "))" } ?? ""
                return (record.round, "\(record.dropouts) of \(record.members) missing\(names)")
            }
        ) { $1 }
    }

    private func lastValues(_ text: (RoundRecord) -> String) -> String {
        runs.indices.map { run in
            let value = runs[run].rounds.last.map { "\(text($0)) after round \($0.round)" }
            return "\(names[run]): \(value ?? "no round").".capitalizedFirst
        }.joined(separator: " ")
    }

    private var coincidence: String {
        guard !pairs.isEmpty, pairs.allSatisfy({ $0.comparison.verdict == .identical }) else { return "" }
        return " The thin line lies on the wide one because the models are identical."
    }
}

extension String {
    /// The text with a capital first letter.
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
