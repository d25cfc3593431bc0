// SPDX-License-Identifier: MIT

/// Collects the checks of one call of `doctor`: its lines, its JSON document and its exit code.
public struct Diagnosis: Encodable, Sendable {
    /// The version of the JSON document; another one comes only with a change that breaks readers.
    public static let version = 1

    /// The checks, in the order of their lines.
    public let checks: [Check]

    /// Collects checks.
    public init(_ checks: [Check]) { self.checks = checks }

    /// Counts the checks that ended in a state.
    public func count(_ state: Check.State) -> Int { checks.count { $0.state == state } }

    /// Has a doctor examine, and ends with what it found.
    ///
    /// - Throws: `ProgramError`, `failed` if a check failed; `ExitCode` after a signal, when nothing counts as found.
    public static func report(on progress: Progress, _ examine: @escaping @Sendable () async -> Diagnosis) async throws
    {
        let diagnosis = try await Interruption.exiting(
            onSignal: { _ in },
            {
                let diagnosis = await examine()
                try Task.checkCancellation()
                return diagnosis
            })
        progress.status(nil)
        try diagnosis.end(on: progress)
    }

    /// Prints the lines, or the one JSON object; when quiet, only the lines that are not ok.
    ///
    /// - Throws: `ProgramError`, `failed` if a check failed.
    public func end(on progress: Progress) throws(ProgramError) {
        let shown = progress.style == .quiet ? checks.filter { $0.state == .warning || $0.state == .failed } : checks
        if !shown.isEmpty || progress.style == .json {
            progress.result(shown.map(\.line).joined(separator: "\n"), self)
        }
        let failed = count(.failed)
        guard failed == 0 else {
            throw ProgramError(
                .failed, "\(failed) of \(checks.count) checks failed",
                remedy: "do what their lines say, and call it again")
        }
    }

    /// Writes `version`, the counts by state, and `checks`.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(Self.version, forKey: .version)
        try keys.encode(count(.ok), forKey: .ok)
        try keys.encode(count(.warning), forKey: .warning)
        try keys.encode(count(.failed), forKey: .failed)
        try keys.encode(count(.notChecked), forKey: .notChecked)
        try keys.encode(checks, forKey: .checks)
    }

    private enum CodingKeys: String, CodingKey {
        case version, ok, warning, failed, checks
        case notChecked = "not_checked"
    }
}
