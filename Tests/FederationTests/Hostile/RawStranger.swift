// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Primitives
import TLS

@testable import Transport

/// A TLS client that speaks no frames of its own: what it sends is what the test says.
final class RawStranger: Sendable {
    private final class Established: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let promise: EventLoopPromise<Void>

        init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSEvent.established = event { promise.succeed() }
        }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
        func errorCaught(context: ChannelHandlerContext, error: any Error) { promise.fail(error) }
        func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }
        /// A connection that was refused is never active, and so never inactive.
        func handlerRemoved(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }
    }

    private let channel: any Channel

    /// Connects and completes the handshake as far as this side can tell.
    init(port: Int, as identity: TLSIdentity?, alpn: ApplicationProtocol, authority: Certificate) async throws {
        let context = try TLSContext(
            offering: alpn, as: identity, trust: .anchors([authority]), policy: { _ in nil })
        let established: EventLoopFuture<Void>
        (channel, established) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = TLSHandler(
                        session: try context.makeSession(), isClient: true, meter: nil, lingerTimeout: .seconds(1))
                    let promise = channel.eventLoop.makePromise(of: Void.self)
                    try channel.pipeline.syncOperations.addHandlers(tls, Established(promise))
                    return (channel, promise.futureResult)
                }
            }
        try await established.get()
    }

    /// Sends bytes as they are, inside TLS; false when the other side has closed.
    func send(_ bytes: [UInt8]) async -> Bool {
        (try? await channel.writeAndFlush(Plaintext(head: ByteBuffer(bytes: bytes)))) != nil && channel.isActive
    }

    /// Sends the frame that comes first on every connection.
    func sendWelcome() async -> Bool {
        var buffer = ByteBuffer()
        let rest = Frame.welcome(Welcome(messageBytesMax: 1 << 20, streamsMax: 8)).encodeHead(into: &buffer)
        return await send(Array(buffer.readableBytesView) + rest)
    }

    func close() async { try? await channel.close() }

    /// Bytes that look like a frame from afar: often of a known type and the right length, their content random.
    static func randomFrame(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let type = UInt8.random(in: 0...12, using: &generator)
        let fixed = [0: 10, 5: 8, 6: 8, 7: 8, 8: 8, 9: 8, 10: 4][Int(type)]
        let isFitting = Bool.random(using: &generator)
        let count =
            isFitting ? fixed ?? Int.random(in: 0...200, using: &generator) : .random(in: 0...200, using: &generator)
        let length = UInt32(count + 1)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + [type]
            + (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}

/// A generator whose numbers are the same in every run of the tests.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
