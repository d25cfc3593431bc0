// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc
import Reporting

/// Prints two runs side by side and judges whether they trained the same model.
@main
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "smpc-compare",
        abstract: "Compares two runs: what each produced and cost, and whether both end in the same model.",
        discussion: """
            Each run is the --metrics directory of a server, with rounds.jsonl and summary.json in it:

              smpc-compare metrics/latest/normal metrics/latest/smpc

            Ratios divide the second run by the first. Exit codes: 0 the models are identical in every round (or at \
            least one run is not exact, where this cannot be asked), 1 a run cannot be read or did not apply as many \
            rounds as the other, 3 both are exact and their models differ, 64 usage.
            """)

    @Argument(help: "The directory of the first run.", completion: .directory)
    var first: String

    @Argument(help: "The directory of the second run.", completion: .directory)
    var second: String

    @Flag(help: "Print one JSON object instead of tables.")
    var json = false

    func run() throws {
        let comparison = Comparison(try read(first), try read(second))
        let table = ComparisonTable(comparison)
        print(json ? try table.json() : table.text, terminator: json ? "\n" : "")
        switch comparison.verdict {
        case .identical, .notExact: return
        case .incomplete: throw ExitCode(1)
        case .different: throw ExitCode(3)
        }
    }

    private func read(_ directory: String) throws -> RunRecords {
        do {
            return try RunReader.read(directory: directory)
        } catch {
            Self.complain("\(error)")
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
            complain(
                "\(message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")); see smpc-compare --help"
            )
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }

    private static func complain(_ text: String) {
        let line = [UInt8]("smpc-compare: \(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
