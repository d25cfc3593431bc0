// SPDX-License-Identifier: MIT

import Aggregation
import Messages
import Transport

/// Counts what was refused, for logs and the summary.
struct RefusalCounters {
    /// Messages and trailers that do not parse.
    var invalidMessages = 0
    /// Messages that came too late or too early to say anything.
    var discardedMessages = 0
    /// Messages that parse and break the protocol.
    var rejectedMessages = 0
    /// Streams by the reason of their refusal.
    var streams: [VectorRefusal: Int] = [:]

    /// Everything that was refused, together with what the listener and the relays refused; no entry is 0.
    func all(_ transport: TransportCounters.Snapshot?, relays: [RelayRefusal: Int]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for (reason, count) in transport?.refusedHandshakes ?? [:] { counts["handshakes.\(reason.rawValue)"] = count }
        for (name, count) in transport?.rejectedFrames ?? [:] { counts["frames.\(name)"] = count }
        for (reason, count) in streams { counts["streams.\(reason)"] = count }
        for (reason, count) in relays { counts["relays.\(reason.name)"] = count }
        counts["connections.lost"] = transport?.lost ?? 0
        counts["messages.discarded"] = discardedMessages
        counts["messages.invalid"] = invalidMessages
        counts["messages.rejected"] = rejectedMessages
        return counts.filter { $0.value > 0 }
    }
}
