// SPDX-License-Identifier: MIT

/// Says in plain words what runs protected, what that cost and what it did not protect.
///
/// Every sentence follows from the records or from `docs/THREAT_MODEL.md`, whichever way helper slots are filled.
struct ReportWords: Sendable {
    let report: RunReport

    private var runs: [RunRecords] { report.runs }
    private var secure: [Int] { runs.indices.filter { runs[$0].summary.description.arm == .smpc } }
    private var isAnyRunPlain: Bool { secure.count < runs.count }

    /// States the result in one sentence.
    var headline: String {
        guard !report.pairs.isEmpty else {
            return runs.count == 1 ? "One run, with nothing to compare it with" : "Nothing is compared"
        }
        let verdicts = report.pairs.map(\.comparison.verdict)
        if verdicts.contains(where: { if case .different = $0 { true } else { false } }) {
            return "The models DIFFER although both runs are exact"
        }
        if verdicts.allSatisfy({ $0 == .identical }) {
            let rounds = Set(report.pairs.map(\.comparison.rounds.count))
            let which = rounds.count == 1 && rounds != [1] ? "all \(report.roundsMax) rounds" : "every round"
            return "The same model, to the bit, in \(which)"
        }
        if verdicts.contains(.incomplete) { return "The runs did not apply the same number of rounds" }
        return roundingHeadline
    }

    /// What rounding cost the runs that have packed vectors.
    private var rounding: [RoundingError] { runs.compactMap { RoundingError($0) } }

    private var roundingHeadline: String {
        guard let worst = rounding.map(\.boundMax).max() else {
            return "Not all runs are exact, and none says what rounding cost: their models are not compared"
        }
        if rounding.contains(where: { !$0.exceeded.isEmpty }) { return "A measured error EXCEEDS its bound" }
        guard rounding.allSatisfy(\.isMeasured) else {
            return
                "Updates were rounded: a coordinate of the mean can be off by \(NumberText.significant(worst)), no more"
        }
        let rounds = rounding.reduce(0) { $0 + $1.rounds.count }
        return rounding.contains { $0.clampedTotal > 0 }
            ? "Updates were rounded, and some of their digits clamped"
            : "Updates were rounded: the measured error stayed below its bound in all \(rounds) rounds"
    }

    /// Says whether the headline is good, bad or neither.
    var mood: String {
        let verdicts = report.pairs.map(\.comparison.verdict)
        if !verdicts.isEmpty, verdicts.allSatisfy({ $0 == .identical }) { return "good" }
        let differs = verdicts.contains { if case .different = $0 { true } else { false } }
        if differs || rounding.contains(where: { !$0.exceeded.isEmpty }) { return "bad" }
        let keepsBounds = !rounding.isEmpty && rounding.allSatisfy { $0.isMeasured && $0.clampedTotal == 0 }
        return keepsBounds && !verdicts.contains(.incomplete) && !verdicts.isEmpty ? "good" : "plain"
    }

    /// Names in one sentence each what makes the comparison unfair, and runs that did not end well.
    var warnings: [String] {
        var warnings: [String] = []
        for pair in report.pairs where !pair.comparison.unequalConditions.isEmpty {
            warnings.append(
                "\(report.names[pair.run]) and \(report.names[pair.reference]) differ in "
                    + "\(pair.comparison.unequalConditions.joined(separator: ", ")): this is not a fair comparison.")
        }
        for (name, run) in zip(report.names, runs) where ![.completed, .converged].contains(run.summary.outcome) {
            let reason = run.summary.reason.map { ": \($0)" } ?? ""
            warnings.append("\(name): the run ended as \(run.summary.outcome.rawValue)\(reason)".ended)
        }
        return warnings.map(\.capitalizedFirst)
    }

    /// What was protected.
    var protected: [String] {
        guard !secure.isEmpty else {
            return ["Nothing: in plain averaging the server sees every client's update."]
        }
        var words = [
            "The update of each single client in secure training, with its sample count and its test results. "
                + "The server received vectors that look random to it, and could open only the sum over a cohort.",
            "Training data never left a client in any run.",
        ]
        let protections = secure.map { runs[$0].summary.description.protection }
        if let first = protections.first, let first, protections.allSatisfy({ $0 == first }) {
            words.append(first)
        } else {
            for (run, protection) in zip(secure, protections) {
                if let protection { words.append("\(report.names[run]): \(protection)".capitalizedFirst) }
            }
        }
        if secure.allSatisfy({ runs[$0].summary.description.protection == nil }) {
            words.append(
                "How many members would have to conspire with the server depends on the size of the federation: the "
                    + "server prints it for every epoch, and docs/THREAT_MODEL.md has a table.")
        }
        if isAnyRunPlain {
            words.append("In plain training nothing was: the server saw every client's update.")
        }
        return words
    }

    /// What it cost.
    var cost: [String] {
        let compared = report.pairs.filter {
            runs[$0.run].summary.description.arm == .smpc && runs[$0.reference].summary.description.arm == .normal
        }
        guard !compared.isEmpty else {
            return ["These runs do not say: it takes a plain run and a secure one of the same conditions."]
        }
        guard report.pairs.count <= ReportPage.cardsMax else {
            return [
                "The table above has what each run sent, received and took, as multiples of the run that it is compared "
                    + "with, and the bits that a parameter took in an update.",
                "A helper sends a second vector as long as its update in each round, its aggregate share.",
            ]
        }
        return compared.map(costWords)
            + compared.map(\.run).flatMap { [roundingWords($0), reason($0)].compactMap(\.self) }
    }

