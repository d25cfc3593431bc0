// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Programs
import Transport

/// Names what the bytes on the sockets are counted under.
enum RoundPhase: String, CaseIterable {
    case setUp = "set-up"
    case upload
    case votes
    case partials
    case result
}

/// Measures what rounds cost this site, from one report to the next.
struct RoundCosts {
    private let meter: ByteMeter
    private var reported: [String: ByteMeter.Count] = [:]
    private var lastReport = ContinuousClock.now
    /// When local training last ended, and for which base.
    var trained: (base: Digest, at: ContinuousClock.Instant)?

    init(meter: ByteMeter) { self.meter = meter }

    /// What happened since the last report.
    struct Period {
        /// Bytes by phase.
        let phases: [String: ByteMeter.Count]
        let seconds: Double
        let sinceTraining: Duration?
    }

    /// Counts what follows under a phase.
    func enter(_ phase: RoundPhase) { meter.enter(phase: phase.rawValue) }

    /// Ends a period in which a round over `base` was applied.
    mutating func close(base: Digest) -> Period {
        let now = ContinuousClock.now
        let counts = meter.snapshot()
        var phases: [String: ByteMeter.Count] = [:]
        for (phase, count) in counts {
            let before = reported[phase] ?? ByteMeter.Count()
            let difference = ByteMeter.Count(up: count.up - before.up, down: count.down - before.down)
            if difference != ByteMeter.Count() { phases[phase] = difference }
        }
        let period = Period(
            phases: phases, seconds: (now - lastReport) / .seconds(1),
            sinceTraining: trained.flatMap { $0.base == base ? now - $0.at : nil })
        reported = counts
        lastReport = now
        return period
    }
}

extension RoundCosts.Period {
    /// The report to the coordinator.
    func applied(ctx: Digest, modelHash: Digest) -> Applied {
        let total = phases.values.reduce(into: ByteMeter.Count()) { sum, count in
            sum.up += count.up
            sum.down += count.down
        }
        return Applied(
            ctx: ctx, modelHash: modelHash,
            sinceTrainingMicros: sinceTraining.map { UInt64($0 / .microseconds(1)) } ?? 0,
            bytesUp: total.up, bytesDown: total.down, peakMemoryBytes: UInt64(PeakMemory.bytes()),
            phases: phases.sorted { $0.key < $1.key }.map {
                Applied.PhaseBytes(phase: $0.key, up: $0.value.up, down: $0.value.down)
            })
    }
}
