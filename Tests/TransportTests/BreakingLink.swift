// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Forwards connections to a port of this host, and breaks the first ones after a number of bytes, without a word.
final class BreakingLink: Sendable {
    /// Where it listens.
    let port: Int
    private let channel: any Channel

    /// - Parameter limits: the bytes from the dialling side after which the first, second, … connection breaks.
    init(to target: Int, breakingAfter limits: [Int]) async throws {
        let rest = NIOLockedValueBox(limits[...])
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inner in
                let limit = rest.withLockedValue { $0.popFirst() }
                return ClientBootstrap(group: inner.eventLoop)
                    .channelInitializer { outer in
                        outer.eventLoop.makeCompletedFuture {
                            try outer.pipeline.syncOperations.addHandler(Half(to: inner, breakingAfter: nil))
                        }
                    }
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outer in
                        try inner.pipeline.syncOperations.addHandler(Half(to: outer, breakingAfter: limit))
                    }
                    .flatMap { inner.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    /// Accepts no more.
    func close() async { try? await channel.close() }

    /// One direction.
    private final class Half: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private var left: Int?

        init(to other: any Channel, breakingAfter limit: Int?) {
            self.other = other
            left = limit
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            guard let allowed = left else { return other.writeAndFlush(buffer, promise: nil) }
            let passed = buffer.readSlice(length: min(allowed, buffer.readableBytes))
            left = allowed - (passed?.readableBytes ?? 0)
            if let passed { other.writeAndFlush(passed, promise: nil) }
            if left == 0 { context.close(promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
