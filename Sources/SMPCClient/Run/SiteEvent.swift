// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives
import Shares
import Transport

/// What happens to a site from outside or comes back from its own work.
enum SiteEvent: Sendable {
    /// A connection to the coordinator stands; Hello is due.
    case connected(Connection)
    /// The connection to the coordinator is gone.
    case disconnected
    case handedOver(HandoverHeader, [UInt8])
    case membersChanged
    case message(ControlMessage)
    case peerConnected(PartyID)
    case peerDisconnected(PartyID)
    case peerMessage(PartyID, ControlMessage)
    case result(ResultHeader, trailer: Envelope, sum: Field64Vector, leaf: Digest)
    case shareMade(AnswerOrder, Outcome<AggregateShare>)
    case trained(base: Digest, Outcome<KeptUpdate>)
    case vectorMade(ctx: Digest, Outcome<ExplicitShare>)

    /// What came of a piece of work.
    enum Outcome<Value: Sendable>: Sendable {
        case done(Value)
        case failed(String)
    }
}

/// The one queue of a site's events: whoever submits one waits until it has been handled, so that nothing piles up and
/// each source stays in order.
final class SiteInbox: Sendable {
    /// An event and whom to tell when it has been handled.
    struct Item: Sendable {
        let event: SiteEvent
        let done: CheckedContinuation<Void, Never>
    }

    /// The items, for one reader.
    let items: AsyncStream<Item>
    private let output: AsyncStream<Item>.Continuation

    init() { (items, output) = AsyncStream.makeStream() }

    /// Hands an event in and returns when it has been handled, or when nobody will any more.
    func submit(_ event: SiteEvent) async {
        await withCheckedContinuation { done in
            if case .terminated = output.yield(Item(event: event, done: done)) { done.resume() }
        }
    }

    /// Takes no more events and lets go of those that wait.
    func close() async {
        output.finish()
        for await item in items { item.done.resume() }
    }
}
