// SPDX-License-Identifier: MIT

import Aggregation
import FoundationEssentials
import Logging
import Messages
import Primitives
import Programs
import Quantization
import Reporting

/// Prints a line a round and writes the site's own `rounds.jsonl`.
///
/// How good the model after a round is becomes known with the sum of the next one: until then its record waits, also
/// over a restart.
struct RoundLog {
    private let directory: String?
    private let progress: Progress
    private let logger: Logger
    private var pending: RoundRecord?
    private var writer: RunWriter?
    /// Whether nothing more can be written behind the records so far.
    private var hasGap = false

    /// Takes up the record that waits, as `pendingBytes` gave it.
    init(directory: String?, progress: Progress, logger: Logger, pending: [UInt8]?) {
        self.directory = directory
        self.progress = progress
        self.logger = logger
        self.pending = pending.flatMap {
            try? RecordCoding.decode(RoundRecord.self, from: $0, file: "pending record", line: nil)
        }
    }

    /// Begins a run anew, or goes on with one.
    mutating func begin(isNewRun: Bool) {
        if isNewRun {
            pending = nil
            writer = nil
            hasGap = false
        }
        guard let directory, writer == nil, !hasGap else { return }
        do {
            writer = try RunWriter(directory: directory, resume: !isNewRun)
        } catch {
            giveUpWriting("\(error)")
        }
    }

    /// Rounds were missed: what waits will never be complete, and nothing more fits behind the records so far.
    mutating func interrupt() {
        pending = nil
        guard directory != nil else { return }
        giveUpWriting("rounds were applied while this site was away")
    }

    /// A round was applied, whose sum tells of the model with the parameters `before`.
    mutating func applied(
        _ order: ResultOrder, before: Digest, chain: ModelChain, plan: EpochPlan, sum: AppliedSum,
        period: RoundCosts.Period
    ) {
        let cohort = order.survivors.count
        complete(sum.metrics, of: before, rounds: plan.proposal.configuration.rounds)
        guard order.context.kind == .training else { return }
        pending = RoundRecord(
            round: chain.appliedRounds, accuracy: 0, loss: 0, paramsHash: chain.paramsHash.hex,
            modelHash: chain.modelHash.hex, cohort: cohort, dropouts: plan.members.count - cohort,
            clipped: Int(sum.metrics.clipped), epoch: Int(plan.proposal.epoch), members: plan.members.count,
            encoding: order.application.encoding.name, errorBound: sum.errorBound, seconds: period.seconds,
            aggregationSeconds: period.sinceTraining.map { $0 / .seconds(1) } ?? 0,
            bytesUp: period.phases.mapValues { Double($0.up) }, bytesDown: period.phases.mapValues { Double($0.down) })
    }

    /// The record that waits, for the site's store.
    var pendingBytes: [UInt8] { (try? RecordCoding.line(pending)) ?? [] }

    private mutating func complete(_ metrics: UpdateMetrics, of parameters: Digest, rounds: Int) {
        guard var record = pending else { return }
        pending = nil
        guard record.paramsHash == parameters.hex else { return }
        if metrics.tested > 0 {
            record.accuracy = Double(metrics.correct) / Double(metrics.tested)
            record.loss = Double(metrics.loss) / UpdateMetrics.lossUnitsPerOne / Double(metrics.tested)
        }
        progress.round(record, of: rounds)
        do {
            try writer?.append(record)
        } catch {
            giveUpWriting("\(error)")
        }
    }

    /// Records are for people: a disk that does not take them does not end the training.
    private mutating func giveUpWriting(_ reason: String) {
        progress.warning("\(reason); this site's rounds are recorded no further")
        writer = nil
        hasGap = true
    }
}
