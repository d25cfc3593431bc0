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
            "Go without this rule, or several (only in a build with rule switches): \(Rule.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var without: [String] = []

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
        if let unknown = without.first(where: { Rule(rawValue: $0) == nil }) {
            throw ValidationError("there is no rule \"\(unknown)\"")
        }
        guard !without.isEmpty || rules else { return }
        guard Rule.canBeRemoved else {
            throw ValidationError("this build keeps its rules: scripts/simulate.sh --rules builds one that does not")
        }
    }

    func run() async throws {
        let removed = Set(without.compactMap { Rule(rawValue: $0) })
        Rule.remove(removed)
        if let replay {
            let outcome = Simulation.run(seed: replay, without: removed, trace: trace ? { print($0) } : nil)
            print("seed \(outcome.seed): \(outcome.setting)")
            print("\(outcome.counts.description)")
            try finish([outcome], seeds: 1, outcome.counts)
        }
        if rules { return try await tryRules() }
        let began = ContinuousClock.now
        let result = await simulate(seeds ?? 1_000, without: removed, failures: failures)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        print("\(result.counts.description)")
        print("\(Int(Double(result.simulated) / seconds)) seeds a second")
        try finish(result.failed.sorted { $0.seed < $1.seed }, seeds: result.simulated, result.counts)
    }

    /// Goes without one rule after the other, and says which seed noticed.
    private func tryRules() async throws {
        var missed = 0
        for rule in Rule.allCases {
            let (removed, text) = Simulation.removal(of: rule)
            Rule.remove(removed)
            let noticed = await firstToNotice(rule, removed)
            if noticed == nil { missed += 1 }
            let what = noticed?.violations.first.map { "\($0)" } ?? "NOT NOTICED"
            print("| \(text) | \(noticed.map { "\($0.seed)" } ?? "—") | \(what) |")
            // Minutes may pass until the next one.
            fflush(nil)
        }
        print("\(Rule.allCases.count) rules, \(missed) that should be noticed and are not")
        throw missed == 0 ? ExitCode.success : ExitCode(1)
    }

    /// Tries the seed that is known to notice, and only if it does not any more, all from the first on.
    private func firstToNotice(_ rule: Rule, _ removed: Set<Rule>) async -> Simulation.Outcome? {
        if let known = Simulation.noticing[rule] {
            let outcome = Simulation.run(seed: known, without: removed)
            if !outcome.violations.isEmpty { return outcome }
        }
        let result = await simulate(seeds ?? 20_000, without: removed, failures: 1)
        return result.failed.min { $0.seed < $1.seed }
    }

    /// Simulates seeds from the first on, until so many have violations.
    private func simulate(_ count: Int, without rules: Set<Rule>, failures limit: Int) async -> Progress {
        let shared = SharedProgress(Progress(next: seed, last: seed + UInt64(count) - 1))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<jobs {
                group.addTask {
                    while let next = shared.value.withLock({ $0.take(limit) }) {
                        let outcome = Simulation.run(seed: next, without: rules)
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
        let suffix = without.map { " --without \($0)" }.joined()
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
