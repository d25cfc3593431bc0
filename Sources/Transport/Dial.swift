// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Primitives
import TLS

/// Connects to a peer and returns when it has accepted this side, which its first frame proves.
///
/// - Parameters:
///   - host: a name, an IPv4 or an IPv6 address.
///   - identity: what this side shows; nil only for enrolment.
///   - alpn: what to speak; nil: what the expectation implies.
///   - expecting: whom to reach; anybody else is refused.
///   - isRevoked: says of a certificate of the federation whether it has been revoked.
///   - proxy: makes a tunnel to `host`, whose name it then resolves; nil: the way is direct.
///   - meter: counts the bytes of this connection.
///   - timeout: for everything together, name resolution included.
/// - Throws: `ConnectionError`: `unresolvable`, `unreachable`, `timedOut`, `certificateRejected` (this side refuses),
///   `refused` (the peer refuses, with its alert), `proxy` (it makes no tunnel), `closedBeforeWelcome`, and
///   others.
public func dial(
    host: String, port: Int, identity: TLSIdentity?, alpn: ApplicationProtocol? = nil, expecting: PeerExpectation,
    isRevoked: @escaping @Sendable (Certificate) -> Bool = { _ in false }, proxy: HTTPProxy? = nil,
    meter: ByteMeter? = nil,
    timeout: Duration = .seconds(10), configuration: TransportConfiguration = TransportConfiguration(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
) async throws -> Connection {
    let context = try makeContext(
        alpn ?? expecting.applicationProtocol, as: identity, expecting: expecting, isRevoked: isRevoked)
    let request: SecretBytes?
    do throws(ProxyError) {
        request = try proxy?.request(host: host, port: port)
    } catch {
        throw ConnectionError.proxy(error)
    }
    let bootstrap = ClientBootstrap(group: group)
        .connectTimeout(TimeAmount(timeout))
        .channelOption(.noDelay, value: 1)
        .channelOption(.writeBufferWaterMark, value: .transport)
    let attempt = DialAttempt()
    let (nextHost, nextPort) = proxy.map { ($0.host, $0.port) } ?? (host, port)
    let prepared = bootstrap.channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            let route = proxy.map {
                Route(path: .proxy($0.description), target: HTTPProxy.authority(host: host, port: port))
            }
            if let request {
                try channel.pipeline.syncOperations.addHandler(
                    ProxyHandler(request: request, hadCredentials: proxy?.credentials != nil, meter: meter))
            }
            try attempt.prepare(
                channel, context: context, meter: meter, route: route ?? .direct, configuration: configuration,
                timeout: timeout)
        }
    }
    // An address needs no resolving, which would take a thread of its own and a look at the system's files. A host with
    // several addresses gets several channels, both families tried as RFC 8305 has it, which is NIO's work; the one that
    // connects first is returned.
    let connected =
        (try? SocketAddress(ipAddress: nextHost, port: nextPort)).map { prepared.connect(to: $0) }
        ?? prepared.connect(host: nextHost, port: nextPort)
    return try await attempt.connection(
        on: connected.flatMapErrorThrowing { error in
            let failure = ConnectionError(connecting: error, host: nextHost, port: nextPort, timeout: timeout)
            throw proxy == nil ? failure : failure.ofTheProxy(port: nextPort)
        })
}

/// Connects to a peer through a relay, as `dial(host:port:…)` does on a socket: the same handshake, the same keys demanded.
///
/// Its bytes are counted on the connection that carries them.
///
/// - Throws: `ConnectionError`, `relay` with the code on one of its streams when it is refused or ends.
public func dial(
    through relay: RelayEnd, identity: TLSIdentity, alpn: ApplicationProtocol? = nil, expecting: PeerExpectation,
    timeout: Duration = .seconds(10),
    configuration: TransportConfiguration = TransportConfiguration(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
) async throws -> Connection {
    let context = try makeContext(
        alpn ?? expecting.applicationProtocol, as: identity, expecting: expecting, isRevoked: { _ in false })
    let socket = try await RelaySocket.carrying(relay, group: group)
    let attempt = DialAttempt()
    let connected = ClientBootstrap(group: group)
        .channelOption(.writeBufferWaterMark, value: .transport)
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try attempt.prepare(
                    channel, context: context, meter: nil, route: Route(path: .relayed, target: relay.target),
                    configuration: configuration, timeout: timeout)
            }
        }
        .withConnectedSocket(socket.inner)
    do {
        return try await attempt.connection(on: connected)
    } catch let error as ConnectionError where [.closedBeforeWelcome, .truncated].contains(error) {
        throw socket.refusal.map { .relay($0) } ?? error
    }
}

private func makeContext(
    _ alpn: ApplicationProtocol, as identity: TLSIdentity?, expecting: PeerExpectation,
    isRevoked: @escaping @Sendable (Certificate) -> Bool
) throws(ConnectionError) -> TLSContext {
    do throws(TLSError) {
        return try TLSContext(
            offering: alpn, as: identity, trust: expecting.trust(anchors: identity?.trustAnchors ?? []),
            policy: { expecting.failure(of: $0, isRevoked: isRevoked) })
    } catch {
        throw ConnectionError(error)
    }
}

extension PeerExpectation {
    fileprivate var applicationProtocol: ApplicationProtocol {
        if case .enrolment = self { .enrolment } else { .federation }
    }
}

extension ConnectionError {
    /// Files what NIO says about a connection that could not be made.
    fileprivate init(connecting error: any Error, host: String, port: Int, timeout: Duration) {
        switch error {
        case let error as ConnectionError: self = error
        case let error as NIOConnectionError:
            let failures = error.connectionErrors.map { ConnectionError.reason(of: $0.error) }
            if failures.isEmpty {
                self = .unresolvable(host: host)
            } else if error.connectionErrors.contains(where: { Self.isTimeout($0.error) }) {
                self = .timedOut(timeout)
            } else {
                self = .unreachable(host: host, port: port, reason: failures.joined(separator: "; "))
            }
        case let error where Self.isTimeout(error): self = .timedOut(timeout)
        default: self = .unreachable(host: host, port: port, reason: Self.reason(of: error))
        }
    }

    /// Tells that it was the proxy that was not reached.
    fileprivate func ofTheProxy(port: Int) -> ConnectionError {
        switch self {
        case .unreachable(let host, let port, let reason):
            .proxy(.unreachable(host: host, port: port, reason: reason))
        case .unresolvable(let host):
            .proxy(.unreachable(host: host, port: port, reason: "the name has no address"))
        default: self
        }
    }

    private static func isTimeout(_ error: any Error) -> Bool {
        if case ChannelError.connectTimeout = error { true } else { false }
    }

    static func reason(of error: any Error) -> String {
        if let error = error as? IOError { SystemError.text(error.errnoCode) } else { String(describing: error) }
    }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    /// Sends small frames at once. At the level of sockets the same number is SO_DEBUG, which takes privileges to set.
    static var noDelay: Self { .tcpOption(.tcp_nodelay) }
}

extension ChannelOptions.Types.WriteBufferWaterMark {
    /// Room for one chunk on its way while the next is encrypted.
    static let transport = Self(low: 64 << 10, high: TransportConfiguration.chunkBytesMax)
}
