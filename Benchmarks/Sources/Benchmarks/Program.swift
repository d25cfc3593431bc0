// SPDX-License-Identifier: MIT

import CReference
import FiniteField
import Foundation

/// Measures the kernels against their references and prints, compares and records what comes out.
@main struct Program {
    /// From this share of the machine's time on that others had, the times deserve a warning.
    private static let shareOfOthersMax = 0.05

    static func main() throws {
        let options = try Options(CommandLine.arguments.dropFirst())
        let chosen = Benchmark.all.filter { options.only.isEmpty || options.only.contains($0.name) }
        if options.listsNames {
            for name in Benchmark.names { say(name) }
            return
        }
        if let unknown = options.only.first(where: { !Benchmark.names.contains($0) }) {
            fail("there is no benchmark \(unknown); there are \(Benchmark.names.joined(separator: ", "))", code: 64)
        }
        guard allocationsAreCounted() else {
            fail("allocations are not counted: malloc is not interposed in this program", code: 1)
        }
        let machine = Machine()
        let before = describe(machine, options)
        say(before.joined(separator: "\n"))
        let rows = try chosen.map { benchmark in
            let row = Row(
                benchmark, try Measurement(of: benchmark, effort: options.effort),
                repetitions: options.effort.repetitions)
            complain("measured \(row.title)")
            return row
        }
        let table = Table(rows: rows)
        let verdict = Verdict(rows)
        let meanwhile = String(
            format: "load averages at the end %@; others had %.1f %% of the machine's time meanwhile",
            machine.loadAverage, 100 * machine.shareOfOthers)
        say("\n" + table.text)
        say(verdict.sentences.joined(separator: "\n"))
        say(meanwhile)
        if machine.shareOfOthers > shareOfOthersMax {
            say("warning: the machine was not idle; ratios suffer less than times, but they suffer")
        }
        if let path = options.json { try json(rows).write(to: URL(filePath: path)) }
        if let path = options.document {
            let lines = (before + [meanwhile]).map { "- \($0)\n" }.joined()
            let verdicts = verdict.sentences.map { "- \($0)\n" }.joined()
            try Document(path: path).replace(with: lines + "\n" + table.markdown + "\n" + verdicts)
        }
        if options.checks && !verdict.isMet { exit(1) }
    }

    private static func describe(_ machine: Machine, _ options: Options) -> [String] {
        [
            "\(machine.processor), \(machine.cores) cores, \(machine.caches); \(machine.system)",
            "\(options.compiler), \(String(cString: reference_compiler_version())); "
                + "\(String(cString: reference_openssl_version())); "
                + "GMP \(String(cString: reference_gmp_version()))",
            "commit \(options.commit); medians of \(options.effort.repetitions) repetitions of at least "
                + "\(options.effort.nanoseconds / 1_000_000) ms, kernel and reference taking turns",
            "load averages at the beginning \(machine.loadAverage)",
        ]
    }

    /// Whether Swift's allocations and libcrypto's pass through the interposed functions.
    private static func allocationsAreCounted() -> Bool {
        let count = CommandLine.arguments.count
        allocation_count_start()
        let vector = Field64Vector(count: count)
        let counted = allocation_count_stop()
        return counted > 0 && !vector.isEmpty && allocation_count_sees_libcrypto() != 0
    }

    private static func json(_ rows: [Row]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(rows) + Data("\n".utf8)
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        complain("Benchmarks: \(message)")
        exit(code)
    }

    /// Writes at once, also into a pipe.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    private static func complain(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
