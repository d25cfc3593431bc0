// SPDX-License-Identifier: MIT

import FoundationEssentials
import Glibc
import Synchronization

/// Owns standard output and standard error, so that lines never break into a status line that is being redrawn.
public final class Console: Sendable {
    /// The console of this process.
    public static let shared = Console()

    /// Says whether standard output is a terminal that can redraw a line.
    public let redraws: Bool
    /// Says whether standard error may carry colors: a terminal, and `NO_COLOR` unset or empty.
    public let colors: Bool

    private let columns: @Sendable () -> Int
    private let write: @Sendable (Stream, String) -> Void
    private let state = Mutex("")

    enum Stream: Sendable {
        case output
        case error
    }

    /// Opens the console of the process.
    private convenience init() {
        let environment = ProcessInfo.processInfo.environment
        let dumb = environment["TERM"] == "dumb"
        self.init(
            redraws: isatty(STDOUT_FILENO) == 1 && !dumb,
            colors: isatty(STDERR_FILENO) == 1 && !dumb && (environment["NO_COLOR"] ?? "").isEmpty,
            columns: Self.terminalColumns
        ) { stream, text in
            Self.writeAll([UInt8](text.utf8), to: stream == .output ? STDOUT_FILENO : STDERR_FILENO)
        }
    }

    /// Makes a console over any pair of streams.
    init(
        redraws: Bool, colors: Bool, columns: @escaping @Sendable () -> Int,
        write: @escaping @Sendable (Stream, String) -> Void
    ) {
        self.redraws = redraws
        self.colors = colors
        self.columns = columns
        self.write = write
    }

    /// Prints a text and a line end on standard output.
    public func output(_ text: String) {
        print(text, on: .output)
    }

    /// Prints a text and a line end on standard error.
    public func error(_ text: String) {
        print(text, on: .error)
    }

    /// Redraws the status line below everything printed, cut to the width of the terminal; nil removes it.
    ///
    /// Does nothing where standard output is not a terminal.
    public func status(_ text: String?) {
        guard redraws else { return }
        state.withLock { shown in
            let line = String((text ?? "").prefix(max(0, columns() - 1)))
            guard line != shown else { return }
            write(.output, Self.erase + line)
            shown = line
        }
    }

    private static let erase = "\r\u{1B}[2K"

    private func print(_ text: String, on stream: Stream) {
        state.withLock { shown in
            if !shown.isEmpty { write(.output, Self.erase) }
            write(stream, text.hasSuffix("\n") ? text : text + "\n")
            if !shown.isEmpty { write(.output, shown) }
        }
    }

    private static func terminalColumns() -> Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes everything; what a closed pipe does not take is dropped.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, [UInt8](rest), rest.count)
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
