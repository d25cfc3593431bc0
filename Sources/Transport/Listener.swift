// SPDX-License-Identifier: MIT

import Identity
import NIOCore
import NIOPosix
import Primitives
import Synchronization
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
        case .addressInUse(let host, let port): "\(host):\(port) is taken by another program"
        case .cannotBind(let host, let port, let reason): "cannot listen on \(host):\(port): \(reason)"
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

    private init(
        channel: any Channel, counters: TransportCounters, connections: AsyncStream<Connection>,
        output: AsyncStream<Connection>.Continuation
    ) {
        port = channel.localAddress?.port ?? 0
        self.channel = channel
        self.counters = counters
        self.connections = connections
        self.output = output
    }

    /// Listens on an address.
    ///
    /// - Parameters:
    ///   - host: an address of this host, or a name of it; "0.0.0.0" and "::" are all of them.
    ///   - port: 0 lets the system choose.
    ///   - identity: what it shows; its leaf names the federation whose members are accepted.
    ///   - alpns: what it speaks. Whoever offers none of these is refused.
    ///   - isRevoked: asked for every certificate of the federation, on the event loop: it must not block.
    /// - Throws: `ListenerError`.
    public static func bind(
        host: String, port: Int, identity: TLSIdentity, alpns: [ApplicationProtocol] = [.federation],
        isRevoked: @escaping @Sendable (Certificate) -> Bool = { _ in false }, meter: ByteMeter? = nil,
        configuration: TransportConfiguration = TransportConfiguration(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> Listener {
        let context = try makeContext(identity, alpns: alpns, isRevoked: isRevoked)
        let counters = TransportCounters()
        let places = Places(configuration: configuration)
        let (connections, output) = AsyncStream.makeStream(
            of: Connection.self, bufferingPolicy: .bufferingOldest(configuration.connectionsMax))
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .transport)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try accept(channel, context, places, counters, meter, configuration, output)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            return Listener(channel: channel, counters: counters, connections: connections, output: output)
        } catch let error as IOError where error.errnoCode == SystemError.addressInUse {
            throw ListenerError.addressInUse(host: host, port: port)
        } catch {
            throw ListenerError.cannotBind(host: host, port: port, reason: ConnectionError.reason(of: error))
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
        guard let leaf = try identity.certificateChainDER.first.map({ try Certificate(der: $0) }),
            let own = try? PeerIdentity(leaf)
        else { throw ListenerError.identityWithoutRole(uris: []) }
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

    /// Prepares an accepted socket, on its event loop.
    private static func accept(
        _ channel: any Channel, _ context: TLSContext, _ places: Places, _ counters: TransportCounters,
        _ meter: ByteMeter?, _ configuration: TransportConfiguration, _ output: AsyncStream<Connection>.Continuation
    ) throws {
        if let refusal = places.take() {
            counters.count(refusal: refusal)
            channel.close(promise: nil)
            return
        }
        let place = Places.Place(places)
        channel.closeFuture.whenComplete { _ in place.leave() }
        let tls = TLSHandler(
            session: try context.makeSession(), isClient: false, meter: meter,
            lingerTimeout: configuration.closeTimeout)
        let ready = channel.eventLoop.makePromise(of: Connection.self)
        ready.futureResult.whenComplete { result in
            place.completeHandshake()
            switch result {
            case .success(let connection):
                counters.countAccepted()
                if case .enqueued = output.yield(connection) { return }
                channel.close(promise: nil)
            case .failure(let error):
                counters.count(refusal: HandshakeRefusal(error as? ConnectionError ?? .closedBeforeWelcome))
            }
        }
        let handler = ConnectionHandler(
            tls: tls, isDialler: false, configuration: configuration, setupTimeout: configuration.handshakeTimeout,
            counters: counters, ready: ready)
        try channel.pipeline.syncOperations.addHandlers(tls, handler)
    }
}

/// Bounds the connections of a listener and those among them that have not completed their handshake.
private final class Places: Sendable {
    private struct State {
        var connections = 0
        var handshakes = 0
    }

    private let configuration: TransportConfiguration
    private let state = Mutex(State())

    init(configuration: TransportConfiguration) { self.configuration = configuration }

    /// Takes a place, or says why there is none.
    func take() -> HandshakeRefusal? {
        state.withLock { state in
            guard state.connections < configuration.connectionsMax else { return .tooManyConnections }
            guard state.handshakes < configuration.handshakesMax else { return .tooManyHandshakes }
            state.connections += 1
            state.handshakes += 1
            return nil
        }
    }

    /// One connection's place; what it gives back, it gives back once.
    final class Place: Sendable {
        private let places: Places
        private let isShakingHands = Mutex(true)

        init(_ places: Places) { self.places = places }

        func completeHandshake() {
            let wasShaking = isShakingHands.withLock { value in
                defer { value = false }
                return value
            }
            if wasShaking { places.state.withLock { $0.handshakes -= 1 } }
        }

        func leave() {
            completeHandshake()
            places.state.withLock { $0.connections -= 1 }
        }
    }
}