    /// What rounding to few bits cost a run; nil if it has none.
    private func roundingWords(_ run: Int) -> String? {
        RoundingError(runs[run])?.words("\(subject(run))rounding: the decoded mean".capitalizedFirst)
    }

    /// Why a secure client sends what it sends, from the bytes of its phases behind the first round.
    private func reason(_ run: Int) -> String? {
        let records = Self.usualRounds(runs[run])
        let partials = mean(records.map { $0.bytesUp["partials"] ?? 0 })
        let total = mean(records.map(\.bytesUpTotal))
        let uploads = mean(records.map { $0.bytesUp["upload"] ?? 0 })
        // One aggregate share is as long as one update.
        let everybody =
            uploads > 0 && partials / uploads > 0.95
            ? " Here every client was a helper; drawn slots need only a few." : ""
        guard let bits = Self.bitsPerParameter(runs[run]), total > 0 else { return nil }
        return
            "\(subject(run))why: an update took \(NumberText.fixed(bits, 1)) bits a parameter, where plain averaging "
            .capitalizedFirst
            + "of float32 takes 32; and \(NumberText.share(partials / total)) of what a client sent were aggregate shares, "
            + "the second vector that a helper sends in each round.\(everybody)"
    }

    /// The bits on the socket that an update took for each parameter, behind the first round; nil if none was sent.
    static func bitsPerParameter(_ run: RunRecords) -> Double? {
        let upload = mean(usualRounds(run).map { ($0.bytesUp["upload"] ?? 0) + ($0.bytesUp["update"] ?? 0) })
        let parameters = Double(run.summary.description.parameters)
        return upload > 0 && parameters > 0 ? 8 * upload / parameters : nil
    }

    /// All rounds but the first, whose encoding is another; that one, where there is no other.
    private static func usualRounds(_ run: RunRecords) -> [RoundRecord] {
        run.rounds.count > 1 ? Array(run.rounds.dropFirst()) : run.rounds
    }

    private func subject(_ run: Int) -> String { report.pairs.count == 1 ? "" : "\(report.names[run]): " }

    private func costWords(_ pair: RunReport.Pair) -> String {
        let (plain, secure) = (runs[pair.reference].summary, runs[pair.run].summary)
        let subject = report.pairs.count == 1 ? "A client" : "\(report.names[pair.run]): a client".capitalizedFirst
        func times(_ value: (RunSummary) -> Double) -> String {
            let quotient = value(secure) / value(plain)
            return quotient.isFinite && value(plain) > 0
                ? "\(NumberText.fixed(quotient, 2)) times as" : "not comparably"
        }
        let accuracy: String =
            switch pair.comparison.verdict {
            case .identical: "Accuracy: nothing, the models are identical."
            default:
                accuracyWords(pair)
            }
        return "\(subject) sent \(times(\.bytesUpPerClientRound)) many bytes in a round "
            + "(\(NumberText.bytes(secure.bytesUpPerClientRound)) instead of "
            + "\(NumberText.bytes(plain.bytesUpPerClientRound))) and received \(times(\.bytesDownPerClientRound)) many "
            + "(\(NumberText.bytes(secure.bytesDownPerClientRound)) instead of "
            + "\(NumberText.bytes(plain.bytesDownPerClientRound))). Aggregation took "
            + "\(times(\.aggregationSecondsPerRound)) long (\(NumberText.seconds(secure.aggregationSecondsPerRound)) "
            + "instead of \(NumberText.seconds(plain.aggregationSecondsPerRound))). \(accuracy)"
    }

    /// The difference in accuracy: single rounds scatter, so the mean of the last five stands beside the last.
    private func accuracyWords(_ pair: RunReport.Pair) -> String {
        func recent(_ run: Int) -> Double { mean(runs[run].rounds.suffix(5).map(\.accuracy)) }
        let last = runs[pair.run].summary.accuracy - runs[pair.reference].summary.accuracy
        let five = recent(pair.run) - recent(pair.reference)
        return "Accuracy: \(ValueFormat.points.text(last)) percentage points in the last round, "
            + "\(ValueFormat.points.text(five)) in the mean of the last five."
    }

    /// What was not protected.
    var unprotected: [String] {
        guard !secure.isEmpty else { return ["Any client's update, against the server and whoever controls it."] }
        return [
            "What the sum and the finished model say by themselves: there is no differential privacy.",
            "The model against members that upload nonsense or poison: nothing proves that an input is sensible.",
            "The run's progress: the server can stop it, and so can members that leave.",
            "Correctness of the sum if the server and a member conspire.",
            "Who took part, when, and with how many bytes.",
            "If all processes ran on one machine, as in scripts/run.sh, these runs show result and cost, and protected "
                + "nobody from the owner of that machine.",
        ]
    }

    /// Says who was missing, in one sentence for each run.
    var dropouts: [String] {
        zip(report.names, runs).map { name, run in
            let rounds = run.rounds.filter { $0.dropouts > 0 }
            guard !rounds.isEmpty else {
                return run.rounds.isEmpty
                    ? "\(name): no round was applied." : "\(name): nobody dropped out; every member was in every sum."
            }
            let list = rounds.prefix(12).map { record -> String in
                let names = record.absent.map { " (\($0.joined(separator: ", ")))" } ?? ""
                return "\(record.dropouts) in round \(record.round)\(names)"
            }.joined(separator: ", ")
            return "\(name): \(list)\(rounds.count > 12 ? " and in \(rounds.count - 12) more" : "")."
        }.map(\.capitalizedFirst)
    }
}

extension String {
    /// The text with a full stop at its end.
    fileprivate var ended: String { hasSuffix(".") ? self : self + "." }
}
