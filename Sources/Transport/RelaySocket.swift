// SPDX-License-Identifier: MIT

import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A pair of connected sockets of this process, one of which is carried over the streams of a relay: the other one is a
/// connection's like any other.
///
/// The kernel's buffers of the pair, a window of each stream and one piece under way are all that is held: whoever does not
/// read makes the other end wait.
struct RelaySocket: Sendable {
    /// What the connection runs on.
    let inner: NIOBSDSocket.Handle
    private let failed: NIOLockedValueBox<StreamCode?>

    /// Why the relay was refused or ended, as the code on one of its streams says; nil if none does.
    var refusal: StreamCode? { failed.withLockedValue { $0 } }

    /// Makes the pair, and carries until both directions have ended or one of them has failed.
    static func carrying(_ end: RelayEnd, group: any EventLoopGroup) async throws -> RelaySocket {
        var pair: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
            throw ConnectionError.network(reason: SystemError.text(errno))
        }
        let socket = RelaySocket(inner: pair[0], failed: NIOLockedValueBox(nil))
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await ClientBootstrap(group: group)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelOption(.writeBufferWaterMark, value: .transport)
                .withConnectedSocket(pair[1]) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
        } catch {
            close(pair[0])
            throw error
        }
        Task { await socket.carry(end, channel) }
        return socket
    }

    private func carry(_ end: RelayEnd, _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        // What fails closes the channel, which tells the connection.
        try? await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await noting { try await send(inbound, end) } }
                group.addTask { try await noting { try await receive(outbound, end) } }
                defer { group.cancelAll() }
                try await group.next()
                // A deadline for the other direction, which may never end by itself.
                group.addTask { try await Task.sleep(for: RelayEnd.lingerTimeout) }
                try await group.next()
            }
        }
    }

    private func send(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ end: RelayEnd) async throws {
        for try await buffer in inbound { try await end.outgoing.write(Array(buffer.readableBytesView)) }
        try await end.outgoing.finish()
    }

    private func receive(_ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ end: RelayEnd) async throws {
        let incoming = try await end.incoming()
        incoming.accept(windowBytes: RelayEnd.windowBytes)
        for try await chunk in incoming.chunks { try await outbound.write(ByteBuffer(bytes: chunk)) }
        outbound.finish()
    }

    /// Keeps the first code with which a stream was refused or given up, before anybody hears of the end.
    private func noting(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            let code = (error as? StreamRefused)?.code ?? (error as? StreamReset)?.code
            failed.withLockedValue { $0 = $0 ?? code }
            throw error
        }
    }
}
