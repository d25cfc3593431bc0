// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// The benchmarks, their script and their document agree. Nothing is measured here.
struct BenchmarkTests {
    private static let sources = "Benchmarks/Sources/Benchmarks"

    /// The names of all rows: the string literals of the cases that are words joined by underscores.
    private func names() throws -> Set<String> {
        let folder = PackageRoot.url.appending(path: "\(Self.sources)/Cases")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).reduce(into: []) { names, file in
            let text = try PackageRoot.text("\(Self.sources)/Cases/\(file)")
            names.formUnion(text.matches(of: /"([a-z0-9]+(?:_[a-z0-9]+)+)"/).map { String($0.1) })
        }
    }

    /// The lines between the markers that the program looks for.
    private func table() throws -> [[String]] {
        let markers = try PackageRoot.text("\(Self.sources)/Document.swift").matches(of: /"(<!-- .* -->)"/)
            .map { String($0.1) }
        try #require(markers.count == 2)
        let text = try PackageRoot.text("docs/PERFORMANCE.md")
        let parts = text.components(separatedBy: markers[0])
        try #require(parts.count == 2, "docs/PERFORMANCE.md has not one line \(markers[0])")
        let inner = parts[1].components(separatedBy: markers[1])
        try #require(inner.count == 2, "docs/PERFORMANCE.md has not one line \(markers[1])")
        return inner[0].split(separator: "\n").filter { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    @Test func theTableHasARowOfEveryBenchmark() throws {
        let rows = try table().dropFirst(2)
        #expect(try Set(rows.compactMap(\.first)) == Set(names().map { "`\($0)`" }))
    }

    @Test func theTableHasTheColumnsOfTheProgram() throws {
        let source = try PackageRoot.text("\(Self.sources)/Table.swift")
        let list = try #require(source.components(separatedBy: "titles = [").dropFirst().first)
            .components(separatedBy: "]")[0]
        let titles = list.matches(of: /"([^"]+)"/).map { String($0.1) }
        #expect(titles.count > 5)
        #expect(try table().first == titles)
        for row in try table() { #expect(row.count == titles.count) }
    }

    @Test func theScriptPassesOnlyOptionsThatTheProgramTakes() throws {
        let taken = try PackageRoot.text("\(Self.sources)/Options.swift").matches(of: /case "(--[a-z]+)"/)
            .map { String($0.1) }
        let passed = try PackageRoot.text("scripts/bench.sh").split(separator: "\n")
            .flatMap { $0.matches(of: /arguments\+?=\((--[a-z]+)/).map { String($0.1) } }
        #expect(passed.count > 5)
        #expect(Set(passed).isSubset(of: taken))
    }

    @Test func theHelpNamesEveryOptionOfTheScript() async throws {
        let script = try PackageRoot.text("scripts/bench.sh")
        let loop = try #require(script.components(separatedBy: "while (($#)); do").dropFirst().first)
            .components(separatedBy: "\ndone")[0]
        let options = loop.matches(of: /--[a-z][a-z-]+/).map { String($0.0) }
        try await ScriptHarness.with { harness in
            let help = try await harness.run("bench.sh", ["--help"]).output
            for option in Set(options) { #expect(help.contains("  \(option) ") || help.contains(", \(option) ")) }
        }
    }

    @Test(arguments: ["rounds", "peers"]) func whatIsToComeSaysSo(what: String) async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run("bench.sh", [what])
            #expect(outcome.code == 69)
            #expect(outcome.error == "bench.sh: \(what) are to come; what there is: kernels, channel\n")
        }
    }

    /// With stand-ins for the compiler and for the program that it would build.
    @Test func theOptionsReachTheProgramWithPathsOfTheCaller() async throws {
        try await ScriptHarness.with { harness in
            let programs = harness.directory.appending(path: "bin")
            let (swift, program) = (programs.appending(path: "swift"), programs.appending(path: "Benchmarks"))
            try """
            #!/bin/sh
            case "$*" in
                --version) echo "Swift version 6.2 (test)" ;;
                *--show-bin-path*) echo "\(programs.path)" ;;
            esac
            """.write(to: swift, atomically: true, encoding: .utf8)
            try "#!/bin/sh\nfor argument; do echo \"<$argument>\"; done; exit 1\n"
                .write(to: program, atomically: true, encoding: .utf8)
            for file in [swift, program] {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
            }
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let outcome = try await harness.run(
                "bench.sh", ["--only", "a", "--json", "/tmp/x/../rows.json", "--check", "--only", "b"],
                environment: ["PATH": "\(programs.path):\(path)"])
            #expect(outcome.code == 1, "\(outcome.error)")
            let arguments = outcome.output.split(separator: "\n").map(String.init)
            #expect(arguments.prefix(3) == ["<--compiler>", "<Swift version 6.2>", "<--commit>"])
            #expect(
                arguments.dropFirst(4) == [
                    "<--json>", "</tmp/rows.json>", "<--only>", "<a>", "<--only>", "<b>", "<--check>",
                ])
        }
    }
}
