// SPDX-License-Identifier: MIT

import Foundation
import Identity

@testable import SMPCClient

/// A site whose program runs in a process of its own, with a state directory that is removed at the end.
final class TestSite: Sendable {
    let directory: SiteDirectory
    let part: String

    init(part: Int, of count: Int) {
        directory = SiteDirectory(
            FileManager.default.temporaryDirectory.appending(path: "site-\(UUID().uuidString)").path)
        self.part = "\(part)/\(count)"
    }

    deinit { try? FileManager.default.removeItem(atPath: directory.path) }

    /// Joins with a token; gives the exit code.
    func join(_ token: InvitationToken, port: Int) async throws -> Int32 {
        let input = Pipe()
        let process = try launch(["join"], port: port, input: input)
        input.fileHandleForWriting.write(Data("\(token.exposedText())\n".utf8))
        try input.fileHandleForWriting.close()
        return await Self.exitCode(of: process)
    }

    /// Waits without holding one of the threads that tasks share: the server that the process talks to needs them.
    static func exitCode(of process: Process) async -> Int32 {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                process.waitUntilExit()
                continuation.resume(returning: process.terminationStatus)
            }
        }
    }

    /// Begins to run; `trace` are the words before the command, such as those of strace.
    func run(port: Int, trace: [String] = [], errors: Any = FileHandle.standardError) throws -> Process {
        try launch(
            [
                "run", "--dataset", "synthetic:600,12,4", "--part", part, "--listen", "127.0.0.1:0", "--rejoin-wait",
                "30s",
            ], port: port, trace: trace, errors: errors)
    }

    private func launch(
        _ arguments: [String], port: Int, input: Any = FileHandle.nullDevice, trace: [String] = [],
        errors: Any = FileHandle.standardError
    ) throws -> Process {
        // The programs lie beside the test runner.
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "smpc-client")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            trace + [program.path] + arguments + [
                "--state", directory.path, "--server", "127.0.0.1:\(port)", "--discovery", "off", "--quiet",
            ]
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        return process
    }

    /// The bytes of the model file.
    var model: Data? { FileManager.default.contents(atPath: directory.model) }
}
