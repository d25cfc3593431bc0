// SPDX-License-Identifier: MIT

extension ReportPage {
    var overview: Markup {
        let head = report.names.map { "<th scope=\"col\">\($0)</th>" as Markup }.joined()
        let rows = Overview(report.runs).rows.map { row -> Markup in
            let cells = report.runs.indices.map { run -> Markup in
                guard let numbers = row.numbers else { return "<td>\(row.texts[run])</td>" }
                let ratio: Markup? = report.pair(of: run).map {
                    "<small>× \(Overview.ratio(numbers[run], to: numbers[$0.reference]))</small>"
                }
                return "<td><data value=\"\("\(numbers[run])")\">\(row.texts[run])</data>\(ratio ?? "")</td>"
            }
            return "<tr><th scope=\"row\">\(row.label)</th>\(cells.joined())</tr>\n"
        }
        return """
            <h2>All figures</h2>
            <div class="panel scroll" tabindex="0" role="region" aria-label="All figures">
            <table id="overview"><thead><tr><td></td>\(head)</tr></thead>
            <tbody>
            \(rows.joined())</tbody></table></div>
            """
    }

    /// All pairs in one table: what each second run cost as a multiple of the first.
    var pairsTable: Markup {
        let table = DataTable(
            header: [
                "run", "against", "bits a parameter", "accuracy, points", "the same, last five", "bytes sent",
                "bytes received",
                "aggregation",
            ],
            rows: report.pairs.map { pair in
                let (base, run) = (pair.comparison.first, pair.comparison.second)
                func times(_ value: (RunSummary) -> Double) -> String {
                    "× " + Overview.ratio(value(run.summary), to: value(base.summary), decimals: 2)
                }
                func recent(_ run: RunRecords) -> Double { mean(run.rounds.suffix(5).map(\.accuracy)) }
                return [
                    report.names[pair.run], report.names[pair.reference],
                    ReportWords.bitsPerParameter(run).map { NumberText.fixed($0, 1) } ?? "–",
                    ValueFormat.points.text(run.summary.accuracy - base.summary.accuracy),
                    ValueFormat.points.text(recent(run) - recent(base)), times(\.bytesUpPerClientRound),
                    times(\.bytesDownPerClientRound), times(\.aggregationSecondsPerRound),
                ]
            })
        return "<div class=\"panel\" id=\"pairs\">\(self.table(table, caption: "What each run cost"))</div>\n"
    }

    /// One table for each pair: what both models were after each round.
    var rounds: Markup {
        report.pairs.map { pair -> Markup in
            let names = [report.names[pair.reference], report.names[pair.run]]
            let table = DataTable(
                header: ["round", "params_hash \(names[0])", "params_hash \(names[1])", "same model"],
                rows: pair.comparison.rounds.map { round in
                    ["\(round.round)"]
                        + [round.first, round.second].map { $0.map { "\($0.paramsHash.prefix(16))…" } ?? "–" }
                        + [pair.comparison.sameModelWord(round) ?? "–"]
                })
            return """
                <div class="panel"><h3>\("\(names[1]) against \(names[0]), to the bit".capitalizedFirst)</h3>
                <p>\(ComparisonTable(pair.comparison).verdictText).</p>
                <details><summary>Hashes of every round</summary>
                \(self.table(table, caption: "Hashes of the parameters"))
                </details></div>

                """
        }.joined()
    }

    func table(_ table: DataTable, caption: String) -> Markup {
        let head = table.header.map { "<th scope=\"col\">\($0)</th>" as Markup }.joined()
        let shown = table.rows.prefix(Self.rowsMax)
        let rows = shown.map { row -> Markup in
            let cells = row.dropFirst().map { "<td>\($0)</td>" as Markup }.joined()
            return "<tr><th scope=\"row\">\(row.first ?? "")</th>\(cells)</tr>\n"
        }
        let rest: Markup =
            table.rows.count > shown.count
            ? "<p class=\"muted\">The first \(shown.count) of \(table.rows.count) rows; the records have them all.</p>"
            : ""
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption)">
            <table><thead><tr>\(head)</tr></thead>
            <tbody>
            \(rows.joined())</tbody></table></div>\(rest)
            """
    }

    var footer: Markup {
        let links = files.map { "<a href=\"\(Self.link($0))\">\($0)</a>" as Markup }.joined(separator: " · ")
        let beside: Markup = files.isEmpty ? "" : "<p class=\"files\">Beside this page: \(links)</p>"
        let directories = zip(report.names, report.runs).map { name, run in
            "<li>\(name): <code>\(run.directory)</code></li>" as Markup
        }
        return """
            <footer>
            <h2>Where this comes from</h2>
            <p>Everything here is derived from <code>rounds.jsonl</code> and <code>summary.json</code> of these runs, \
            by <code>smpc-compare</code>; <code>metrics/README.md</code> explains every key.</p>
            <ul>\(directories.joined())</ul>
            \(beside)
            </footer>
            """
    }

    /// Encodes what a relative reference may not contain (RFC 3986, section 3.3).
    static func link(_ path: String) -> String {
        path.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            return isPlain || "-._~/".unicodeScalars.contains(scalar)
                ? String(Character(scalar)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
