// SPDX-License-Identifier: MIT

/// Says what one check of `doctor` found, and what to do about it.
public struct Check: Equatable, Sendable, Encodable {
    /// How a check ended.
    public enum State: String, Sendable, CaseIterable, Encodable {
        /// All is as it should be.
        case ok
        /// It works, but not as well or not for as long as it should.
        case warning
        /// A run would fail, or be unsafe.
        case failed
        /// There was nothing to check, or it was switched off.
        case notChecked = "not_checked"

        /// What stands at the beginning of a line.
        var word: String { self == .notChecked ? "not checked" : rawValue }
    }

    /// Names the checks; scripts rely on these names.
    public enum Name: String, Sendable, CaseIterable, Encodable {
        case authority
        case authorityKey = "authority_key"
        case certificate
        case clock
        case coordinator
        case data
        case discovery
        case diskSpace = "disk_space"
        case fsync
        case inUse = "in_use"
        case keys
        case listen
        case model
        case multicast
        case openFiles = "open_files"
        case peer
        case proxy
        case record
        case state
    }

    /// What was checked.
    public let name: Name
    /// The interface, member or file; nil where there is only one.
    public let subject: String?
    /// How it ended.
    public let state: State
    /// What was found, in words.
    public let found: String
    /// What to do; nil only if all is well.
    public let remedy: String?
    /// What was measured, by a name that ends in the unit.
    public let figures: [String: Double]

    private init(
        _ name: Name, _ subject: String?, _ state: State, _ found: String, _ remedy: String?,
        _ figures: [String: Double]
    ) {
        self.name = name
        self.subject = subject.map(oneLine)
        self.state = state
        self.found = oneLine(found)
        self.remedy = remedy.map(oneLine)
        self.figures = figures
    }

    /// Reports that all is well.
    public static func ok(
        _ name: Name, of subject: String? = nil, _ found: String, figures: [String: Double] = [:]
    ) -> Check { Check(name, subject, .ok, found, nil, figures) }

    /// Reports what should be better.
    public static func warning(
        _ name: Name, of subject: String? = nil, _ found: String, remedy: String, figures: [String: Double] = [:]
    ) -> Check { Check(name, subject, .warning, found, remedy, figures) }

    /// Reports what a run would fail on.
    public static func failed(
        _ name: Name, of subject: String? = nil, _ found: String, remedy: String, figures: [String: Double] = [:]
    ) -> Check { Check(name, subject, .failed, found, remedy, figures) }

    /// Reports that nothing could be found out, and how that could be.
    public static func notChecked(_ name: Name, of subject: String? = nil, _ found: String, remedy: String) -> Check {
        Check(name, subject, .notChecked, found, remedy, [:])
    }

    /// Reports an error that a run would end with.
    public static func failed(_ name: Name, of subject: String? = nil, error: any Error, otherwise: String) -> Check {
        let failure = ProgramRunner.programError(for: error)
        let what = failure.map { failure in failure.subject.map { "\($0): \(failure.what)" } ?? failure.what }
        return failed(name, of: subject, what ?? "\(error)", remedy: failure?.remedy ?? otherwise)
    }

    /// Leaves out what is not there.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(name, forKey: .name)
        try keys.encodeIfPresent(subject, forKey: .subject)
        try keys.encode(state, forKey: .state)
        try keys.encode(found, forKey: .found)
        try keys.encodeIfPresent(remedy, forKey: .remedy)
        if !figures.isEmpty { try keys.encode(figures, forKey: .figures) }
    }

    private enum CodingKeys: String, CodingKey {
        case name, subject, state, found, remedy, figures
    }

    /// The check as one line: state, name, subject, finding, remedy.
    public var line: String {
        let padding = String(repeating: " ", count: max(0, 12 - state.word.count))
        let what = [name.rawValue.replacing("_", with: " "), subject].compactMap(\.self).joined(separator: " ")
        return "\(state.word)\(padding)\(what): \(found)" + (remedy.map { "; \($0)" } ?? "")
    }
}
