// SPDX-License-Identifier: MIT

import Aggregation

/// Counts what this site did, hour by hour, for the policy's limits on a day.
struct DailyActivity: Codable, Equatable {
    /// Rounds and epochs by the hour in which they began, in hours since 1970.
    private var rounds: [Int64: Int] = [:]
    private var epochs: [Int64: Int] = [:]

    private static let secondsPerHour: Int64 = 3600
    /// The present hour and the 24 before it: never less than a day.
    private static let hours: Int64 = 25

    /// Counts a fact that begins a round or an epoch; false for any other.
    mutating func count(_ fact: MemberFact, now unixSeconds: Int64) -> Bool {
        let hour = unixSeconds / Self.secondsPerHour
        switch fact {
        case .entered: rounds[hour, default: 0] += 1
        case .epochTaken: epochs[hour, default: 0] += 1
        default: return false
        }
        rounds = rounds.filter { $0.key > hour - Self.hours }
        epochs = epochs.filter { $0.key > hour - Self.hours }
        return true
    }

    /// What was done in the last 24 hours.
    func today(now unixSeconds: Int64) -> Member.Activity {
        let first = unixSeconds / Self.secondsPerHour - Self.hours
        return Member.Activity(
            rounds: rounds.filter { $0.key > first }.values.reduce(0, +),
            epochs: epochs.filter { $0.key > first }.values.reduce(0, +))
    }
}
