// SPDX-License-Identifier: MIT

/// How long rounds have waited for uploads, and how long the next one does: a pure function of the times measured
/// (protocol section 5, R1).
///
/// What counts of a round is the time in which two thirds of its members had uploaded: a few slow sites do not move it,
/// and every set that is fixed has as many.
struct UploadPace: Equatable, Sendable {
    /// The rounds that are looked at, and how many it takes before a round waits less than at first.
    static let roundsMax = 5
    static let roundsMin = 3
    /// A site may take so many times as long as two thirds of all took in the slowest of these rounds.
    static let factor = 5

    /// The times of the last rounds, at most `roundsMax`, the last one at the end.
    private(set) var times: [Duration] = []

    /// Takes a round whose set is fixed.
    ///
    /// - Parameters:
    ///   - uploads: for each upload the time since the round was opened, in the order in which they came.
    ///   - members: how many could have uploaded; of fewer uploads than two thirds of these nothing is learned.
    mutating func take(_ uploads: [Duration], members: Int) {
        let most = (2 * members + 2) / 3
        guard most > 0, uploads.count >= most else { return }
        times.append(uploads[most - 1])
        times.removeFirst(max(0, times.count - Self.roundsMax))
    }

    /// How long the next round waits for those that have not uploaded, once enough have.
    ///
    /// - Parameter bounds: the least and the most; the most as long as too little is known.
    func wait(within bounds: ClosedRange<Duration>) -> Duration {
        guard times.count >= Self.roundsMin, let slowest = times.max() else { return bounds.upperBound }
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
