// SPDX-License-Identifier: MIT

/// Says what is wrong with the records of a run, and where.
public enum ReportingError: Error, Equatable {
    /// A round already written has another parameter hash now: two models claim one round.
    case conflictingRound(file: String, round: Int, recorded: String, appended: String)
    /// The text is not what the format asks for; `line` counts from 1.
    case malformed(file: String, line: Int?, reason: String)
    /// A required key is absent; `line` counts from 1.
    case missingKey(file: String, line: Int?, key: String)
    /// The directory or file does not exist.
    case notFound(path: String)
    /// The round numbers of a file do not count up from 1; `line` counts from 1.
    case outOfOrder(file: String, line: Int, expected: Int, actual: Int)
    /// The operating system refused an operation.
    case system(operation: String, path: String, reason: String)
    /// The summary and the round records contradict each other on this key.
    case summaryDisagrees(file: String, key: String)
    /// A key holds a value of another type, or one outside its range; `line` counts from 1.
    case wrongValue(file: String, line: Int?, key: String, reason: String)
}

extension ReportingError: CustomStringConvertible {
    /// States in one line what is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .conflictingRound(let file, let round, let recorded, let appended):
            "\(file): round \(round) is recorded with params_hash \(recorded) and now has \(appended); "
                + "give a new --metrics directory"
        case .malformed(let file, let line, let reason):
            "\(place(file, line)): \(reason)"
        case .missingKey(let file, let line, let key):
            "\(place(file, line)): key \"\(key)\" is missing"
        case .notFound(let path):
            "\(path): no such file or directory; name the --metrics directory of a finished run"
        case .outOfOrder(let file, let line, let expected, let actual):
            "\(place(file, line)): round \(actual) stands where round \(expected) belongs"
        case .system(let operation, let path, let reason):
            "\(path): cannot \(operation): \(reason)"
        case .summaryDisagrees(let file, let key):
            "\(file): \"\(key)\" disagrees with rounds.jsonl beside it"
        case .wrongValue(let file, let line, let key, let reason):
            "\(place(file, line)): key \"\(key)\": \(reason)"
        }
    }

    private func place(_ file: String, _ line: Int?) -> String {
        line.map { "\(file):\($0)" } ?? file
    }
}
