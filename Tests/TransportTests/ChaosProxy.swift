// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `scripts/chaos_proxy.py` as a process: carries connections to a port of this host, the first ones with faults.
final class ChaosProxy: Sendable {
    /// What is done to one connection; the script says what each kind is.
    struct Fault: Encodable {
        let kind: String
        /// `up` from who dialled, or `down` to it.
        var direction = "up"
        /// The byte at which it happens, counted from 0 in this direction.
        var after = 0
        var bit = 0
        /// Bytes a second.
        var rate = 65_536
        var seconds = 0.05
    }

    /// Where it listens.
    let port: Int
    private let process = Process()
    private let log: URL

    /// - Parameter plan: the faults of the first, second, … connection; nil for none.
    init(to target: Int, plan: [Fault?]) async throws {
        log = FileManager.default.temporaryDirectory.appending(path: "summand-chaos-\(UUID().uuidString)")
        try Data().write(to: log)
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../scripts/chaos_proxy.py").standardizedFileURL
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", script.path(percentEncoded: false), "--to", "127.0.0.1:\(target)",
            "--plan", String(decoding: try JSONEncoder().encode(plan), as: UTF8.self),
        ]
        let output = try FileHandle(forWritingTo: log)
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let (log, process) = (log, process)
        _ = try await eventually { !Self.lines(log).isEmpty || !process.isRunning }
        let lines = Self.lines(log)
        port = try #require(lines.first.flatMap { Int($0) }, "the proxy listens: \(lines)")
    }

    /// The faults that have happened, as `1 flip up 70000`, in their order.
    var faults: [String] { Self.lines(log).dropFirst().map(String.init) }

    /// The kinds of the faults that have happened.
    var kinds: [String] { faults.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) } }

    /// A test that failed half way leaves no process that would keep the test runner waiting for the end of its output.
    deinit { close() }

    /// Ends it, and with it every connection.
    func close() {
        // A child inherits the signals that threads of the pool block, SIGTERM among them.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: log)
    }

    /// The whole lines that it has printed.
    private static func lines(_ log: URL) -> [Substring] {
        let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }
}
