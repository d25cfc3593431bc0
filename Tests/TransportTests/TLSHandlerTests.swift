// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import NIOCore
import TLS
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct TLSHandlerTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    /// Stands between TLS and the socket; notes what is flushed together.
    private final class Wire: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = ByteBuffer

        private let state = NIOLockedValueBox<(waiting: Int, flushed: [Int])>((0, []))
        private let closing = NIOLockedValueBox<Int?>(nil)

        /// The bytes of each flush since the last call.
        func takeFlushed() -> [Int] {
            state.withLockedValue { state in
                defer { state.flushed = [] }
                return state.flushed
            }
        }

        /// Closes the channel with the flush that is `count` flushes away.
        func close(afterFlushes count: Int) {
            _ = takeFlushed()
            closing.withLockedValue { $0 = count }
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            state.withLockedValue { $0.waiting += unwrapOutboundIn(data).readableBytes }
            context.write(data, promise: promise)
        }

        func flush(context: ChannelHandlerContext) {
            let count = state.withLockedValue { state in
                state.flushed.append(state.waiting)
                state.waiting = 0
                return state.flushed.count
            }
            context.flush()
            if count == closing.withLockedValue({ $0 }) { context.channel.close(promise: nil) }
        }
    }

    /// Holds the next write back, spoils the last byte of the one behind it, and sends both at once.
    private final class Spoiler: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let held = NIOLockedValueBox<ByteBuffer?>(nil)
        private let isArmed = NIOLockedValueBox(false)

        func arm() { isArmed.withLockedValue { $0 = true } }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            guard isArmed.withLockedValue({ $0 }) else { return context.write(data, promise: promise) }
            var bytes = unwrapOutboundIn(data)
            guard var both = held.withLockedValue({ $0 }) else {
                held.withLockedValue { $0 = bytes }
                promise?.succeed()
                return
            }
            let last = bytes.writerIndex - 1
            bytes.setInteger(bytes.getInteger(at: last, as: UInt8.self).map { $0 ^ 1 } ?? 0, at: last)
            both.writeBuffer(&bytes)
            isArmed.withLockedValue { $0 = false }
            context.write(wrapOutboundOut(both), promise: promise)
        }
    }

    /// A message whose bytes differ from place to place.
    private let message = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 13) }

    /// A client with a handler between TLS and its socket, and the server's end of its connection.
    private func connected(
        _ wire: any ChannelHandler & Sendable
    ) async throws -> (listener: Listener, client: RawClient, server: Connection) {
        let listener = try await federation.listen()
        let client = try await RawClient(federation, listener, wire: wire)
        try await client.sendWelcome()
        return (listener, client, try await listener.accept())
    }

    @Test func aLongBodyIsFlushedInPiecesOfOneSegment() async throws {
        let wire = Wire()
        let (listener, client, server) = try await connected(wire)
        _ = wire.takeFlushed()
        try await client.sendUncopied(.message(message))
        #expect(try await server.message() == message)
        let flushed = wire.takeFlushed()
        // The most that loopback carries at once: its MTU of 65,535 without the headers of IPv4 and TCP with timestamps.
        #expect(try #require(flushed.max()) <= 65_535 - 20 - 32)
        let whole = TLSSession.ciphertextCountMax(of: 5) + TLSSession.ciphertextCountMax(of: message.count)
        #expect(flushed.reduce(0, +) == whole)
        // And not in many more than are needed.
        #expect(flushed.count <= 23)
        await client.close()
        await listener.close()
    }

    @Test func aCloseInTheMiddleOfABodyFailsItsWrite() async throws {
        let wire = Wire()
        let (listener, client, server) = try await connected(wire)
        wire.close(afterFlushes: 3)
        await #expect(throws: ConnectionError.tls(.sessionEnded)) { try await client.sendUncopied(.message(message)) }
        // Whole records came, and the end of TLS behind them, but never the message.
        await #expect(throws: ConnectionError.truncated) {
            for try await event in server.events { Issue.record("\(event)") }
        }
        await listener.close()
    }

    /// What came before a record that is none is answered too late: the answer fails, and does not hide why.
    @Test func anAnswerDoesNotHideWhatTheSessionFailedOf() async throws {
        let wire = Spoiler()
        let (listener, client, server) = try await connected(wire)
        wire.arm()
        try await client.send(.ping(7))
        try await client.send(.message([1, 2, 3]))
        let end = await #expect(throws: ConnectionError.self) {
            for try await event in server.events { Issue.record("\(event)") }
        }
        guard case .tls(.violation) = end else {
            Issue.record("the server found \(String(describing: end))")
            return
        }
        await listener.close()
    }
}
