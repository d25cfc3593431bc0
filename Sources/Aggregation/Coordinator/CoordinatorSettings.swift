// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// What an operator decides about a run's course; none of it is trusted by anybody else.
public struct CoordinatorSettings: Sendable {
    public var federation: String
    /// Parties to wait for before the first epoch.
    public var cohort: Int
    /// How helper slots are filled.
    public var slots = SlotChoice.all
    /// Whether both holders of every slot are asked and their shares compared (protocol section 6, "Cross-check").
    public var crossCheck = false
    /// How long to wait for them, from the first connection on.
    public var cohortWait: Duration = .seconds(120)
    public var setUpDeadline: Duration = .seconds(30)
    /// The most that a round waits for uploads.
    public var uploadDeadline: Duration = .seconds(600)
    /// The least that a round of an epoch with standbys waits for whoever is slower than the others, once enough have
    /// uploaded; how long within these bounds follows from the rounds before (`Pace`).
    public var uploadWaitMin: Duration = .seconds(30)
    /// How long a round waits for the votes of a quorum at first; later five times as long as it took, up to the most.
    public var voteDeadline: Duration = .seconds(10)
    public var voteDeadlineMax: Duration = .seconds(60)
    /// How long a helper has for its partial at first, or five times as long as the slowest upload took to send; later five
    /// times as long as partials took, at least this in mode `all` and the least with standbys, at most `uploadDeadline`.
    public var partialDeadline: Duration = .seconds(30)
    public var partialDeadlineMin: Duration = .seconds(10)
    /// How long a result may take to be applied by everybody before the next round.
    public var applyDeadline: Duration = .seconds(60)
    /// A party whose connection closed is lost after this.
    public var lostAfter: Duration = .seconds(5)
    /// How long a run that cannot go on waits for a lost party.
    public var rejoinWait: Duration = .seconds(60)
    /// How long a run waits for one holder of a slot that has lost both: half of `rejoinWait`, so that such a run ends within
    /// a minute by default, the time included in which the loss is noticed.
    public var slotWait: Duration { rejoinWait / 2 }
    /// Vectors that may be on their way at once.
    public var grantsMax = 4
    /// Set-ups that may fail one after the other.
    public var setUpsMax = 5
    /// Rounds that may be skipped one after the other.
    public var skipsMax = 3

    /// Makes settings with the defaults of the protocol.
    public init(federation: String, cohort: Int) {
        self.federation = federation
        self.cohort = cohort
    }
}
