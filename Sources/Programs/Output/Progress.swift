// SPDX-License-Identifier: MIT

import Logging
import Reporting

/// Tells the user how a run goes: a line a round, a status line on terminals, or one JSON object per line.
///
/// | | text | `--json` | `--quiet` |
/// |---|---|---|---|
/// | `round`, `note` | a line on standard output | an object | nothing |
/// | `status` | redrawn on a terminal, else nothing | nothing | nothing |
/// | `warning` | a line on standard error | also an object | a line on standard error |
/// | `result` | its text | an object | its text |
public struct Progress: Sendable {
    /// Says what is printed.
    public enum Style: Equatable, Sendable {
        /// Lines for people.
        case text
        /// One JSON object per line on standard output.
        case json
        /// Results, warnings and errors only.
        case quiet
    }

    /// The style chosen on the command line.
    public let style: Style
    private let console: Console

    /// Reports in this style.
    public init(style: Style, console: Console = .shared) {
        self.style = style
        self.console = console
    }

    /// Reports an applied round, `round 2/15  cohort 10  …`; the object has the keys of `rounds.jsonl`.
    public func round(_ record: RoundRecord, of total: Int) {
        switch style {
        case .text: console.output(Self.line(record, of: total))
        case .json: emit(Tagged(event: "round", body: record))
        case .quiet: break
        }
    }

    /// Says that something worth a line happened.
    public func note(_ text: String) {
        switch style {
        case .text: console.output(text)
        case .json: emit(Tagged(event: "note", body: ["text": text]))
        case .quiet: break
        }
    }

    /// Warns on standard error, also when quiet.
    public func warning(_ text: String) {
        console.error("warning: \(oneLine(text))")
        if style == .json { emit(Tagged(event: "warning", body: ["text": text])) }
    }

    /// Shows what is being waited for or worked on; nil clears the line. Seen on terminals only.
    public func status(_ text: String?) {
        guard style == .text else { return }
        console.status(text)
    }

    /// Prints what the command was called for, also when quiet.
    public func result(_ text: String, _ body: some Encodable) {
        switch style {
        case .text, .quiet: console.output(text)
        case .json: emit(Tagged(event: "result", body: body))
        }
    }

    /// Prints how a run ended; nil for one that did not end well, whose error says so.
    public func end(_ text: String?, _ body: some Encodable) {
        if text != nil || style == .json { result(text ?? "", body) }
    }

    /// Writes the line of one round.
    static func line(_ record: RoundRecord, of total: Int) -> String {
        [
            "round \(record.round)/\(total)", "cohort \(record.cohort)", "dropouts \(record.dropouts)",
            "loss \(NumberText.fixed(record.loss, 4))", "accuracy \(NumberText.percent(record.accuracy))",
            "up \(NumberText.bytes(record.bytesUpTotal))", "down \(NumberText.bytes(record.bytesDownTotal))",
            NumberText.seconds(record.seconds),
        ].joined(separator: "  ")
    }

    private func emit(_ value: some Encodable) {
        guard let line = try? RecordCoding.line(value) else { return }
        console.output(String(decoding: line, as: UTF8.self))
    }

    /// Adds the key `event` to the keys of the body.
    private struct Tagged<Body: Encodable>: Encodable {
        let event: String
        let body: Body

        enum CodingKeys: String, CodingKey {
            case event
        }

        func encode(to encoder: any Encoder) throws {
            try body.encode(to: encoder)
            var keys = encoder.container(keyedBy: CodingKeys.self)
            try keys.encode(event, forKey: .event)
        }
    }
}
