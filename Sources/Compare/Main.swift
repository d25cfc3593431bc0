// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc
import Reporting

/// Prints runs side by side, judges whether they trained the same model, and writes the report.
@main
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "smpc-compare",
        abstract: "Compares runs: what each produced and cost, and whether they end in the same model.",
        discussion: """
            Each run is the --metrics directory of a server, with rounds.jsonl and summary.json in it:

              smpc-compare metrics/latest/normal metrics/latest/smpc

            Ratios divide the second run by the first. Of more than two runs each is compared with the nearest one \
            before it that has the same clients, data, model and seed.

            The report is one page, report.html, that needs nothing else; beside it lies the directory report with its \
            pictures (SVG and, where rsvg-convert from Debian's librsvg2-bin is installed, PNG) and tables (CSV). A \
            file labels.csv in a run's directory or the one above it, as fedavg labels prints it, becomes a heat map.

            Exit codes: 0 the models are identical in every round (or at least one run is not exact, where this cannot \
            be asked), 1 a run cannot be read, did not apply as many rounds as the other, or the report cannot be \
            written, 3 both are exact and their models differ, or a measured error exceeds its bound although no digit \
            was clamped, 64 usage.
            """,
        version: Release.version)

    @Argument(help: "The directories of two or more runs.", completion: .directory)
    var runs: [String]

    @Option(
        help: "The directory for the report. (default: the one that holds all the runs; with --json no report)",
        completion: .directory)
    var report: String?

    @Flag(help: "Write no report.")
    var noReport = false

    @Flag(help: "Print one JSON object instead of tables.")
    var json = false

    func validate() throws {
        guard runs.count >= 2 else { throw ValidationError("name at least two runs") }
        guard report != "" else { throw ValidationError("--report needs a directory") }
        guard !noReport || report == nil else {
            throw ValidationError("--report and --no-report contradict each other")
        }
    }

    func run() throws {
        let result = try complaining { () throws in
            let records = try runs.map { try RunReader.read(directory: $0) }
            return RunReport(records, labels: try runs.map(RunFolder.labels))
        }
        try complaining { print(json ? try result.json() : result.text, terminator: json ? "\n" : "") }
        var code = Self.worstCode(result)
        if !noReport, report != nil || !json, !write(result) { code = max(code, 1) }
        if code != 0 { throw ExitCode(code) }
    }

    /// The worst of all pairs; a bound that is broken counts for all.
    static func worstCode(_ report: RunReport) -> Int32 {
        let isBoundBroken = report.runs.contains { RoundingError($0)?.exceeded.isEmpty == false }
        return report.pairs.map { pair -> Int32 in
            switch pair.comparison.verdict {
            case .identical, .notExact: isBoundBroken ? 3 : 0
            case .incomplete: isBoundBroken ? 3 : 1
            case .different: 3
            }
        }.max() ?? 0
    }

    /// Writes the report and says where, unless standard output is a JSON object alone.
    private func write(_ result: RunReport) -> Bool {
        do {
            let directory = try report ?? RunFolder.common(runs)
            let renderer = PictureRenderer.installed()
            let page = try ReportFiles(result).write(to: directory, renderer: renderer.map { $0.render })
            if !json { print("\nreport: \(page)") }
            if renderer == nil { Self.say("no PNG pictures: \(PictureRenderer.remedy)") }
            return true
        } catch {
            Self.say("no report: \(error)")
            return false
        }
    }

    private func complaining<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            Self.say("\(error)")
            throw ExitCode(1)
        }
    }

    /// Says what is mistyped in one line, as the other programs do.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            let lines = message(for: error).split(whereSeparator: \.isNewline)
            say("\(lines.joined(separator: " ")); see smpc-compare --help")
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }

    /// Writes one line to standard error.
    private static func say(_ text: String) {
        let line = [UInt8]("smpc-compare: \(text)\n".utf8)
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
}
