// SPDX-License-Identifier: MIT

import Aggregation
import Identity
import Messages
import Programs
import Quantization
import Reporting

extension RunRecorder {
    /// The key under which what a restart needs is stored.
    static let key = "run_memory"

    /// A sum was applied: completes the round before, and begins the record of this one if it trained.
    ///
    /// - Parameter name: what people call a member.
    mutating func applied(
        _ totals: AppliedTotals, chain: ModelChain, plan: EpochPlan, name: (PartyID) -> String
    ) {
        let metrics = totals.sum.metrics
        let figures = ModelFigures(
            lossSum: Double(metrics.loss) / UpdateMetrics.lossUnitsPerOne, correct: metrics.correct,
            tested: metrics.tested)
        // What the closing round costs counts in the last record, which therefore stays open until the end.
        let context = totals.application.context
        guard context.kind == .training else { return measured(figures) }
        let encoding = totals.application.encoding
        let round = AppliedRound(
            round: chain.appliedRounds, paramsHash: chain.paramsHash.hex, modelHash: chain.modelHash.hex,
            cohort: totals.survivors.count, members: plan.members.count, clipped: Int(metrics.clipped),
            epoch: Int(plan.proposal.epoch), isConverged: chain.converged, key: context.ctx.hex,
            encoding: encoding.name, absent: plan.members.filter { !totals.survivors.contains($0) }.map(name),
            errorBound: totals.sum.errorBound)
        applied(round, figures: figures)
    }
}

extension ClientReport {
    /// Takes what a member reports; bytes without phases count under one name.
    init(_ applied: Applied) {
        let phases = applied.phases.map { PhaseBytes(phase: $0.phase, up: $0.up, down: $0.down) }
        self.init(
            sinceTrainingMicros: applied.sinceTrainingMicros, peakMemoryBytes: applied.peakMemoryBytes,
            phases: phases.isEmpty ? [PhaseBytes(phase: "all", up: applied.bytesUp, down: applied.bytesDown)] : phases)
    }
}
