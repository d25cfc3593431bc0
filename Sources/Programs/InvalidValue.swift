// SPDX-License-Identifier: MIT

/// Says of a value that the command line cannot hold what was expected, in the words that `Settings` has for the
/// environment and configuration files.
enum InvalidValue {
    /// What stands between angle brackets in the help says what kind of value it is.
    private static let expectations = [
        "count": expectation(of: Int.self), "duration": DurationOption.expectation,
        "host:port": HostPort.expectation, "interfaces": InterfaceOption.expectation, "k/n": PartOption.expectation,
        "number": expectation(of: Double.self), "percent": expectation(of: Int.self),
        "seed": expectation(of: UInt64.self),
    ]

    /// Completes ArgumentParser's "The value 'x' is invalid for '--rounds <count>'"; gives other lines as they are.
    static func explain(_ line: String) -> String {
        guard let match = line.wholeMatch(of: #/The value '(.*)' is invalid for '(\S+) <(.+)>'(.*)/#) else {
            return line
        }
        let (value, option, kind) = (match.output.1, match.output.2, String(match.output.3))
        let choices = match.output.4.wholeMatch(of: #/\. Please provide one of (.+?)\.?/#)?.output.1
        let expected = choices.map { "one of \($0.filter { $0 != "'" })" } ?? expectations[kind]
        return "\(option): \"\(value)\" is not valid\(expected.map { ", expected \($0)" } ?? "")"
    }
}
