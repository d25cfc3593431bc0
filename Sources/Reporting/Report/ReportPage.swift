// SPDX-License-Identifier: MIT

/// Writes the report as one HTML page that asks nobody for anything: no script, font, picture or style from elsewhere.
///
/// The content security policy forbids it, too, so that not even a mistake here could make a request.
struct ReportPage: Sendable {
    let report: RunReport
    let words: ReportWords
    let pictures: [Picture]
    let files: [String]

    /// How many rows a table under a chart has at most.
    static let rowsMax = 200

    /// - Parameter files: the names of what lies beside the page, to be linked.
    init(_ report: RunReport, pictures: [Picture], files: [String] = []) {
        self.report = report
        self.files = files
        self.pictures = pictures
        words = ReportWords(report: report)
    }

    var html: String {
        let page: Markup = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
            img-src data:; base-uri 'none'; form-action 'none'">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="data:,">
            <title>\(title)</title>
            <style>
            \(Markup(verbatim: PageStyle.css))
            </style>
            </head>
            <body>
            \(header)
            <main>
            \(cards)
            \(meaning)
            \(figures)
            \(overview)
            \(rounds)
            </main>
            \(footer)
            </body>
            </html>

            """
        return page.text
    }

    private var title: String {
        let arms = Set(report.runs.map(\.summary.description.arm))
        switch (arms.count, report.runs.count) {
        case (2, 2): return "Plain and secure training, compared"
        case (2, _): return "Plain and secure runs, compared"
        case (_, 1): return "One run"
        default: return "\(report.runs.count) runs, compared"
        }
    }

    private var header: Markup {
        let descriptions = report.runs.map(\.summary.description)
        func common(_ text: (RunDescription) -> String) -> String? {
            let values = Set(descriptions.map(text))
            return values.count == 1 ? values.first : nil
        }
        let facts = [
            common(\.dataset), common { "partition \($0.partition)" }, common { "model \($0.model)" },
            common { "\($0.clients) clients" }, common { "encoding \($0.encodingWord)" }, common { "seed \($0.seed)" },
            report.runs.map(\.summary.description.startedAt).min().map { "begun \($0)" },
        ]
        let warnings = words.warnings.map { "<p class=\"warning\">\($0)</p>\n" as Markup }.joined()
        return """
            <header>
            <h1>\(title)</h1>
            <p class="muted">\(facts.compactMap { $0 }.joined(separator: " · "))</p>
            <p class="verdict \(words.mood)">\(words.headline)</p>
            \(warnings)</header>
            """
    }

    /// So many pairs have their figures on cards; of more there is a table.
    static let cardsMax = 3

    private var cards: Markup {
        guard report.pairs.count <= Self.cardsMax else { return pairsTable }
        return report.pairs.map { pair in
            let (base, run) = (report.runs[pair.reference].summary, report.runs[pair.run].summary)
            let (before, after) = (report.names[pair.reference], report.names[pair.run])
            let heading: Markup =
                report.pairs.count == 1 ? "" : "<h2>\("\(after) against \(before)".capitalizedFirst)</h2>\n"
            let quotients: [(String, Double, Double, (Double) -> String)] = [
                ("bytes sent", base.bytesUpPerClientRound, run.bytesUpPerClientRound, NumberText.bytes),
                ("bytes received", base.bytesDownPerClientRound, run.bytesDownPerClientRound, NumberText.bytes),
                (
                    "aggregation time", base.aggregationSecondsPerRound, run.aggregationSecondsPerRound,
                    NumberText.seconds
                ),
            ]
            let accuracy = ValueFormat.points.text(run.accuracy - base.accuracy)
            let first: Markup = """
                <div class="card"><span>accuracy, points</span><strong>\(accuracy == "0" ? "± 0" : accuracy)</strong>\
                <span>\(NumberText.percent(base.accuracy)) \(before)<br>\
                \(NumberText.percent(run.accuracy)) \(after)</span></div>

                """
            let others = quotients.map { name, before, after, text -> Markup in
                let ratio = Overview.ratio(after, to: before, decimals: 2)
                return """
                    <div class="card"><span>\(name)</span><strong>\(ratio == "-" ? "–" : "× \(ratio)")</strong>\
                    <span>\(text(before)) \(report.names[pair.reference])<br>\
                    \(text(after)) \(report.names[pair.run])</span></div>

                    """
            }.joined()
            return "\(heading)<div class=\"cards\">\n\(first)\(others)</div>\n"
        }.joined()
    }

    private var meaning: Markup {
        func list(_ title: String, _ items: [String]) -> Markup {
            "<section><h3>\(title)</h3><ul>\(items.map { "<li>\($0)</li>" as Markup }.joined())</ul></section>\n"
        }
        return """
            <h2>What this means</h2>
            <div class="words">
            \(list("What was protected", words.protected))\(list("What it cost", words.cost))\
            \(list("What was not protected", words.unprotected))</div>
            """
    }

    private var figures: Markup {
        let all = pictures.map { picture -> Markup in
            """
            <figure id="\(picture.name)"><h3>\(picture.title)</h3>
            \(classed("form-wide", picture.element(width: Picture.wide, id: "\(picture.name)-w")))
            \(classed("form-narrow", picture.element(width: Picture.narrow, id: "\(picture.name)-n")))
            <figcaption>\(picture.description)</figcaption>
            <details><summary>Figures as a table</summary>
            \(table(picture.chart.table, caption: picture.title))
            </details></figure>

            """
        }
        return "<h2>Round by round</h2>\n<div class=\"grid\">\n\(all.joined())\(presence)\n</div>"
    }

    /// Gives the root element of a picture a class.
    private func classed(_ name: String, _ svg: Markup) -> Markup {
        Markup(verbatim: "<svg class=\"\(name)\"" + svg.text.dropFirst("<svg".count))
    }

    private var presence: Markup {
        """
        <div class="panel"><h3>Who was in the sums</h3>\(words.dropouts.map { "<p>\($0)</p>" as Markup }.joined())</div>
        """
    }
}
