// SPDX-License-Identifier: MIT

import Aggregation
import Messages
import Primitives

/// What the facts say about the runs of a state directory, without keys and without a machine.
struct RunHistory {
    /// One round that is over: applied, overflowed, skipped, or given up for a new epoch.
    struct Round: Encodable {
        let round: UInt64
        let epoch: UInt64
        let kind: String
        let outcome: String
        /// Why nothing was applied; nil for an applied round.
        let reason: String?
        let paramsHash: String
        let modelHash: String

        enum CodingKeys: String, CodingKey {
            case round, epoch, kind, outcome, reason
            case paramsHash = "params_hash"
            case modelHash = "model_hash"
        }
    }

    /// The facts of the last run that began, its beginning first; empty before the first.
    let facts: ArraySlice<CoordinatorFact>
    /// The configuration of that run.
    let configuration: RunConfiguration?
    /// How it ended; nil while it has not.
    let end: RunEnd?
    let rounds: [Round]
    let epoch: UInt64?
    let chain: ModelChain?
    /// The round that is open.
    let openRound: RoundOpen?
    /// Whether the set of the open round is fixed: then the sum of its uploads is stored.
    let openRoundHasSet: Bool
    private let openRoundHasResult: Bool

    init(_ all: [CoordinatorFact]) throws {
        let start = all.lastIndex { if case .runBegan = $0 { true } else { false } } ?? all.endIndex
        facts = all[start...]
        var (configuration, end, rounds): (RunConfiguration?, RunEnd?, [Round]) = (nil, nil, [])
        var (epoch, chain): (UInt64?, ModelChain?) = (nil, nil)
        var open: RoundOpen?
        var (hasSet, hasResult) = (false, false)
        func close(_ chain: ModelChain, _ outcome: String, _ reason: String? = nil) {
            rounds.append(
                Round(
                    round: open?.round ?? 0, epoch: epoch ?? 0, kind: open?.kind == .closing ? "closing" : "training",
                    outcome: outcome, reason: reason, paramsHash: chain.paramsHash.hex,
                    modelHash: chain.modelHash.hex))
            open = nil
        }
        for fact in facts {
            switch fact {
            case .runBegan(let bytes, let first):
                configuration = try RunConfiguration(encoded: bytes)
                chain = first
            case .epochProposed(let number, _):
                if let chain, open != nil { close(chain, "given up", "epoch \(number) took its place") }
                epoch = number
            case .slotsDrawn, .epochReady, .certified, .notVoted: break
            case .epochAbandoned:
                if let chain, open != nil { close(chain, "given up", "epoch \(epoch ?? 0) could not go on") }
            case .roundOpened(let bytes):
                open = try RoundOpen(encoded: bytes)
                (hasSet, hasResult) = (false, false)
            case .survivorsFixed: hasSet = true
            case .resultMade: hasResult = true
            case .applied(let next):
                chain = next
                close(next, "applied")
            case .overflowed(let next):
                chain = next
                close(next, "overflowed", "the sum did not fit its encoding")
            case .skipped(let envelope, let next):
                chain = next
                close(next, "skipped", "\(try Skip(payload: envelope.payload).reason)")
            case .runEnded(let outcome, let sentence): end = RunEnd(outcome: outcome, sentence: sentence)
            case .runTakenUp: end = nil
            }
        }
        (self.configuration, self.end, self.rounds, self.epoch, self.chain) = (configuration, end, rounds, epoch, chain)
        openRound = open
        openRoundHasSet = open != nil && hasSet
        openRoundHasResult = hasResult
    }

    /// What the run was doing when its last fact was written.
    var phase: String {
        if configuration == nil { return "no run yet" }
        if end != nil { return "ended" }
        guard openRound != nil else { return epoch == nil ? "gathering" : "between rounds" }
        if openRoundHasResult { return "applying" }
        return openRoundHasSet ? "votes and partials" : "uploads"
    }

    /// Whether a run began and has not ended.
    var isUnfinished: Bool { configuration != nil && end == nil }

    /// Whether the last run was aborted: it may be taken up where it stopped, once what it lacked is there.
    var isAborted: Bool { end?.outcome == .aborted }
}
