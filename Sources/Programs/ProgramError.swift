// SPDX-License-Identifier: MIT

import Identity

/// Lists the exit codes that every program of Summand shares.
public enum ProgramExit: Int32, Sendable, CaseIterable {
    /// The work is done.
    case done = 0
    /// Something broke.
    case failed = 1
    /// The run ended early although nothing broke: too few participants, no quorum.
    case aborted = 2
    /// A sum, a hash or a signature did not hold.
    case verificationFailed = 3
    /// The command line, the environment or a configuration file is wrong (`EX_USAGE`).
    case usage = 64
    /// The server is not reachable (`EX_UNAVAILABLE`).
    case unreachable = 69
    /// Not yet: the same command is to be repeated later (`EX_TEMPFAIL`).
    case later = 75
}

/// Ends a program: says in one line what happened, to whom, and what to do.
public struct ProgramError: Error, Equatable {
    /// The exit code.
    public var exit: ProgramExit
    /// The file, party, address or option that it happened to; nil if the program as a whole.
    public var subject: String?
    /// What happened.
    public var what: String
    /// What the reader can do about it.
    public var remedy: String?
    /// What `--verbose` adds, one line each.
    public var details: [String]

    /// Makes an error; no part may contain a secret.
    public init(
        _ exit: ProgramExit, _ what: String, subject: String? = nil, remedy: String? = nil, details: [String] = []
    ) {
        self.exit = exit
        self.subject = subject
        self.what = what
        self.remedy = remedy
        self.details = details
    }

    /// Renders one line: `subject: what; remedy`.
    public var line: String {
        let head = subject.map { "\($0): \(what)" } ?? what
        return oneLine(remedy.map { "\(head); \($0)" } ?? head)
    }
}

extension ProgramError: CustomStringConvertible {
    /// Gives the same line as `line`.
    public var description: String { line }
}

/// Lets an error of another module say how it ends a program.
public protocol ProgramErrorConvertible: Error {
    /// Says the same as an error of a program.
    var programError: ProgramError { get }
}

/// Joins the lines of a text by spaces and drops what does not print: a remote party may have put control characters
/// and marks of direction there, which make a line look like another.
func oneLine(_ text: String) -> String {
    text.split { $0.isNewline }
        .map { line in
            line.filter { $0.unicodeScalars.allSatisfy(MemberName.prints) }
                .trimmingSpaces()
        }
        .filter { !$0.isEmpty }
        .joined(separator: " ")
}

extension String {
    /// Removes spaces and tabs at both ends.
    func trimmingSpaces() -> String {
        let isText = { (character: Character) in !character.isWhitespace }
        guard let first = firstIndex(where: isText), let last = lastIndex(where: isText) else { return "" }
        return String(self[first...last])
    }
}
