// SPDX-License-Identifier: MIT

import Foundation

/// A program of the package as a process of its own, its output in a file.
final class RunningProgram {
    let process = Process()
    let log: URL
    private let handle: FileHandle

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - name: the product's name, such as `smpc-server`.
    ///   - log: where standard output and standard error go.
    ///   - prefix: a command, by its path, that runs the program, such as nsenter with its options.
    ///   - environment: what the program finds besides that of the tests.
    convenience init(
        _ name: String, _ arguments: [String], log: URL, input: URL? = nil, prefix: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        let program = try Self.directory().appendingPathComponent(name).path
        try self.init(command: prefix + [program] + arguments, log: log, input: input, environment: environment)
    }

    /// Starts a command, which begins with the path of a program.
    init(command: [String], log: URL, input: URL? = nil, environment: [String: String] = [:]) throws {
        self.log = log
        try Data().write(to: log)
        handle = try FileHandle(forWritingTo: log)
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"]
        ) { $1 }.merging(environment) { $1 }
        // The child inherits the mask of this thread, and the threads of a test block all signals.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    /// What it has printed.
    var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// Ends it as a power failure would, and waits until it is gone.
    func kill() async {
        if process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
        _ = await end(within: .seconds(10))
    }

    /// Sends it a signal, if it still runs.
    func send(_ signal: Int32) {
        if process.isRunning { _ = Foundation.kill(process.processIdentifier, signal) }
    }

    /// Waits for its end and returns its exit code, or nil when it runs on.
    func end(within limit: Duration) async -> Int32? {
        let deadline = ContinuousClock.now + limit
        while process.isRunning {
            // The only way to wait for a process without blocking a thread of the pool is to look again.
            try? await Task.sleep(for: .milliseconds(20))
            if ContinuousClock.now > deadline { return nil }
        }
        return process.terminationStatus
    }

    /// Where the programs of this build are: beside the bundle of the tests.
    static func directory() throws -> URL {
        if let bundle = CommandLine.arguments.first(where: { $0.contains(".xctest") }) {
            let path = bundle.components(separatedBy: ".xctest")[0]
            return URL(fileURLWithPath: path).deletingLastPathComponent()
        }
        throw CocoaError(.fileNoSuchFile)
    }
}

/// Waits until something holds; false when it did not within the limit.
func eventually(within limit: Duration, _ condition: () throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while try !condition() {
        if ContinuousClock.now > deadline { return false }
        // What is awaited happens in other processes, which give no sign that could be waited for.
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}
