// SPDX-License-Identifier: MIT

import Reporting

/// Compares this machine's clock with another one's.
public enum ClockCheck {
    /// More seconds of difference are warned about.
    public static let warningSeconds = 60.0
    /// More seconds of difference are a failure: certificates are issued to be valid an hour before that moment, so that a
    /// fresh one would not be valid yet on the other side.
    public static let failureSeconds = 3_600.0

    /// Judges a clock that was read over a connection.
    ///
    /// - Parameters:
    ///   - theirs: what the other side said, Unix milliseconds.
    ///   - ours: what the clock here said when that arrived.
    ///   - window: how long before that the other side may have read its clock: since the connection was begun.
    public static func run(theirs: Int64, ours: Int64, window: Duration) -> Check {
        let half = window / .seconds(1) / 2
        let ahead = Double(ours - theirs) / 1000 - half
        let text = NumberText.fixed(abs(ahead), abs(ahead) < 10 ? 3 : 0)
        let found =
            "\(text) s \(ahead < 0 ? "behind" : "ahead of") the coordinator's, "
            + "give or take \(NumberText.fixed(half * 1000, 1)) ms"
        let figures = ["ahead_s": ahead, "uncertainty_s": half]
        let remedy = "set the clock of this machine or of the coordinator's, whichever is wrong (with NTP)"
        if abs(ahead) > failureSeconds {
            return .failed(
                .clock, "\(found); new certificates are not valid on both sides", remedy: remedy, figures: figures)
        }
        if abs(ahead) > warningSeconds { return .warning(.clock, found, remedy: remedy, figures: figures) }
        return .ok(.clock, found, figures: figures)
    }
}
