// SPDX-License-Identifier: MIT

import Aggregation
import ArgumentParser
import Foundation
import Simulation
import Synchronization

@main
struct SimulationTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "smpc-simulate",
        abstract: "Simulates federations with faults and liars, and says what must not have happened.",
        discussion: """
            Each seed is a run of its own: the real machines of coordinator and members, virtual time, a network that \
            breaks, parties that die and lie. The last line is a summary. Exit code 0: no violation; 1: at least one, each \
            with the line that replays it.
            """)

    @Option(
        help: "How many seeds to simulate; with --rules the most for each rule. (default: 1000, with --rules 20000)")
    var seeds: Int?

    @Flag(help: "Go without each rule in turn until a seed notices (only in a build with rule switches).")
    var rules = false

    @Option(help: "The first seed.")
    var seed: UInt64 = 1

    @Option(help: "Simulate this seed alone, and say what it drew and what came of it.")
    var replay: UInt64?

    @Option(
        help:
            "Go without this rule (only in a build with rule switches): \(Rule.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var without: String?

    @Flag(help: "With --replay: tell what every machine does.")
    var trace = false

    @Option(help: "How many seeds to simulate at a time.")
    var jobs = 2

    @Option(help: "End after so many seeds with a violation.")
    var failures = 1

    func validate() throws {
        guard seeds ?? 1 >= 1, jobs >= 1, failures >= 1 else {
            throw ValidationError("--seeds, --jobs and --failures are at least 1")
        }
        if let without, Rule(rawValue: without) == nil {
            throw ValidationError("there is no rule \"\(without)\"")
        }
        guard without != nil || rules else { return }
        guard Rule.canBeRemoved else {
            throw ValidationError("this build keeps its rules: scripts/simulate.sh --rules builds one that does not")
        }
    }

    func run() async throws {
        let rule = without.flatMap { Rule(rawValue: $0) }
        rule?.remove()
        if let replay {
            let outcome = Simulation.run(seed: replay, without: rule, trace: trace ? { print($0) } : nil)
            print("seed \(outcome.seed): \(outcome.setting)")
            print("\(outcome.counts.description)")
            try finish([outcome], seeds: 1, outcome.counts)
        }
        if rules { return try await tryRules() }
        let began = ContinuousClock.now
        let result = await simulate(seeds ?? 1_000, without: rule, failures: failures)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        print("\(result.counts.description)")
        print("\(Int(Double(result.simulated) / seconds)) seeds a second")
        try finish(result.failed.sorted { $0.seed < $1.seed }, seeds: result.simulated, result.counts)
    }

    /// Goes without one rule after the other, and says which seed noticed.
    private func tryRules() async throws {
        var missed: [Rule] = []
        for rule in Rule.allCases {
            rule.remove()
            let result = await simulate(seeds ?? 20_000, without: rule, failures: 1)
            let first = result.failed.min { $0.seed < $1.seed }
            let reason = Simulation.redundant[rule]
            if first == nil, reason == nil { missed.append(rule) }
            let what = first?.violations.first.map { "\($0)" } ?? reason.map { "not noticed: \($0)" } ?? "NOT NOTICED"
            print("| `\(rule.rawValue)` | \(first.map { "\($0.seed)" } ?? "—") | \(what) |")
            // Minutes may pass until the next one.
            fflush(nil)
        }
        print("\(Rule.allCases.count) rules, \(missed.count) that should be noticed and are not")
        throw missed.isEmpty ? ExitCode.success : ExitCode(1)
    }

    /// Simulates seeds from the first on, until so many have violations.
    private func simulate(_ count: Int, without rule: Rule?, failures limit: Int) async -> Progress {
        let shared = SharedProgress(Progress(next: seed, last: seed + UInt64(count) - 1))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<jobs {
                group.addTask {
                    while let next = shared.value.withLock({ $0.take(limit) }) {
                        let outcome = Simulation.run(seed: next, without: rule)
                        shared.value.withLock { $0.done(outcome) }
                    }
                }
            }
        }
        return shared.value.withLock { $0 }
    }

    private final class SharedProgress: Sendable {
        let value: Mutex<Progress>

        init(_ progress: Progress) { value = Mutex(progress) }
    }

    /// What is simulated and what came of it.
    private struct Progress: Sendable {
        var next: UInt64
        let last: UInt64
        var simulated = 0
        var counts = RunCounts()
        var failed: [Simulation.Outcome] = []

        mutating func take(_ failures: Int) -> UInt64? {
            guard next <= last, failed.count < failures else { return nil }
            defer { next += 1 }
            return next
        }

        mutating func done(_ outcome: Simulation.Outcome) {
            simulated += 1
            counts.add(outcome.counts)
            if !outcome.violations.isEmpty { failed.append(outcome) }
        }
    }

    private func finish(_ failed: [Simulation.Outcome], seeds: Int, _ counts: RunCounts) throws -> Never {
        let suffix = without.map { " --without \($0)" } ?? ""
        let bad = failed.filter { !$0.violations.isEmpty }
        for outcome in bad {
            print("seed \(outcome.seed): \(outcome.setting)")
            for violation in outcome.violations.prefix(4) { print("  \(violation)") }
            print("  replay: scripts/simulate.sh --replay \(outcome.seed)\(suffix)")
        }
        let verdict = bad.isEmpty ? "no violation" : "violations in \(bad.count) seeds"
        print("\(seeds) seeds, \(counts.rounds) rounds, \(counts.applied) results applied: \(verdict)")
        throw bad.isEmpty ? ExitCode.success : ExitCode(1)
    }
}
