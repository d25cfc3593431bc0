// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Primitives
import NIOConcurrencyHelpers
import TLS

@testable import Transport

/// A TLS client that speaks no frames of its own: what it sends is what the test says.
final class RawClient: Sendable {
    /// Collects what the server says.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = PlaintextReady

        let tls: TLSHandler
        let established: EventLoopPromise<Void>
        let log: Log
        let reads: Bool

        init(tls: TLSHandler, established: EventLoopPromise<Void>, log: Log, reads: Bool) {
            self.tls = tls
            self.reads = reads
            self.established = established
            self.log = log
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSEvent.established = event { established.succeed() }
            if case TLSEvent.peerClosed = event { log.close() }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = ByteBuffer()
            var hasMore = reads
            while hasMore {
                bytes.writeWithOutputRawSpan(minimumWritableBytes: 1 << 14) { hasMore = tls.read(into: &$0) }
            }
            log.add(Array(bytes.readableBytesView))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            log.fail(error)
            established.fail(error)
        }

        func channelInactive(context: ChannelHandlerContext) { established.fail(ChannelError.eof) }
    }

    /// What was heard so far.
    final class Log: Sendable {
        private let state = NIOLockedValueBox<(bytes: [UInt8], isClosed: Bool, error: ConnectionError?)>(
            ([], false, nil))

        var bytes: [UInt8] { state.withLockedValue { $0.bytes } }
        /// Whether the server closed in good order.
        var isClosed: Bool { state.withLockedValue { $0.isClosed } }

        func add(_ bytes: [UInt8]) { state.withLockedValue { $0.bytes += bytes } }
        func close() { state.withLockedValue { $0.isClosed = true } }

        /// What ended the connection otherwise, the first of it.
        var error: ConnectionError? { state.withLockedValue { $0.error } }

        func fail(_ error: any Error) {
            state.withLockedValue { $0.error = $0.error ?? error as? ConnectionError }
        }
    }

    let log = Log()
    private let channel: any Channel

    /// Connects and completes the handshake on this side.
    ///
    /// - Parameter wire: what stands between TLS and the socket.
    init(
        _ federation: TestFederation, _ listener: Listener, as identity: TLSIdentity? = nil,
        alpn: ApplicationProtocol = .federation, showsCertificate: Bool = true,
        reads: Bool = true, wire: (any ChannelHandler & Sendable)? = nil
    ) async throws {
        let context = try TLSContext(
            offering: alpn, as: showsCertificate ? identity ?? federation.party : nil,
            trust: .anchors([federation.authority]),
            policy: { _ in nil })
        let log = log
        let established: EventLoopFuture<Void>
        (channel, established) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: listener.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(
                        session: try context.makeSession(), isClient: true, meter: nil, lingerTimeout: .seconds(1))
                    let promise = channel.eventLoop.makePromise(of: Void.self)
                    if let wire { try channel.pipeline.syncOperations.addHandler(wire) }
                    try channel.pipeline.syncOperations.addHandlers(
                        tls, Collector(tls: tls, established: promise, log: log, reads: reads))
                    return (channel, promise.futureResult)
                }
            }
        try await established.get()
    }

    /// Sends bytes as they are, inside TLS.
    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(Plaintext(head: ByteBuffer(bytes: bytes)))
    }

    /// Sends frames.
    func send(_ frames: Frame...) async throws {
        var buffer = ByteBuffer()
        for frame in frames { frame.encode(into: &buffer) }
        try await channel.writeAndFlush(Plaintext(head: buffer))
    }

    /// Sends a frame as connections do, its longest part where it is.
    func sendUncopied(_ frame: Frame) async throws {
        var head = ByteBuffer()
        let body = frame.encodeHead(into: &head)
        try await channel.writeAndFlush(Plaintext(head: head, body: body))
    }

    /// Takes nothing more from the socket.
    func stopReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    /// The welcome that every client must send first.
    func sendWelcome() async throws {
        try await send(.welcome(Welcome(messageBytesMax: 1 << 20, streamsMax: 8)))
    }

    /// Ends the socket without a word of TLS.
    func cut() async throws {
        let channel = channel
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.context(handlerType: TLSHandler.self).close(promise: nil)
        }.get()
    }

    /// Closes in good order.
    func close() async { try? await channel.close() }

    /// Whether the socket has ended.
    var hasEnded: Bool { !channel.isActive }
}
