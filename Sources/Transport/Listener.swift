// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import NIOPosix
import Primitives
import TLS

/// Says why a listener could not be made.
public enum ListenerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another socket listens there.
    case addressInUse(host: String, port: Int)
    /// The system does not let it listen there; `reason` is its own.
    case cannotBind(host: String, port: Int, reason: String)
    /// The certificate that it was to show names no role in a federation.
    case identityWithoutRole(uris: [String])
    /// OpenSSL does not take the identity.
    case tls(TLSError)

    public var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "\(HTTPProxy.authority(host: host, port: port)) is taken by another program"
        case .cannotBind(let host, let port, let reason):
            "cannot listen on \(HTTPProxy.authority(host: host, port: port)): \(reason)"
        case .identityWithoutRole(let uris): "the certificate names no role in a federation (URIs: \(uris))"
        case .tls(let error): "\(error)"
        }
    }
}

/// Accepts connections of members of one federation, and of enrolling clients where it is told to.
public final class Listener: Sendable {
    /// The port it listens on, the one the system chose if it was asked for 0.
    public let port: Int
    /// The accepted connections, each one handed out once, for one reader.
    public let connections: AsyncStream<Connection>
    /// What it refused so far.
    public let counters: TransportCounters
    private let channel: any Channel
    private let output: AsyncStream<Connection>.Continuation
    private let acceptor: Acceptor
    private let group: any EventLoopGroup
    /// Makes what connections are made with, for an identity.
    private let makeContext: @Sendable (TLSIdentity) throws -> TLSContext

    private init(
        channel: any Channel, acceptor: Acceptor, group: any EventLoopGroup, connections: AsyncStream<Connection>,
        output: AsyncStream<Connection>.Continuation,
        makeContext: @escaping @Sendable (TLSIdentity) throws -> TLSContext
    ) {
        port = channel.localAddress?.port ?? 0
        self.channel = channel
        self.acceptor = acceptor
        self.group = group
        counters = acceptor.counters
        self.connections = connections
        self.output = output
        self.makeContext = makeContext
    }

    /// Listens on an address.
    ///
    /// - Parameters:
    ///   - host: an address of this host, or a name of it; "0.0.0.0" and "::" are all of them.
    ///   - port: 0 lets the system choose.
    ///   - identity: what it shows; its leaf names the federation whose members are accepted.
    ///   - alpns: what it speaks. Whoever offers none of these is refused.
    ///   - isRevoked: asked for every certificate of the federation, on the event loop: it must not block.
    ///   - logger: hears of every refused connection, at debug level.
    /// - Throws: `ListenerError`.
    public static func bind(
        host: String, port: Int, identity: TLSIdentity, alpns: [ApplicationProtocol] = [.federation],
        isRevoked: @escaping @Sendable (Certificate) -> Bool = { _ in false }, meter: ByteMeter? = nil,
        configuration: TransportConfiguration = TransportConfiguration(), logger: Logger? = nil,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> Listener {
        let makeContext = { @Sendable in try Self.makeContext($0, alpns: alpns, isRevoked: isRevoked) }
        let context = try makeContext(identity)
        let (connections, output) = AsyncStream.makeStream(
            of: Connection.self, bufferingPolicy: .bufferingOldest(configuration.connectionsMax))
        let acceptor = Acceptor(
            context: context, configuration: configuration, meter: meter, logger: logger, output: output)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.noDelay, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .transport)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try acceptor.accept(channel)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            return Listener(
                channel: channel, acceptor: acceptor, group: group, connections: connections, output: output,
                makeContext: makeContext)
        } catch let error as IOError where error.errnoCode == SystemError.addressInUse {
            throw ListenerError.addressInUse(host: host, port: port)
        } catch {
            throw ListenerError.cannotBind(host: host, port: port, reason: ConnectionError.reason(of: error))
        }
    }

    /// Shows another identity on connections that come from now on, and accepts its anchors; those that stand go on.
    ///
    /// - Throws: `ListenerError`; then everything stays as it was.
    public func replace(_ identity: TLSIdentity) throws { acceptor.replace(try makeContext(identity)) }

    /// Takes a connection that comes through a relay, as if it had come on a socket: it is among `connections` when its
    /// handshake is over, and counts among all of them.
    public func accept(_ relay: RelayEnd) async throws {
        let socket = try await RelaySocket.carrying(relay, group: group)
        let acceptor = acceptor
        try await ClientBootstrap(group: group)
            .channelOption(.writeBufferWaterMark, value: .transport)
            .withConnectedSocket(socket.inner) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try acceptor.accept(channel, by: Route(path: .relayed, target: relay.target))
                }
            }
    }

    /// Stops listening; connections already handed out go on.
    public func close() async {
        output.finish()
        try? await channel.close()
    }

    private static func makeContext(
        _ identity: TLSIdentity, alpns: [ApplicationProtocol], isRevoked: @escaping @Sendable (Certificate) -> Bool
    ) throws -> TLSContext {
        let leaf = identity.certificateChainDER.first.flatMap { try? Certificate(der: $0) }
        guard let leaf, let own = try? PeerIdentity(leaf) else {
            throw ListenerError.identityWithoutRole(uris: leaf?.uris ?? [])
        }
        do throws(TLSError) {
            return try TLSContext(serving: alpns, as: identity) { certificate in
                guard let peer = try? PeerIdentity(certificate), peer.federation == own.federation else {
                    return .wrongRole(expected: "a member of \(own.federation)", actual: certificate.uris)
                }
                return isRevoked(certificate) ? .revoked : nil
            }
        } catch {
            throw ListenerError.tls(error)
        }
    }
}
