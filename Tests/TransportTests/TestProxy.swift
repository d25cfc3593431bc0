// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import Transport

/// An HTTP proxy that knows nothing but CONNECT, to ports of this host whatever name is asked for.
final class TestProxy: Sendable {
    enum Behaviour: Sendable {
        /// Answers this and closes.
        case answer(String)
        /// Says nothing.
        case silence
        /// Makes the tunnel.
        case tunnel
    }

    private struct Seen {
        var requests: [String] = []
        var count = ByteMeter.Count()
        var bytes: [UInt8] = []
    }

    let port: Int
    private let channel: any Channel
    private let seen = NIOLockedValueBox(Seen())

    /// The requests so far, whole.
    var requests: [String] { seen.withLockedValue { $0.requests } }
    /// The bytes from the client and to it.
    var count: ByteMeter.Count { seen.withLockedValue { $0.count } }

    /// How often this byte followed itself, at the most, in what passed from the client.
    func longestRun(of byte: UInt8) -> Int {
        seen.withLockedValue { $0.bytes }.reduce(into: (longest: 0, now: 0)) { runs, next in
            runs.now = next == byte ? runs.now + 1 : 0
            runs.longest = max(runs.longest, runs.now)
        }.longest
    }

    init(_ behaviour: Behaviour) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [seen] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Asked(behaviour, seen))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func close() async { try? await channel.close() }

    /// The client's side: reads the request, then carries bytes.
    private final class Asked: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let behaviour: Behaviour
        private let seen: NIOLockedValueBox<Seen>
        private var request = ""
        private var target: (any Channel)?

        init(_ behaviour: Behaviour, _ seen: NIOLockedValueBox<Seen>) {
            self.behaviour = behaviour
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            seen.withLockedValue { seen in
                seen.count.up += UInt64(buffer.readableBytes)
                seen.bytes += buffer.readableBytesView
            }
            if let target { return target.writeAndFlush(buffer, promise: nil) }
            request += String(buffer: buffer)
            guard request.hasSuffix("\r\n\r\n") else { return }
            seen.withLockedValue { $0.requests.append(request) }
            switch behaviour {
            case .silence: break
            case .answer(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                context.close(promise: nil)
            case .tunnel: connect(context)
            }
        }

        private func connect(_ context: ChannelHandlerContext) {
            let port = request.split(separator: " ")[1].split(separator: ":").last.flatMap { Int($0) } ?? 0
            let client = context.channel
            let seen = seen
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(to: client, seen))
                    }
                }
                .connect(host: "127.0.0.1", port: port).assumeIsolated()
                .whenSuccess { channel in
                    self.target = channel
                    let answer = ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n")
                    seen.withLockedValue { $0.count.down += UInt64(answer.readableBytes) }
                    client.writeAndFlush(answer, promise: nil)
                }
        }

        func channelInactive(context: ChannelHandlerContext) { target?.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// The target's side.
    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let client: any Channel
        private let seen: NIOLockedValueBox<Seen>

        init(to client: any Channel, _ seen: NIOLockedValueBox<Seen>) {
            self.client = client
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            seen.withLockedValue { $0.count.down += UInt64(buffer.readableBytes) }
            client.writeAndFlush(buffer, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
