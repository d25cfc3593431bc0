// SPDX-License-Identifier: MIT

import Testing

@testable import Programs

struct InvalidValueTests {
    @Test(arguments: [
        (
            "The value '10' is invalid for '--wait <duration>'",
            "--wait: \"10\" is not valid, expected a duration such as"
        ),
        ("The value 'x' is invalid for '--rounds <count>'", "--rounds: \"x\" is not valid, expected a whole number"),
        ("The value 'it's' is invalid for '--clip <number>'", "--clip: \"it's\" is not valid, expected a number"),
        (
            "The value 'a' is invalid for '--kind <name>'. Please provide one of 'b', 'c' or 'd'.",
            "--kind: \"a\" is not valid, expected one of b, c or d"
        ), ("The value 'a' is invalid for '--other <thing>'", "--other: \"a\" is not valid"),
        ("Unknown option '--x'", "Unknown option '--x'"),
    ]) func aValueIsExplainedByItsKind(line: String, expected: String) {
        #expect(InvalidValue.explain(line).hasPrefix(expected))
    }
}
