// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Programs
import Storage

/// Reads and writes the coordinator's facts as JSON.
struct FactLog: Sendable {
    let store: ServerStore

    /// Every fact of every run, in order.
    func load() throws -> [CoordinatorFact] {
        let decoder = JSONDecoder()
        return try store.facts().map { stored in
            do {
                return try decoder.decode(CoordinatorFact.self, from: Data(stored.body))
            } catch {
                throw ProgramError(
                    .failed, "fact \(stored.number) (\(stored.kind)) cannot be read", subject: store.path,
                    remedy: "run the version that wrote it", details: ["\(error)"])
            }
        }
    }

    /// Writes a fact, with values that belong to it; it is on disk when this returns.
    func append(_ fact: CoordinatorFact, values: [(key: String, value: [UInt8])] = []) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        try store.append([(fact.kind, [UInt8](try encoder.encode(fact)))], values: values)
    }
}

extension CoordinatorFact {
    /// The name of the case.
    var kind: String {
        switch self {
        case .runBegan: "runBegan"
        case .epochProposed: "epochProposed"
        case .slotsDrawn: "slotsDrawn"
        case .epochReady: "epochReady"
        case .epochAbandoned: "epochAbandoned"
        case .notVoted: "notVoted"
        case .roundOpened: "roundOpened"
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
