// SPDX-License-Identifier: MIT

/// Collects the answers that are due on one link, and keeps each record from being multicast more than once a second
/// there (RFC 6762, section 6). It holds at most one entry for each kind of record.
struct AnswerQueue: Sendable {
    static let repeatInterval = Duration.seconds(1)
    /// A prober needs its answer before it goes on.
    static let probeRepeatInterval = Duration.milliseconds(250)
    /// What is due so soon after an answer goes along with it (section 6.4).
    static let aggregation = Duration.milliseconds(120)
    /// How much later than promised an answer may be sent because its querier's known answers go on (section 7.2); without
    /// a bound a neighbour could keep it from being sent at all.
    static let extensionMax = Duration.seconds(2)

    private struct Pending: Sendable {
        var due: Duration
        /// It was sent too recently to be sent before.
        var allowed: Duration
        /// The only querier waiting, whose further known answers may make the answer superfluous.
        var follower: DatagramSource?
        /// When it is sent even if further known answers keep coming.
        var latest: Duration
    }

    private var pending: [OwnRecord: Pending] = [:]
    private var lastSent: [OwnRecord: Duration] = [:]

    var deadline: Duration? { pending.values.map(\.due).min() }

    /// Asks for records at `due`, later if they were sent too recently, sooner if they are waited for already.
    mutating func schedule(
        _ kinds: [OwnRecord], at due: Duration, isProbe: Bool = false, follower: DatagramSource? = nil
    ) {
        let interval = isProbe ? Self.probeRepeatInterval : Self.repeatInterval
        for kind in kinds {
            let allowed = lastSent[kind].map { $0 + interval } ?? due
            let start = max(due, allowed)
            guard let waiting = pending[kind] else {
                pending[kind] = Pending(
                    due: start, allowed: allowed, follower: follower, latest: start + Self.extensionMax)
                continue
            }
            pending[kind]?.due = min(waiting.due, start)
            pending[kind]?.allowed = min(waiting.allowed, allowed)
            if waiting.follower != follower { pending[kind]?.follower = nil }
        }
    }

    /// Drops answers for which nobody but `follower` waits.
    mutating func drop(_ kinds: [OwnRecord], followedBy follower: DatagramSource) {
        for kind in kinds where pending[kind]?.follower == follower { pending[kind] = nil }
    }

    /// Drops answers that somebody else gave.
    mutating func drop(_ kinds: [OwnRecord]) {
        for kind in kinds { pending[kind] = nil }
    }

    /// Waits until `due` for answers of which only `follower` is in want, since more of its known answers follow.
    mutating func extend(followedBy follower: DatagramSource, to due: Duration) {
        for (kind, waiting) in pending where waiting.follower == follower {
            pending[kind]?.due = max(waiting.due, min(due, waiting.latest))
        }
    }

    /// Forgets all answers, as when the names change.
    mutating func clear() {
        pending = [:]
        lastSent = [:]
    }

    /// Takes the answers due at `now` and those that may go with them, in the order of their kinds, and of
    /// `companions` those not sent too recently.
    mutating func takeDue(
        at now: Duration, companions: (OwnRecord) -> [OwnRecord]
    ) -> (answers: [OwnRecord], additionals: [OwnRecord]) {
        guard let deadline, deadline <= now else { return ([], []) }
        let answers = OwnRecord.allCases.filter { kind in
            guard let waiting = pending[kind] else { return false }
            if waiting.due <= now { return true }
            return waiting.follower == nil && waiting.allowed <= now && waiting.due <= now + Self.aggregation
        }
        let wanted = Set(answers.flatMap(companions)).subtracting(answers)
        let additionals = OwnRecord.allCases.filter { kind in
            wanted.contains(kind) && (lastSent[kind].map { $0 + Self.repeatInterval <= now } ?? true)
        }
        for kind in answers + additionals {
            pending[kind] = nil
            lastSent[kind] = now
        }
        return (answers, additionals)
    }
}
