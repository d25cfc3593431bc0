// SPDX-License-Identifier: MIT

import ArgumentParser
import Logging

/// Lets the user choose how a program speaks.
public struct OutputOptions: ParsableArguments {
    /// Prints one JSON object per line on standard output.
    @Flag(help: "Print one JSON object per line instead of text.")
    public var json = false

    /// Leaves out progress.
    @Flag(help: "Print only results and errors.")
    public var quiet = false

    /// Adds logs and the details of errors.
    @Flag(help: "Log more, and print the details of an error.")
    public var verbose = false

    /// Makes the options with nothing set.
    public init() {}

    /// Refuses combinations that contradict each other.
    public func validate() throws {
        if quiet && (verbose || json) {
            throw ValidationError("--quiet cannot be combined with --\(json ? "json" : "verbose")")
        }
    }

    /// Gives the reporter of progress in the chosen style.
    public func progress(console: Console = .shared) -> Progress {
        Progress(style: json ? .json : quiet ? .quiet : .text, console: console)
    }

    /// Makes a logger on standard error: errors when quiet, debug when verbose, otherwise from `warning` up.
    public func logger(label: String, console: Console = .shared) -> Logger {
        let level: Logger.Level = quiet ? .error : verbose ? .debug : .warning
        return Logger(label: label) { ConsoleLogHandler(label: $0, level: level, console: console) }
    }
}
