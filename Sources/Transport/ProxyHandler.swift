// SPDX-License-Identifier: MIT

import NIOCore
import Primitives

/// Asks a proxy for a tunnel before anything else is said, and leaves the channel when there is one.
///
/// The handlers behind it do not learn that the socket is connected before the tunnel is there, so TLS begins inside it.
final class ProxyHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: SecretBytes
    private let meter: ByteMeter?
    private var response: ProxyResponse
    private var isOver = false

    init(request: SecretBytes, hadCredentials: Bool, meter: ByteMeter?) {
        self.request = request
        self.meter = meter
        response = ProxyResponse(hadCredentials: hadCredentials)
    }

    func channelActive(context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(capacity: request.count)
        var bytes = request.exposedBytes()
        buffer.writeBytes(bytes)
        SecretBytes.wipe(&bytes)
        meter?.add(up: buffer.readableBytes)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard !isOver else { return }
        do throws(ProxyError) {
            let rest = try response.receive(Array(buffer.readableBytesView))
            meter?.add(down: buffer.readableBytes - (rest?.count ?? 0))
            guard let rest else { return }
            isOver = true
            context.fireChannelActive()
            if !rest.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest))) }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            isOver = true
            context.fireErrorCaught(ConnectionError.proxy(error))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOver { context.fireErrorCaught(ConnectionError.proxy(.closed)) }
        isOver = true
        context.fireChannelInactive()
    }
}
