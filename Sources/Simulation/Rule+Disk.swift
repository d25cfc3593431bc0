// SPDX-License-Identifier: MIT

import Aggregation

/// Without one of these rules a shell sends before what it wrote is synced.
extension Rule {
    func leavesUnsynced(_ fact: MemberFact) -> Bool {
        switch (self, fact) {
        case (.lockBeforeVote, .locked), (.uploadBeforeBytes, .uploaded), (.uploadBeforeBytes, .updateKept),
            (.answerBeforeBytes, .answered), (.closedBeforeBytes, .closed):
            true
        default: false
        }
    }

    func leavesUnsynced(_ fact: CoordinatorFact) -> Bool {
        switch (self, fact) {
        case (.proposalBeforeBytes, .epochProposed), (.survivorsBeforeBytes, .survivorsFixed),
            (.skipBeforeBytes, .skipped):
            true
        default: false
        }
    }
}
