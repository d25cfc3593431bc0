// SPDX-License-Identifier: MIT

import Foundation

/// Runs `avahi.sh` and reads what it prints.
final class Avahi: Sendable {
    private let process: Process
    private let input: Pipe
    private let outputPath: URL

    private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "avahi.sh")

    /// Whether this system has Avahi, D-Bus and mount namespaces; where it has not, standard error says which.
    static let isUsable: Bool = {
        let process = Process()
        process.executableURL = script
        process.arguments = ["--check"]
        do {
            try process.run()
        } catch {
            return false
        }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    init(federation: String) throws {
        process = Process()
        input = Pipe()
        outputPath = FileManager.default.temporaryDirectory.appending(path: "avahi-\(UUID().uuidString).txt")
        try Data().write(to: outputPath)
        process.executableURL = Self.script
        process.arguments = [federation]
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: outputPath)
        try process.run()
    }

    /// The lines of `avahi-browse` so far, each as its fields: event, interface, protocol, name, type, domain, and in
    /// an event "=" host, address, port, text.
    var lines: [[String]] {
        let text = (try? String(contentsOf: outputPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { $0.split(separator: ";").map(String.init) }
    }

    /// Ends the script's input, upon which it ends all it started, and waits for it.
    func stop() throws {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        try FileManager.default.removeItem(at: outputPath)
    }
}
