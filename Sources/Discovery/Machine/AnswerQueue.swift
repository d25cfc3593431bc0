// SPDX-License-Identifier: MIT

/// Collects the answers that are due on one interface, and keeps each record from being multicast more than once a
/// second there (RFC 6762, section 6). It holds at most one entry for each kind of record.
struct AnswerQueue: Sendable {
    static let repeatInterval = Duration.seconds(1)
    /// A prober needs its answer before it goes on.
    static let probeRepeatInterval = Duration.milliseconds(250)

    private struct Pending: Sendable {
        var due: Duration
        /// The only querier waiting, whose further known answers may make the answer superfluous.
        var follower: DatagramSource?
    }

    let interface: NetworkInterface
    private var pending: [OwnRecord: Pending] = [:]
    private var lastSent: [OwnRecord: Duration] = [:]

    init(interface: NetworkInterface) { self.interface = interface }

    var deadline: Duration? { pending.values.map(\.due).min() }

    /// Asks for records at `due`, later if they were sent too recently, sooner if they are waited for already.
    mutating func schedule(
        _ kinds: [OwnRecord], at due: Duration, isProbe: Bool = false, follower: DatagramSource? = nil
    ) {
        let interval = isProbe ? Self.probeRepeatInterval : Self.repeatInterval
        for kind in kinds {
            let allowed = lastSent[kind].map { max(due, $0 + interval) } ?? due
            if let waiting = pending[kind] {
                let onlyFollower = waiting.follower == follower ? follower : nil
                pending[kind] = Pending(due: min(waiting.due, allowed), follower: onlyFollower)
            } else {
                pending[kind] = Pending(due: allowed, follower: follower)
            }
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

    /// Forgets all answers, as when the names change.
    mutating func clear() {
        pending = [:]
        lastSent = [:]
    }

    /// Takes the answers due at `now`, in the order of their kinds.
    mutating func takeDue(at now: Duration) -> [OwnRecord] {
        let due = OwnRecord.allCases.filter { pending[$0].map { $0.due <= now } ?? false }
        for kind in due {
            pending[kind] = nil
            lastSent[kind] = now
        }
        return due
    }
}
