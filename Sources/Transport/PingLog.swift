// SPDX-License-Identifier: MIT

import NIOCore

/// Remembers the pings that have not been answered.
struct PingLog {
    private struct Entry {
        let nonce: UInt64
        let sent: NIODeadline
        let waiter: Ticket?
    }

    /// Pings of its own that are remembered; an older one would say nothing about the present.
    private static let ownMax = 4

    private var entries: [Entry] = []

    /// Notes a ping that goes out; a waiter is a call that waits for the answer.
    mutating func sent(nonce: UInt64, at now: NIODeadline, waiter: Ticket?) {
        if entries.count(where: { $0.waiter == nil }) >= Self.ownMax,
            let oldest = entries.firstIndex(where: { $0.waiter == nil })
        {
            entries.remove(at: oldest)
        }
        entries.append(Entry(nonce: nonce, sent: now, waiter: waiter))
    }

    /// Notes an answer; nil if it answers nothing.
    mutating func answered(nonce: UInt64, at now: NIODeadline) -> (roundTrip: Duration, waiter: Ticket?)? {
        guard let index = entries.firstIndex(where: { $0.nonce == nonce }) else { return nil }
        let entry = entries.remove(at: index)
        return (Duration(now - entry.sent), entry.waiter)
    }

    /// Forgets the ping of a call that was cancelled.
    mutating func forget(_ waiter: Ticket) {
        entries.removeAll { $0.waiter == waiter }
    }
}
