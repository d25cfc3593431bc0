// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix

/// An HTTP proxy as hospitals have them: it makes tunnels to one port only, and refuses all others.
final class NarrowProxy: Sendable {
    let address: String
    private let channel: any Channel

    /// - Parameter port: the one that it leads to, on this host.
    init(to port: Int) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Gate(port))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = "127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    func close() async { try? await channel.close() }

    /// The site's side: reads a request, then carries bytes or closes.
    private final class Gate: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let port: Int
        private var request = ByteBuffer()
        private var outer: (any Channel)?
        private var isAsked = false

        init(_ port: Int) { self.port = port }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            if let outer { return outer.writeAndFlush(buffer, promise: nil) }
            request.writeBuffer(&buffer)
            let text = String(buffer: request)
            guard !isAsked, text.hasSuffix("\r\n\r\n") else { return }
            isAsked = true
            guard text.hasPrefix("CONNECT 127.0.0.1:\(port) ") else {
                return answer(context, "403 Forbidden", closes: true)
            }
            let inner = context.channel
            let loop = context.loopBound
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(inner))
                    }
                }
                .connect(host: "127.0.0.1", port: port)
                .assumeIsolated()
                .whenComplete { result in
                    guard case .success(let channel) = result else {
                        return self.answer(loop.value, "504 Gateway Timeout", closes: true)
                    }
                    self.outer = channel
                    self.answer(loop.value, "200 Connection established", closes: false)
                }
        }

        func channelInactive(context: ChannelHandlerContext) { outer?.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func answer(_ context: ChannelHandlerContext, _ line: String, closes: Bool) {
            let done = context.eventLoop.makePromise(of: Void.self)
            if closes { done.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 \(line)\r\n\r\n")), promise: done)
        }
    }

    /// The other side.
    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let inner: any Channel

        init(_ inner: any Channel) { self.inner = inner }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            inner.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { inner.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
