// SPDX-License-Identifier: MIT

import Foundation

/// Runs the repository's scripts with stand-ins for the programs, which only play their parts in the shell.
struct ScriptHarness {
    let directory: URL

    struct Outcome {
        let code: Int32
        let output: String
        let error: String
    }

    /// Runs the body with a directory of its own, removed afterwards.
    static func with(_ body: (ScriptHarness) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "scripts-\(UUID().uuidString)")
        let programs = directory.appending(path: "bin")
        try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for name in ["smpc-server", "smpc-client", "fedavg", "smpc-compare"] {
            let path = programs.appending(path: name)
            try standIn.write(to: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.path)
        }
        try await body(ScriptHarness(directory: directory))
    }

    /// Says whether this user may make network namespaces here.
    static func mayMakeNamespaces() async -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["unshare", "-rn", "true"]
        process.standardError = FileHandle.nullDevice
        return await (try? RunningProcess(process))?.ended() == 0
    }

    /// Runs a script to its end.
    func run(_ script: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> Outcome {
        try outcome(await start(script, arguments, environment: environment).ended())
    }

    /// Runs lines of bash behind what the scripts share.
    func run(lines: String) async throws -> Outcome {
        let common = PackageRoot.url.appending(path: "scripts/common.sh").path
        return try outcome(await bash(["-c", "set -euo pipefail\n. \"$0\"\n\(lines)", common]).ended())
    }

    /// Starts a script; its output goes to files.
    func start(
        _ script: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> RunningProcess {
        try bash(
            [PackageRoot.url.appending(path: "scripts/\(script)").path] + arguments, environment: environment)
    }

    private func bash(_ arguments: [String], environment: [String: String] = [:]) throws -> RunningProcess {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["bash"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging([
            "STAND_IN_CALLS": directory.appending(path: "calls").path
        ]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try handle("output")
        process.standardError = try handle("error")
        return try RunningProcess(process)
    }

    func outcome(_ code: Int32) throws -> Outcome {
        Outcome(code: code, output: try text("output"), error: try text("error"))
    }

    /// Gives one line per call of a stand-in: its name, arguments and process.
    func calls() throws -> [String] {
        try text("calls").split(separator: "\n").map(String.init)
    }

    func text(_ path: String) throws -> String {
        let url = directory.appending(path: path)
        return FileManager.default.fileExists(atPath: url.path) ? try String(contentsOf: url, encoding: .utf8) : ""
    }

    private func handle(_ name: String) throws -> FileHandle {
        let url = directory.appending(path: name)
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    /// Answers like the program under whose name it is called, as far as the scripts can see.
    private static let standIn = """
        #!/usr/bin/env bash
        set -eu
        name=$(basename "$0")
        echo "$name $* pid=$$" >>"$STAND_IN_CALLS"
        arguments=("$@")
        option() {
            local i
            for ((i = 0; i < ${#arguments[@]}; i++)); do
                if [[ ${arguments[i]} == "$1" ]]; then echo "${arguments[i + 1]}"; return; fi
            done
        }
        case "$name ${1:-}" in
            "smpc-server init") mkdir "$(option --state)" ;;
            "smpc-server invite")
                shift
                while [[ $1 != --* ]]; do echo token >"$(option --out)/$1.token"; shift; done ;;
            "smpc-client probe-multicast")
                [[ ${STAND_IN_MULTICAST:-works} == works || ${IN_NAMESPACE:-} == "$STAND_IN_MULTICAST" ]] ;;
            "smpc-client join")
                if [[ $(option --state) == */${STAND_IN_STRANGER:-none} ]]; then echo "token refused"; exit 1; fi
                mkdir "$(option --state)" ;;
            "smpc-server run" | "fedavg server")
                echo 4711 >"$(option --port-file)"
                echo "round 1/1"
                [[ -z ${STAND_IN_HANGS:-} ]] || exec sleep 600
                mkdir -p "$(option --metrics)"
                printf '{\\n  "outcome" : "completed",\\n  "parameters" : 100\\n}\\n' >"$(option --metrics)/summary.json"
                [[ -z ${STAND_IN_RECORD:-} ]] || echo "$STAND_IN_RECORD" >"$(option --metrics)/rounds.jsonl"
                echo parameters >"$(option --state)/model.safetensors"
                sleep 0.3
                exit "${STAND_IN_SERVER_CODE:-0}" ;;
            "smpc-client run" | "fedavg client")
                [[ -z ${STAND_IN_HANGS:-} ]] || exec sleep 600
                echo "disk is full"
                [[ $(option --part) != 1/* ]] || exit "${STAND_IN_CLIENT_CODE:-0}" ;;
            "fedavg measure")
                echo "round 1  error"
                [[ -z ${STAND_IN_MEASURE_CODE:-} ]] || echo "the error exceeds its bound" >&2
                exit "${STAND_IN_MEASURE_CODE:-0}" ;;
            "fedavg labels") echo "part,label,samples" ;;
            smpc-compare*)
                report=$(option --report)
                [[ -z $report ]] || echo "<html>" >"$report/report.html"
                echo "the table"
                exit "${STAND_IN_COMPARE_CODE:-0}" ;;
            *) exit 64 ;;
        esac
        """
}
