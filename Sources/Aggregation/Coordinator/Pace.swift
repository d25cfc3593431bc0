// SPDX-License-Identifier: MIT

/// How long a step took in the last rounds, and how long the next one waits for whoever is slower: a pure function of the
/// times measured (protocol section 5, "Deadlines").
struct Pace: Equatable, Sendable {
    /// The rounds that are looked at, and how many it takes before a round waits less than at first.
    static let roundsMax = 5
    static let roundsMin = 3
    /// A site may take so many times as long as the slowest of these rounds did.
    static let factor = 5

    /// The times of the last rounds, at most `roundsMax`, the last one at the end.
    private(set) var times: [Duration] = []

    /// Takes the time of a round.
    mutating func take(_ time: Duration) {
        times.append(time)
        times.removeFirst(max(0, times.count - Self.roundsMax))
    }

    /// Takes a round whose set is fixed: the time in which two thirds of its members had uploaded, which a few slow sites do
    /// not move. Every set that is fixed has as many.
    ///
    /// - Parameters:
    ///   - uploads: for each upload the time since the round was opened, in the order in which they came.
    ///   - members: how many could have uploaded; of fewer uploads than two thirds of these nothing is learned.
    mutating func take(_ uploads: [Duration], members: Int) {
        if let time = Self.ofTwoThirds(uploads, of: members) { take(time) }
    }

    /// The time of the last of two thirds; nil when there are fewer.
    ///
    /// - Parameter times: in ascending order.
    static func ofTwoThirds(_ times: [Duration], of count: Int) -> Duration? {
        let most = (2 * count + 2) / 3
        return most > 0 && times.count >= most ? times[most - 1] : nil
    }

    /// How long the next round waits.
    ///
    /// - Parameters:
    ///   - bounds: the least and the most.
    ///   - first: what it is as long as too little is known; the most when nil.
    func wait(within bounds: ClosedRange<Duration>, first: Duration? = nil) -> Duration {
        guard times.count >= Self.roundsMin, let slowest = times.max() else { return first ?? bounds.upperBound }
        return min(max(slowest * Self.factor, bounds.lowerBound), bounds.upperBound)
    }
}

/// A member that did not upload in time: the next rounds do not wait for it, more of them from time to time.
///
/// It may upload in any of them as long as their set is not fixed, and is then in it like everybody else.
struct Lateness: Equatable, Sendable {
    /// The most rounds in a row that do not wait for a member.
    static let roundsMax: UInt64 = 16

    private(set) var misses = 0
    /// The first round that waits for it again.
    private(set) var waitedFor: UInt64 = 0

    /// Counts a round that waited in vain: the next one, then two, four, … do without.
    mutating func miss(round: UInt64) {
        waitedFor = round + 1 + min(1 << UInt64(min(misses, 16)), Self.roundsMax)
        misses += 1
    }
}
