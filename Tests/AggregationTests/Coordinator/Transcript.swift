// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

@testable import Aggregation

extension Conductor {
    /// What each action is, in a few words: a transcript. Members are numbers; the same message to one after the other
    /// is one line.
    func lines(_ actions: [CoordinatorAction]) -> [String] {
        var lines: [String] = []
        for action in actions {
            let line = line(action)
            if let last = lines.last, let target = line.target, last.hasPrefix(line.text) {
                lines[lines.count - 1] = "\(last) \(target)"
            } else {
                lines.append(line.target.map { "\(line.text) \($0)" } ?? line.text)
            }
        }
        return lines
    }

    private func line(_ action: CoordinatorAction) -> (text: String, target: Int?) {
        switch action {
        case .accept(let stream, let isPartial): ("accept \(isPartial ? "partial" : "upload") \(stream.number)", nil)
        case .apply(_, let survivors, _): ("apply over \(list(survivors))", nil)
        case .beginSums(let context): ("begin sums of round \(context.round)", nil)
        case .discard(let party, let message, let phase): ("discard \(message) of \(index(party)) in \(phase)", nil)
        case .finish(let end): ("finish \(end.outcome)", nil)
        case .grant(let stream): ("grant \(stream.number)", nil)
        case .makeSum: ("make sum", nil)
        case .ping(let parties): ("ping \(list(parties))", nil)
        case .record(let fact): ("record \(fact.line)", nil)
        case .refuse(let stream, let reason): ("refuse \(stream.number): \(reason)", nil)
        case .reject(let party, let misbehavior): ("reject \(index(party)): \(misbehavior.word)", nil)
        case .report(let report): ("report \(text(of: report))", nil)
        case .send(let party, let message): ("send \(message.name) to", index(party))
        case .sendDirectory(let parties): ("send Directory to \(list(parties))", nil)
        case .sendHandover(let party, _): ("send handover to", index(party))
        case .sendResult(let party, _, _): ("send Result to", index(party))
        case .storeUploadSum: ("store sum of uploads", nil)
        }
    }

    private func list(_ parties: [PartyID]) -> String { parties.map { "\(index($0))" }.joined(separator: " ") }

    private func text(of report: CoordinatorReport) -> String {
        switch report {
        case .epochProposed(let epoch, let members): "epoch \(epoch) of \(list(members))"
        case .epochReady(let epoch, _): "epoch \(epoch) ready"
        case .epochAbandoned(let epoch, let missing): "epoch \(epoch) left, without \(list(missing))"
        case .memberLost(let party, let phase): "\(index(party)) lost in \(phase)"
        case .membersLate(let parties, let round): "\(list(parties)) late in round \(round)"
        case .proposalRefused(let party, let line, _): "refused by \(index(party)): \(line)"
        case .roundApplied(let context, let cohort, let dropouts):
            "round \(context.round) applied, \(cohort) in, \(dropouts) out"
        case .roundOpened(let context): "round \(context.round) \(context.kind)"
        case .roundOverflowed(let round): "round \(round) overflowed"
        case .crossChecked(let slots, let count): "\(slots) of \(count) slots compared"
        case .crossCheckMissed(let slot, let party): "slot \(slot) not compared with \(index(party))"
        case .standbyAsked(let slot, let party): "standby \(index(party)) of slot \(slot) asked"
        case .roundSkipped(let round, let reason): "round \(round) skipped: \(reason)"
        case .waitingForReturn(let parties, _): parties.isEmpty ? "waiting" : "waiting for \(list(parties))"
        }
    }
}

extension [CoordinatorAction] {
    var rejections: [PeerMisbehavior] {
        compactMap { if case .reject(_, let misbehavior) = $0 { misbehavior } else { nil } }
    }

    /// What was counted as late or early, by message.
    var discarded: [String] {
        compactMap { if case .discard(_, let message, _) = $0 { message } else { nil } }
    }

    var refusals: [VectorRefusal] {
        compactMap { if case .refuse(_, let reason) = $0 { reason } else { nil } }
    }

    var facts: [CoordinatorFact] {
        compactMap { if case .record(let fact) = $0 { fact } else { nil } }
    }

    /// The control messages to one party.
    func sent(to party: PartyID) -> [ControlMessage] {
        compactMap { if case .send(party, let message) = $0 { message } else { nil } }
    }

    var end: RunEnd? {
        for case .finish(let end) in self { return end }
        return nil
    }

    /// Whether nothing was recorded, sent, taken or ended: only counted.
    var hasNoEffect: Bool {
        allSatisfy {
            switch $0 {
            case .discard, .reject, .refuse: true
            default: false
            }
        }
    }
}

extension CoordinatorFact {
    var line: String {
        switch self {
        case .runBegan: "runBegan"
        case .epochProposed: "epochProposed"
        case .slotsDrawn: "slotsDrawn"
        case .epochReady: "epochReady"
        case .roundOpened: "roundOpened"
        case .epochAbandoned: "epochAbandoned"
        case .notVoted: "notVoted"
        case .survivorsFixed: "survivorsFixed"
        case .certified: "certified"
        case .resultMade: "resultMade"
        case .applied: "applied"
        case .overflowed: "overflowed"
        case .skipped: "skipped"
        case .runEnded: "runEnded"
        case .runTakenUp: "runTakenUp"
        }
    }
}

extension PeerMisbehavior {
    /// The name of the case.
    var word: String { String(describing: self).split(separator: "(").first.map(String.init) ?? "" }
}
