// SPDX-License-Identifier: MIT

/// What `scripts/bench.sh`, which checks the command line, asks for.
struct Options {
    var json: String?
    var document: String?
    var only: [String] = []
    var compiler = "unknown"
    var commit = "unknown"
    var isQuick = false
    var checks = false
    var listsNames = false

    struct Unknown: Error {
        let argument: String
    }

    init(_ arguments: some Sequence<String>) throws {
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            switch argument {
            case "--quick": isQuick = true
            case "--check": checks = true
            case "--list": listsNames = true
            case "--json": json = rest.next()
            case "--document": document = rest.next()
            case "--compiler": compiler = rest.next() ?? compiler
            case "--commit": commit = rest.next() ?? commit
            case "--only": only.append(rest.next() ?? "")
            default: throw Unknown(argument: argument)
            }
        }
    }

    var effort: Measurement.Effort { isQuick ? .quick : .full }
}
