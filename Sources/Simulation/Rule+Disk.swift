// SPDX-License-Identifier: MIT

import Aggregation

/// Without one of these rules a shell sends before what it wrote is synced.
extension Set<Rule> {
    func leavesUnsynced(_ fact: MemberFact) -> Bool {
        switch fact {
        case .locked: contains(.lockBeforeVote)
        case .uploaded, .updateKept: contains(.uploadBeforeBytes)
        case .answered: contains(.answerBeforeBytes)
        case .closed: contains(.closedBeforeBytes)
        default: false
        }
    }

    func leavesUnsynced(_ fact: CoordinatorFact) -> Bool {
        switch fact {
        case .epochProposed: contains(.proposalBeforeBytes)
        case .survivorsFixed: contains(.survivorsBeforeBytes)
        case .skipped: contains(.skipBeforeBytes)
        default: false
        }
    }
}
