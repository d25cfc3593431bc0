// SPDX-License-Identifier: MIT

import Glibc

/// Writes a time for people as `2027-11-21T07:32:42Z` (RFC 3339), by the proleptic Gregorian calendar.
public struct UTCTime: CustomStringConvertible, Equatable, Sendable {
    /// Seconds since 1970, leap seconds left out.
    public let unixSeconds: Int64

    /// What the clock of this machine says.
    public static var now: UTCTime { UTCTime(Int64(time(nil))) }

    /// Wraps Unix seconds.
    public init(_ unixSeconds: Int64) { self.unixSeconds = unixSeconds }

    public var description: String {
        let day = Int64(86_400)
        let days = (unixSeconds - (unixSeconds % day + day) % day) / day
        let second = unixSeconds - days * day
        // Days are counted from 1 March of the year 0, so that a leap day is the last of its year; an era of 400
        // years has 146,097 days, and months from March on begin at day (153 m + 2) / 5 of their year.
        let shifted = days + 719_468
        let era = (shifted - (shifted % 146_097 + 146_097) % 146_097) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = [year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1].map(Self.twoDigits)
        let time = [second / 3600, second / 60 % 60, second % 60].map(Self.twoDigits)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":"))Z"
    }

    private static func twoDigits(_ number: Int64) -> String {
        (0...9).contains(number) ? "0\(number)" : "\(number)"
    }
}
