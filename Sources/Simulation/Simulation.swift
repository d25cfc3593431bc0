// SPDX-License-Identifier: MIT

import Aggregation

/// Runs the real machines on virtual time, from one seed, and says what must not have happened.
public enum Simulation {
    /// What came of a seed.
    public struct Outcome: Sendable {
        public let seed: UInt64
        /// What must not have happened; empty in a correct protocol.
        public let violations: [Violation]
        public let counts: RunCounts
        /// What the seed drew, for people.
        public let setting: String
    }

    /// Simulates one seed.
    ///
    /// - Parameters:
    ///   - seed: everything that the run leaves to chance follows from it.
    ///   - rules: what the shells go without; the machines go without it if it was removed from the process.
    ///   - trace: is told what every machine does.
    package static func run(seed: UInt64, without rules: Set<Rule> = [], trace: ((String) -> Void)? = nil) -> Outcome {
        var random = SimulationRandom(seed: seed)
        let setting = RunSetting(seed: seed, removed: rules, &random)
        let observer = Observer(setting)
        observer.trace = trace
        do {
            if setting.coordinatorIsCorrupt {
                let run = try AdversaryRun(setting, observer: observer, random: random)
                try run.run()
            } else {
                let run = try NetworkRun(setting, observer: observer, random: random)
                try run.run()
            }
        } catch {
            observer.violate(.machineFailed("\(error)"))
        }
        observer.judgePrivacy()
        return Outcome(
            seed: seed, violations: observer.violations, counts: observer.counts, setting: setting.description)
    }
}

extension RunSetting {
    var description: String {
        let mode =
            switch slots {
            case .all: "all"
            case .pinned: "pinned"
            case .sampled: "sampled"
            }
        let who = coordinatorIsCorrupt ? "a corrupt coordinator" : "an honest coordinator"
        return "\(siteCount) sites, slots \(mode), b = \(configuration.bits), \(configuration.rounds) rounds, "
            + "\(configuration.roundsPerEpoch) an epoch, γ = \(configuration.gammaPercent) %, \(who), "
            + "corrupt sites \(corrupt.sorted()); faults: \(plan.description)"
    }
}
