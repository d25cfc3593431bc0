// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc
import Primitives

/// Runs a program's command and ends the process with the exit codes of `ProgramExit`.
///
/// An error becomes one line on standard error; `--verbose` adds its details.
public enum ProgramRunner {
    /// Parses the arguments, runs the command and ends the process.
    public static func run<Root: ParsableCommand>(_ root: Root.Type) async -> Never {
        HeapReserve.keepFreedPages()
        // A reader that closed its end (`| head`) is an error of that write, not the end of a federation.
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        let console = Console.shared
        let code = await outcome(of: root, arguments: arguments, console: console)
        console.status(nil)
        exit(code)
    }

    /// Parses and runs, prints what is to be said, and gives the exit code.
    static func outcome<Root: ParsableCommand>(
        of root: Root.Type, arguments: [String], console: Console
    ) async -> Int32 {
        let name = root._commandName
        let verbose = arguments.contains("--verbose")
        var parsed = false
        do {
            try requireKnownSubcommand(arguments, of: root)
            var command = try root.parseAsRoot(arguments)
            parsed = true
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return ProgramExit.done.rawValue
        } catch {
            // Help is a command of its own, whose error says what to print and that all is well.
            let helps = root.exitCode(for: error) == .success
            if parsed || error is ProgramError, !helps, let failure = programError(for: error) {
                report(failure, name: name, verbose: verbose, console: console)
                return failure.exit.rawValue
            }
            return reportParserError(error, root: root, name: name, verbose: verbose, console: console)
        }
    }

    /// Refuses a mistyped subcommand by its name: the parser would take it for an argument of the default one.
    private static func requireKnownSubcommand<Root: ParsableCommand>(
        _ arguments: [String], of root: Root.Type
    ) throws(ProgramError) {
        let known = root.configuration.subcommands.flatMap { [$0._commandName] + $0.configuration.aliases } + ["help"]
        guard known.count > 1, let word = arguments.first, !word.hasPrefix("-"), !known.contains(word) else { return }
        let meant = Suggestion.nearest(to: word, among: known).map { "did you mean \($0)? " } ?? ""
        throw ProgramError(
            .usage, "there is no subcommand \"\(word)\"", remedy: "\(meant)see \(root._commandName) --help")
    }

    /// Translates what a command threw; nil for the errors that ArgumentParser itself explains.
    static func programError(for error: any Error) -> ProgramError? {
        var result = translated(error)
        let isFull = [ENOSPC, EDQUOT].contains { result?.what.contains(String(cString: strerror($0))) == true }
        if isFull { result?.remedy = "make room on that disk, then run again" }
        return result
    }

    private static func translated(_ error: any Error) -> ProgramError? {
        switch error {
        case let error as ProgramError: error
        case let error as any ProgramErrorConvertible: error.programError
        case is CancellationError: ProgramError(.aborted, "interrupted", remedy: "run it again to continue")
        case is ExitCode, is CleanExit, is ValidationError: nil
        default: ProgramError(.failed, oneLine("\(error)"), details: ["\(String(reflecting: type(of: error)))"])
        }
    }

    private static func report(_ error: ProgramError, name: String, verbose: Bool, console: Console) {
        console.error("\(name): \(error.line)")
        guard verbose else { return }
        for detail in error.details { console.error("  \(oneLine(detail))") }
    }

    /// Prints help and versions on standard output, a mistyped command line as one line on standard error.
    private static func reportParserError<Root: ParsableCommand>(
        _ error: any Error, root: Root.Type, name: String, verbose: Bool, console: Console
    ) -> Int32 {
        let code = root.exitCode(for: error).rawValue
        let message = root.fullMessage(for: error)
        if code == ProgramExit.done.rawValue {
            console.output(message)
        } else if verbose, !message.isEmpty {
            console.error(message)
        } else {
            let line = oneLine(root.message(for: error))
            guard !line.isEmpty else { return code }
            console.error("\(name): \(InvalidValue.explain(line))\(helpHint(in: message).map { "; see \($0)" } ?? "")")
        }
        return code
    }

    /// Finds the command in "See 'program command --help' for more information."
    private static func helpHint(in message: String) -> String? {
        guard let hint = message.split(separator: "\n").last(where: { $0.contains("See '") }),
            let quote = hint.firstIndex(of: "'")
        else { return nil }
        let rest = hint[hint.index(after: quote)...]
        return rest.firstIndex(of: "'").map { String(rest[..<$0]) }
    }
}
