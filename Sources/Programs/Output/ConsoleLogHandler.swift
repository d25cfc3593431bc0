// SPDX-License-Identifier: MIT

import FoundationEssentials
import Logging

/// Prints log entries on standard error: time, level, constant message, then metadata in key order.
public struct ConsoleLogHandler: LogHandler {
    private let label: String
    private let console: Console
    /// The lowest level that is printed.
    public var logLevel: Logger.Level
    /// The metadata that every entry carries.
    public var metadata: Logger.Metadata = [:]

    /// Makes a handler for a logger of this label.
    public init(label: String, level: Logger.Level, console: Console = .shared) {
        self.label = label
        self.console = console
        logLevel = level
    }

    /// Reads or sets one key of the metadata that every entry carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Prints one entry as one line.
    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = all.keys.sorted().map { " \($0)=\(quoted("\(all[$0] ?? "")"))" }.joined()
        let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        console.error("\(time) \(colored(event.level)) \(label): \(oneLine("\(event.message)"))\(pairs)")
    }

    /// Puts values with spaces or quotes between quotes, so that a line can be taken apart again.
    private func quoted(_ value: String) -> String {
        let line = oneLine(value)
        guard line.isEmpty || line.contains(where: { $0.isWhitespace || $0 == "\"" || $0 == "=" }) else { return line }
        return "\"" + line.replacing("\"", with: "\\\"") + "\""
    }

    private func colored(_ level: Logger.Level) -> String {
        guard console.colors else { return level.rawValue }
        switch level {
        case .critical, .error: return "\u{1B}[31m\(level.rawValue)\u{1B}[0m"
        case .warning: return "\u{1B}[33m\(level.rawValue)\u{1B}[0m"
        default: return level.rawValue
        }
    }
}
