// SPDX-License-Identifier: MIT

import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct ScriptTests {
    private static let small = ["3", "1", "--dataset", "synthetic"]

    private func arguments(_ harness: ScriptHarness, _ more: [String] = small) -> [String] {
        more + [
            "--bin", harness.directory.appending(path: "bin").path, "--metrics",
            harness.directory.appending(path: "metrics").path,
        ]
    }

    @Test(arguments: [
        "bench.sh", "chaos.sh", "chaos-network.sh", "discovery.sh", "encodings.sh", "interop.sh", "reference.sh",
        "run.sh", "simulate.sh",
        "standby.sh", "start_clients.sh", "test.sh",
    ]) func helpIsAResult(
        script: String
    )
        async throws
    {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(script, ["--help"])
            #expect(outcome.code == 0)
            #expect(outcome.output.hasPrefix("usage: scripts/\(script)"))
        }
    }

    @Test(arguments: [
        ("run.sh", ["--rounds", "3"], "unknown option --rounds"), ("run.sh", ["2"], "the number of clients must be"),
        ("run.sh", ["4", "0"], "the number of rounds must be"), ("run.sh", ["4", "2", "1"], "unexpected argument"),
        ("run.sh", ["--arithmetic", "x"], "--arithmetic must be"), ("run.sh", ["--seed"], "--seed needs a value"),
        ("run.sh", ["--discovery", "x"], "--discovery must be"),
        ("start_clients.sh", [], "how many clients?"), ("start_clients.sh", ["3", "--arm", "x"], "--arm must be"),
        ("start_clients.sh", ["3", "--arm", "normal", "--metrics", "x"], "--metrics is for --arm smpc"),
        ("test.sh", ["--fast"], "unknown option --fast"), ("bench.sh", ["cores"], "there is no benchmark \"cores\""),
        ("bench.sh", ["--json"], "--json needs a value"), ("bench.sh", ["kernels", "rounds"], "unexpected argument"),
        ("bench.sh", ["--quick", "--update-docs"], "--update-docs needs all rows in full"),
        ("discovery.sh", ["--bin"], "--bin needs a value"), ("discovery.sh", ["--fast"], "unknown option --fast"),
        ("discovery.sh", ["--silent"], "--silent is for --measure"),
        ("simulate.sh", ["--seeds"], "--seeds needs a value"), ("simulate.sh", ["--seed", "x"], "--seed must be"),
        ("interop.sh", ["--bin"], "--bin needs a value"), ("interop.sh", ["2"], "unexpected argument"),
        ("encodings.sh", ["--encodings", "9 10"], "there is no encoding \"10\""),
        ("encodings.sh", ["2"], "the number of clients must be"), ("encodings.sh", ["--fast"], "unknown option --fast"),
        ("standby.sh", ["3"], "the number of clients must be"), ("standby.sh", ["--runs"], "--runs needs a value"),
        ("chaos.sh", ["9"], "the number of clients must be"), ("chaos.sh", ["10", "9", "1"], "unexpected argument"),
        ("chaos.sh", ["--seed"], "--seed needs a value"),
        ("chaos-network.sh", ["0"], "the number of rounds must be"),
        ("chaos-network.sh", ["2", "3"], "unexpected argument"),
        ("reference.sh", ["4", "2", "1"], "unexpected argument"), ("reference.sh", ["--into"], "--into needs a value"),
    ]) func aMistypedCommandLineIsOneLine(script: String, arguments: [String], expected: String) async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(script, arguments)
            #expect(outcome.code == 64)
            #expect(outcome.error.hasPrefix("\(script): \(expected)"))
            #expect(outcome.error.filter { $0 == "\n" }.count == 1)
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func bothArmsRunInOrderAndAreCompared() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run("run.sh", arguments(harness))
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("round 1/1"))
            #expect(outcome.output.contains("the table"))
            let calls = try harness.calls()
            let plain = try #require(calls.firstIndex { $0.hasPrefix("fedavg server") })
            let secure = try #require(calls.firstIndex { $0.hasPrefix("smpc-server run") })
            #expect(plain < secure)
            for part in ["0/3", "1/3", "2/3"] {
                #expect(calls.filter { $0.hasPrefix("smpc-client run") && $0.contains("--part \(part) ") }.count == 1)
                #expect(calls.filter { $0.hasPrefix("fedavg client") && $0.contains("--part \(part) ") }.count == 1)
            }
            #expect(try harness.text("metrics/comparison.txt") == "the table\n")
            #expect(try harness.text("metrics/logs/smpc/site-3.log") == "disk is full\n")
            for arm in ["normal", "smpc"] {
                #expect(try harness.text("metrics/\(arm)/model.safetensors") == "parameters\n")
            }
            #expect(try harness.text("metrics/labels.csv") == "part,label,samples\n")
            #expect(
                calls.contains {
                    $0.hasPrefix("fedavg labels --clients 3 --dataset synthetic --partition iid --seed 1 ")
                })
            #expect(outcome.output.contains("\nreport: \(harness.directory.path)/metrics/report.html\n"))
            #expect(
                !FileManager.default.fileExists(atPath: harness.directory.appending(path: "metrics/state").path))
        }
    }

    @Test func everyEncodingHasALineOfTheTable() async throws {
        try await ScriptHarness.with { harness in
            let record =
                #"{"accuracy":0.8,"bytes_down":{"result":50},"bytes_up":{"partials":100,"upload":200},"#
                + #""error_bound":0.02,"error_measured":1.5e-05,"round":1}"#
            let outcome = try await harness.run(
                "encodings.sh", arguments(harness, ["3", "1", "--encodings", "9"]) + ["--", "--dataset", "synthetic"],
                environment: ["STAND_IN_RECORD": record])
            #expect(outcome.code == 0, "\(outcome.error)")
            let servers = try harness.calls().filter { $0.contains(" --encoding ") }
            #expect(servers.map { $0.hasPrefix("fedavg server") } == [true, false])
            #expect(servers.last?.contains("--encoding 9 ") == true)
            #expect(
                try harness.text("metrics/table.md").hasSuffix(
                    """
                    | plain, float32 | 80.00 % |  | 16.0 | 0 kB | 1.00 | 0 kB | 1.00 | 2.0e-02 | 1.5e-05 |
                    | secure, 9 | 80.00 % | +0.00 | 16.0 | 0 kB | 1.00 | 0 kB | 1.00 | 2.0e-02 | 1.5e-05 |

                    """))
        }
    }

    @Test func theReferenceHasRecordsAndReportAndNoModels() async throws {
        try await ScriptHarness.with { harness in
            let into = harness.directory.appending(path: "reference")
            let outcome = try await harness.run(
                "reference.sh",
                [
                    "3", "1", "--bin", harness.directory.appending(path: "bin").path, "--into", into.path, "--work",
                    harness.directory.appending(path: "work").path, "--", "--dataset", "synthetic",
                ], environment: ["STAND_IN_RECORD": "{}"])
            #expect(outcome.code == 0, "\(outcome.error)")
            let files = try FileManager.default.subpathsOfDirectory(atPath: into.path).sorted()
            #expect(
                files == [
                    "comparison.json", "comparison.txt", "labels.csv", "normal", "normal/rounds.jsonl",
                    "normal/summary.json", "report.html", "smpc", "smpc/rounds.jsonl", "smpc/summary.json",
                ])
            #expect(try harness.calls().suffix(2).allSatisfy { $0.contains(" normal smpc ") })
        }
    }

    @Test func optionsOfTrainingReachBothServers() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh",
                arguments(
                    harness,
                    Self.small + ["--learning-rate", "0.05", "--gamma", "10", "--slots", "all", "--arithmetic", "gmp"]))
            #expect(outcome.code == 0, "\(outcome.error)")
            let servers = try harness.calls().filter { $0.contains("--port-file") }
            #expect(servers.count == 2 && servers.allSatisfy { $0.contains(" --learning-rate 0.05 ") })
            #expect(servers.map { $0.contains(" --gamma 10 ") } == [false, true])
            #expect(servers.map { $0.contains(" --slots all ") } == [false, true])
            // What adds secret vectors concerns every process of the secure arm, and nobody else.
            let runs = try harness.calls().filter {
                ["smpc-server run", "smpc-client run", "fedavg"].contains(where: $0.hasPrefix)
            }
            #expect(runs.allSatisfy { ($0 + " ").contains(" --arithmetic gmp ") == $0.hasPrefix("smpc-") })
        }
    }

    @Test(arguments: [
        ("STAND_IN_COMPARE_CODE", Int32(3)), ("STAND_IN_MEASURE_CODE", 3), ("STAND_IN_SERVER_CODE", 2),
        ("STAND_IN_CLIENT_CODE", 69),
    ]) func anExitCodeIsPassedOn(variable: String, code: Int32) async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run("run.sh", arguments(harness), environment: [variable: "\(code)"])
            #expect(outcome.code == code)
        }
    }

    @Test func theErrorsOfAPackedRunAreMeasuredBeforeTheComparison() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run("run.sh", arguments(harness))
            #expect(outcome.code == 0 && outcome.output.contains("\nmeasured in "), "\(outcome.error)")
            let calls = try harness.calls()
            #expect(calls.first { $0.hasPrefix("smpc-server run") }?.contains(" --keep-models") == true)
            #expect(!calls.contains { $0.hasPrefix("fedavg server") && $0.contains(" --keep-models") })
            let measured = try #require(calls.firstIndex { $0.hasPrefix("fedavg measure") })
            #expect(calls[measured].contains("metrics/smpc --parts 3 --dataset synthetic --partition iid "))
            #expect(calls[..<measured].contains { $0.hasPrefix("smpc-client run") })
            #expect(!calls[..<measured].contains { $0.hasPrefix("smpc-compare") })
        }
    }

    @Test(arguments: [["--encoding", "exact"], ["--no-measure"], ["--arm", "normal"]])
    func whatHasNoErrorOrShallNotBeMeasuredIsNot(options: [String]) async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run("run.sh", arguments(harness, Self.small + options))
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(try !harness.calls().contains { $0.contains("measure") || $0.contains("--keep-models") })
        }
    }

    @Test func anErrorAboveItsBoundIsNamed() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh", arguments(harness), environment: ["STAND_IN_MEASURE_CODE": "3"])
            #expect(outcome.code == 3)
            #expect(outcome.error.hasSuffix("run.sh: the errors of the rounds: the error exceeds its bound\n"))
        }
    }

    @Test func aClientThatFailsIsNamedWithItsLastWord() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh", arguments(harness), environment: ["STAND_IN_CLIENT_CODE": "1"])
            #expect(outcome.error.contains("start_clients.sh: site-2 ended with exit code 1: disk is full\n"))
        }
    }

    @Test func aSiteThatCannotJoinIsNamed() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh", arguments(harness), environment: ["STAND_IN_STRANGER": "site-2"])
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("start_clients.sh: site-2 could not join: token refused\n"))
        }
    }

    @Test func withoutMulticastTheServersAddressIsUsedAndSaid() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh", arguments(harness), environment: ["STAND_IN_MULTICAST": "never"])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("going on with the server's address (--server)"))
            let calls = try harness.calls()
            for program in ["fedavg server", "smpc-server run", "fedavg client", "smpc-client run", "smpc-client join"]
            {
                #expect(calls.contains { $0.hasPrefix(program) && $0.contains("--discovery off") }, "\(program)")
            }
            #expect(calls.contains { $0.hasPrefix("smpc-client run") && $0.contains("--server 127.0.0.1:4711") })
        }
    }

    @Test func multicastThatIsDemandedButDoesNotWorkIsAnError() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh", arguments(harness, Self.small + ["--discovery", "multicast"]),
                environment: ["STAND_IN_MULTICAST": "never"])
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("multicast does not work on lo, nor in a network namespace"))
        }
    }

    @Test(.enabled("where network namespaces may be made") { await ScriptHarness.mayMakeNamespaces() })
    func aNamespaceIsTriedBeforeTheServersAddress() async throws {
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(
                "run.sh", arguments(harness), environment: ["STAND_IN_MULTICAST": "yes"])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("going on in a network namespace"))
            #expect(try !harness.calls().contains { $0.contains("--discovery off") })
        }
    }

    @Test func anInterruptedRunLeavesNoProcessAndIsResumed() async throws {
        try await ScriptHarness.with { harness in
            let run = try harness.start("run.sh", arguments(harness), environment: ["STAND_IN_HANGS": "yes"])
            while run.process.isRunning, try !harness.text("output").contains("3 of 3 clients are up") {
                // The script tells of itself in a file, so it is looked at.
                try await Task.sleep(for: .milliseconds(50))
            }
            run.process.terminate()
            let outcome = try harness.outcome(await run.ended())
            #expect(outcome.code == 130)
            #expect(outcome.output.contains("to continue: scripts/run.sh --resume"))
            for call in try harness.calls() {
                let pid = try #require(call.split(separator: "=").last.flatMap { Int32($0) })
                #expect(kill(pid, 0) != 0, "\(call)")
            }

            let resumed = try await harness.run("run.sh", arguments(harness, ["--resume"]))
            #expect(resumed.code == 0, "\(resumed.error)")
            let calls = try harness.calls()
            #expect(calls.filter { $0.hasPrefix("fedavg server") && $0.contains("--resume") }.count == 1)
            #expect(calls.filter { $0.hasPrefix("smpc-client join") }.count == 6)
        }
    }

    /// bash 5.2 does so by itself too seldom to wait for it.
    @Test func aChildThatBashOverlooksIsAskedForAgain() async throws {
        let lines = """
            asked=0
            wait() {
                [[ $1 != -n ]] || ((asked++ != 1)) || { unset "$3"; return 127; }
                builtin wait "$@"
            }
            reap() {
                local ended='' code=0
                wait_for_any "$@" || code=$?
                echo "code $code of $ended"
            }
            (exit 4) & first=$!
            reap "$first"
            sleep 5 & other=$!
            (exit 5) & second=$!
            reap "$second" "$other"
            kill "$other"
            echo "$first and $second, asked $asked times"
            """
        try await ScriptHarness.with { harness in
            let outcome = try await harness.run(lines: lines)
            let said = try #require(
                outcome.output.firstMatch(of: /code 4 of (\d+)\ncode 5 of (\d+)\n(\d+) and (\d+), asked 3 times/),
                "\(outcome)")
            #expect(said.1 == said.3 && said.2 == said.4)
        }
    }

    @Test func continuousIntegrationRunsTheTestScriptOnly() throws {
        let commands = try PackageRoot.text(".ci/run").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(commands.count == 2)
        #expect(commands.last?.contains("scripts/test.sh") == true)
    }
}
