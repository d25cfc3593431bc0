// SPDX-License-Identifier: MIT

import Foundation
import Reporting
import Testing

/// What `--help` says of every program and subcommand.
@Suite struct HelpTests {
    static let commands: [(program: String, words: [String])] =
        [
            ("smpc-server", []), ("smpc-client", []), ("fedavg", []), ("smpc-compare", []),
        ]
        + [
            "init", "invite", "members", "revoke", "run", "status", "rounds", "doctor", "requests", "certify",
            "passphrase", "authority",
        ].map { ("smpc-server", [$0]) }
        + ["show", "roll", "retire"].map { ("smpc-server", ["authority", $0]) }
        + ["join", "run", "status", "doctor"].map { ("smpc-client", [$0]) }
        + [["members", "list"], ["members", "confirm"], ["base", "release"]].map { ("smpc-client", $0) }
        + ["server", "client", "labels", "measure"].map { ("fedavg", [$0]) }

    private func help(_ program: String, _ words: [String]) async throws -> String {
        let log = FileManager.default.temporaryDirectory.appending(path: "help-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: log) }
        let running = try RunningProgram(program, words + ["--help"], log: log)
        #expect(await running.end(within: .seconds(30)) == 0)
        return running.output
    }

    @Test(arguments: commands)
    func everyCommandHasAPurposeAnExampleAndItsExitCodes(program: String, words: [String]) async throws {
        let text = try await help(program, words)
        #expect(text.hasPrefix("OVERVIEW: "))
        #expect(text.contains("\n  \(program) "), "an example stands in a line of its own")
        #expect(text.contains("Exit codes: 0 "))
        #expect(text.contains("64 usage"))
    }

    /// Flags that are off have no default to tell.
    @Test(arguments: commands)
    func everyOptionSaysWhatItIsAndWhatItIsWithoutIt(program: String, words: [String]) async throws {
        let text = try await help(program, words)
        let optional: Set = ["--init", "--metrics", "--port-file", "--out", "--data", "--label"]
        let required: Set = ["--clients", "--federation", "--parts", "--seed"]
        let entries = text.components(separatedBy: "\n  --").dropFirst().map { "--\($0)" }
        for entry in entries {
            let words = entry.split(whereSeparator: \.isWhitespace)
            let name = String(words[0])
            guard words.count > 1, words[1].hasPrefix("<"), !optional.contains(name), !required.contains(name) else {
                continue
            }
            #expect(entry.contains("(default:"), "\(program): \(entry)")
        }
    }

    @Test(arguments: ["smpc-server", "smpc-client", "fedavg", "smpc-compare"])
    func everyProgramSaysWhichReleaseItIs(program: String) async throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "version-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: log) }
        let running = try RunningProgram(program, ["--version"], log: log)
        #expect(await running.end(within: .seconds(30)) == 0)
        #expect(running.output == "\(Release.version)\n")
    }

    @Test func everySubcommandIsHere() async throws {
        for program in ["smpc-server", "smpc-client", "fedavg"] {
            let text = try await help(program, [])
            let list = try #require(text.components(separatedBy: "SUBCOMMANDS:\n").last)
            let named = list.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
                .compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0 != "See" }
            let known = Set(Self.commands.filter { $0.program == program }.compactMap(\.words.first))
            #expect(Set(named) == known, "\(program)")
        }
    }
}
