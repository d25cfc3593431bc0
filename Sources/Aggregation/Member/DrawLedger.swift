// SPDX-License-Identifier: MIT

import Messages

/// Counts the draws of slots that a member took part in (protocol section 4, step E2): a coordinator that has them drawn
/// anew until they suit it comes to an end.
struct DrawLedger: Equatable, Sendable {
    private struct Draw: Equatable {
        let unixSeconds: Int64
        let renewals: Int
    }

    private var draws: [Draw] = []
    /// Whether the last draw's epoch may still apply a Result, after which the draw does not count.
    private var isOpen = false

    /// Counts a draw.
    mutating func add(unixSeconds: Int64, renewals: Int) {
        draws.append(Draw(unixSeconds: unixSeconds, renewals: renewals))
        isOpen = true
    }

    /// The epoch of the last draw is over: the draw counts for good.
    mutating func settle() { isOpen = false }

    /// The epoch of the last draw has applied a Result: the draw does not count.
    mutating func forgive() {
        if isOpen { draws.removeLast() }
        isOpen = false
    }

    /// Draws within the 24 hours before a moment. Those of a clock that ran ahead count as well.
    func today(unixSeconds: Int64) -> Int { draws.count { $0.unixSeconds > unixSeconds - 86_400 } }

    /// Draws since the member record was confirmed for the `renewals`-th time.
    func since(renewals: Int) -> Int { draws.count { $0.renewals >= renewals } }

    /// Says why one more draw is too many, or nil.
    func refusal(unixSeconds: Int64, renewals: Int) -> String? {
        let (today, ever) = (today(unixSeconds: unixSeconds), since(renewals: renewals))
        if today >= Limits.drawsPerDay {
            return "slots were drawn \(today) times in 24 hours without a result; wait, and ask the coordinator why"
        }
        if ever >= Limits.drawsPerRecord {
            return "slots were drawn \(ever) times without a result since this site's members were confirmed; "
                + "ask the coordinator why, then run: smpc-client members confirm"
        }
        return nil
    }
}
