// SPDX-License-Identifier: MIT

import NIOCore

/// Hands datagrams to a closure, and tells when the channel is gone; both are called on the channel's event loop.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let receive: @Sendable ([UInt8], DatagramSource) -> Void
    private let closed: @Sendable () -> Void

    init(
        receive: @escaping @Sendable ([UInt8], DatagramSource) -> Void, closed: @escaping @Sendable () -> Void = {}
    ) {
        self.receive = receive
        self.closed = closed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let address = IPAddress(envelope.remoteAddress), let port = envelope.remoteAddress.port else { return }
        receive(
            Array(envelope.data.readableBytesView),
            DatagramSource(address: address, port: UInt16(truncatingIfNeeded: port)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) { closed() }
}
