// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Identity
import Messages
import Primitives
import Programs
import Quantization
import Reporting

/// Collects what a run's records say.
///
/// What is known of a model comes with the next sum: the record of a round is complete one round later.
struct RunRecorder {
    /// A round that is applied, while its figures still come in. Kept in the database from round to round.
    struct Pending: Codable {
        var record: RoundRecord
        let ctx: String
        /// Whether accuracy and loss have come.
        var isMeasured = false
        var lastApplied: Double = 0
        var lastTrained: Double = 0
        var up: [String: UInt64] = [:]
        var down: [String: UInt64] = [:]
    }

    /// What survives a restart.
    struct Memory: Codable {
        var startedAt: String
        var seconds: Double
        var lastEnd: Double = 0
        var peakMemoryBytes = 0
        var clients = 0
        var pending: Pending?
        var completed: RoundRecord?
    }

    /// The key under which `Memory` is stored.
    static let key = "run_memory"

    private(set) var memory: Memory
    private let begun = ContinuousClock.now
    private let secondsBefore: Double
    private let writer: RunWriter?
    private let progress: Programs.Progress
    private let total: Int

    /// Begins to record, or goes on from what was stored.
    init(stored: [UInt8]?, metrics: String?, progress: Programs.Progress, rounds: Int) throws {
        let resumed = try stored.map { try JSONDecoder().decode(Memory.self, from: Data($0)) }
        memory = resumed ?? Memory(startedAt: Date.now.formatted(Date.ISO8601FormatStyle()), seconds: 0)
        secondsBefore = memory.seconds
        self.progress = progress
        total = rounds
        writer = try metrics.map { try RunWriter(directory: $0, resume: resumed != nil) }
        try writeCompleted(announcing: false)
    }

    /// The seconds that the run has taken, those before a restart included.
    var seconds: Double { secondsBefore + (ContinuousClock.now - begun).inSeconds }

    /// The bytes to store.
    mutating func encoded() throws -> [UInt8] {
        memory.seconds = seconds
        return try RecordCoding.line(memory)
    }

    /// The first epoch is proposed: the first round's time begins, not with the waiting for clients.
    mutating func epochProposed() {
        if memory.lastEnd == 0 { memory.lastEnd = seconds }
    }

    /// A sum was applied: completes the round before, and begins the record of this one if it trained.
    mutating func applied(
        _ context: RoundContext, chain: ModelChain, totals: EncodedUpdate, cohort: Int, plan: EpochPlan
    ) {
        measure(totals.metrics)
        // What the closing round costs counts in the last record, which therefore stays open until the end.
        guard context.kind == .training else { return }
        completePending()
        let now = seconds
        memory.clients = max(memory.clients, plan.members.count)
        memory.pending = Pending(
            record: RoundRecord(
                round: chain.appliedRounds, accuracy: 0, loss: 0, paramsHash: chain.paramsHash.hex,
                modelHash: chain.modelHash.hex, cohort: cohort, dropouts: plan.members.count - cohort,
                clipped: Int(totals.metrics.clipped), epoch: Int(plan.proposal.epoch), members: plan.members.count,
                encoding: "exact", seconds: now - memory.lastEnd, aggregationSeconds: 0, bytesUp: [:], bytesDown: [:]),
            ctx: context.ctx.hex)
        memory.lastEnd = now
        // A round that changed nothing has the model of the round before, whose figures came with its own sum.
        if chain.converged { measure(totals.metrics) }
    }

    /// A client reports that it has applied a round, and what it cost.
    mutating func received(_ applied: Applied) {
        memory.peakMemoryBytes = max(memory.peakMemoryBytes, Int(clamping: applied.peakMemoryBytes))
        guard var pending = memory.pending else { return }
        for phase in applied.phases {
            pending.up[phase.phase, default: 0] &+= phase.up
            pending.down[phase.phase, default: 0] &+= phase.down
        }
        if applied.phases.isEmpty {
            pending.up["all", default: 0] &+= applied.bytesUp
            pending.down["all", default: 0] &+= applied.bytesDown
        }
        if applied.ctx.hex == pending.ctx {
            let now = seconds
            pending.lastApplied = max(pending.lastApplied, now)
            if applied.sinceTrainingMicros > 0 {
                pending.lastTrained = max(pending.lastTrained, now - Double(applied.sinceTrainingMicros) / 1e6)
            }
        }
        memory.pending = pending
    }

    /// Appends the record that is complete to `rounds.jsonl` and tells people.
    mutating func writeCompleted(announcing: Bool = true) throws {
        guard let record = memory.completed else { return }
        try writer?.append(record)
        memory.completed = nil
        if announcing { progress.round(record, of: total) }
    }

    /// Ends the records of the run.
    mutating func finish(
        _ description: RunDescription, _ outcome: Reporting.RunOutcome, reason: String?, counters: [String: Int]
    ) throws -> RunSummary? {
        // A record without figures would claim a model that answers nothing right.
        if memory.pending?.isMeasured == false { memory.pending = nil }
        completePending()
        try writeCompleted()
        var description = description
        description.clients = memory.clients
        description.startedAt = memory.startedAt
        return try writer?.finish(
            description, outcome: outcome, reason: reason, seconds: seconds,
            peakMemoryBytes: max(memory.peakMemoryBytes, PeakMemory.bytes()), counters: counters)
    }

    /// Takes the figures of the model of the last applied round.
    private mutating func measure(_ metrics: UpdateMetrics) {
        guard metrics.tested > 0 else { return }
        memory.pending?.isMeasured = true
        memory.pending?.record.accuracy = min(1, max(0, Double(metrics.correct) / Double(metrics.tested)))
        memory.pending?.record.loss =
            Double(metrics.loss) / UpdateMetrics.lossUnitsPerOne / Double(metrics.tested)
    }

    private mutating func completePending() {
        guard let pending = memory.pending else { return }
        var record = pending.record
        let clients = Double(max(1, record.members))
        record.aggregationSeconds = max(0, pending.lastApplied - pending.lastTrained)
        record.bytesUp = pending.up.mapValues { Double($0) / clients }
        record.bytesDown = pending.down.mapValues { Double($0) / clients }
        memory.completed = record
        memory.pending = nil
    }
}

extension Duration {
    /// The duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
