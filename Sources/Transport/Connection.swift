// SPDX-License-Identifier: MIT

import NIOCore
import Primitives
import TLS

/// What the peer sent.
public enum TransportEvent: Sendable {
    /// A message, whole.
    case message([UInt8])
    /// A stream that the peer wants to send; nothing of it flows before it is accepted.
    case stream(IncomingStream)
}

/// A secure connection to one peer, both sides authenticated: messages, streams under credit, pings.
///
/// Any task may use it. It stays open until either side closes it or the peer falls silent, whether or not anybody holds
/// this object.
public final class Connection: Sendable {
    /// Who the peer is; nil only for a client that enrols, which has no certificate yet.
    public let peer: PeerIdentity?
    /// The peer's accepted chain, leaf first, authority last; empty if `peer` is nil.
    public let peerChain: [Certificate]
    /// What is spoken here.
    public let applicationProtocol: ApplicationProtocol
    /// The other end's address and port, for people to read; through a proxy the one that it was asked for, through a relay
    /// who is there.
    public let remoteAddress: String
    /// The other end's numeric address; nil if it has none that is known here.
    public let remoteHost: String?
    /// The way that leads there.
    public let path: Path
    /// This end's numeric address; nil if it has none.
    public let localHost: String?
    private let core: ConnectionCore
    private let status: ConnectionStatus
    private let queue: ReceiveQueue<TransportEvent>

    /// To be made on the event loop, once the peer's welcome is there.
    init(core: ConnectionCore, handler: ConnectionHandler, events: ReceiveQueue<TransportEvent>, channel: any Channel) {
        path = handler.route.path
        let session = handler.tls.session
        peerChain = session.peerChain
        peer = session.peerChain.first.flatMap { try? PeerIdentity($0) }
        applicationProtocol = session.applicationProtocol ?? .federation
        remoteHost = handler.route.target == nil ? channel.remoteAddress?.ipAddress : nil
        localHost = channel.localAddress?.ipAddress
        remoteAddress = handler.route.target ?? Self.text(channel.remoteAddress)
        self.core = core
        status = handler.status
        queue = events
    }

    /// What the peer sends, in order, for one reader.
    ///
    /// Ends when either side closes in good order, throws `ConnectionError` otherwise. While 4 MiB wait here, nothing more
    /// is read from the socket.
    public var events: Events { Events(queue: queue) }

    /// Sends a message, at most as long as the peer takes (1 MiB by default); returns when it goes to the socket.
    public func send(_ message: [UInt8]) async throws {
        try await core.wait { handler, ticket in handler.send(message, ticket: ticket) }
    }

    /// Begins a stream; its header has at most 64 KiB.
    public func openStream(header: [UInt8]) async throws -> OutgoingStream {
        let id = try await core.call { handler in try handler.open(header: header) }
        return OutgoingStream(id: id, core: core)
    }

    /// Asks the peer for a sign of life; returns how long the answer took.
    public func ping() async throws -> Duration {
        let start = ContinuousClock.now
        try await core.wait { handler, ticket in handler.ping(ticket: ticket) }
        return ContinuousClock.now - start
    }

    /// When the peer last answered a ping; nil before the first answer.
    public var lastPong: ContinuousClock.Instant? { status.lastPong }

    /// How long the last answer to a ping took.
    public var roundTrip: Duration? { status.roundTrip }

    /// Why the connection has ended, `ConnectionError.closed` with the closer's reason after a close in good order; nil
    /// while it is open.
    public var end: ConnectionError? { status.end }

    /// Derives bytes that only the two ends of this connection can know (RFC 8446, section 7.5).
    public func exporter(label: String, context: [UInt8], count: Int) async throws -> [UInt8] {
        try await core.call { handler in
            try handler.tls.session.exportKeyingMaterial(label: label, context: context, count: count)
        }
    }

    /// Closes in good order, messages that wait first; returns when the socket is closed.
    public func close(reason: GoodbyeReason = .done) async {
        let core = core
        try? await withCheckedThrowingContinuation { continuation in
            core.perform { $0.close(reason, waiter: continuation) }
        }
    }

    /// The sequence of what a peer sends.
    public struct Events: AsyncSequence, Sendable {
        public typealias Element = TransportEvent
        let queue: ReceiveQueue<TransportEvent>

        public func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }

        /// Takes event after event.
        public struct Iterator: AsyncIteratorProtocol {
            let queue: ReceiveQueue<TransportEvent>

            public func next() async throws -> TransportEvent? { try await queue.next() }
        }
    }

    /// What lies between the two ends.
    public enum Path: Hashable, Sendable, CustomStringConvertible {
        /// Nothing that this side was told of.
        case direct
        /// An HTTP proxy, by its address.
        case proxy(String)
        /// The coordinator, which relays.
        case relayed

        public var description: String {
            switch self {
            case .direct: "direct"
            case .proxy(let address): "through the proxy at \(address)"
            case .relayed: "relayed by the coordinator"
            }
        }
    }

    /// An address and port as people write them.
    static func text(_ address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else { return "unknown" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// What lies between the two ends of a connection, and what it was asked for.
struct Route: Sendable {
    let path: Connection.Path
    /// Who or what was asked for; nil on the direct way, where the socket knows.
    let target: String?

    static let direct = Route(path: .direct, target: nil)
}
