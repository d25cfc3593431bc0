// SPDX-License-Identifier: MIT

import NIOCore
import Primitives
import TLS

/// What the TLS handler tells the handler behind it.
enum TLSEvent: Sendable {
    /// The handshake has completed on this side.
    case established
    /// The peer has closed in good order.
    case peerClosed
}

/// Asks the TLS handler to close at once, without last words: the place is needed.
struct TLSAbandonment: Sendable {}

/// Carries a `TLSSession` in a channel: ciphertext on the socket's side, plaintext on the other.
///
/// - Everything the session has to say is sent after every call of it, alerts of failed calls included.
/// - A close sends close_notify, ends this side's direction and lingers until the peer has ended the other: closing a
///   socket with unread bytes makes a reset, and a reset destroys an alert on its way.
/// - The end of the socket without close_notify is `ConnectionError.truncated`.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case handshaking
        case established
        /// This side has said its last; what still comes is dropped.
        case lingering
        case closed
    }

    let session: TLSSession
    private let meter: ByteMeter?
    private let lingerTimeout: TimeAmount
    private let isClient: Bool
    private var phase = Phase.handshaking
    private var peerHasClosed = false
    private var lingerTask: Scheduled<Void>?
    private var closePromises: [EventLoopPromise<Void>] = []

    init(session: TLSSession, isClient: Bool, meter: ByteMeter?, lingerTimeout: Duration) {
        self.session = session
        self.isClient = isClient
        self.meter = meter
        self.lingerTimeout = TimeAmount(lingerTimeout)
    }

    // MARK: From the socket

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if isClient { advanceHandshake(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let ciphertext = unwrapInboundIn(data)
        meter?.add(down: ciphertext.readableBytes)
        guard phase == .handshaking || phase == .established else { return }
        do throws(TLSError) {
            try session.receive(ciphertext.readableBytesSpan)
        } catch {
            return fail(context, ConnectionError(error))
        }
        if phase == .handshaking { advanceHandshake(context) }
        if phase == .established { readPlaintext(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let last = phase
        phase = .closed
        lingerTask?.cancel()
        switch last {
        case .established: context.fireErrorCaught(ConnectionError.truncated)
        case .handshaking: context.fireErrorCaught(ConnectionError.closedBeforeWelcome)
        case .lingering, .closed: break
        }
        let promises = closePromises
        closePromises = []
        for promise in promises { promise.succeed() }
        context.fireChannelInactive()
    }

    // MARK: To the socket

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard phase == .established else {
            promise?.fail(ConnectionError.tls(.sessionEnded))
            return
        }
        let plaintext = unwrapOutboundIn(data)
        do throws(TLSError) {
            try session.write(plaintext.readableBytesSpan)
            sendPending(context, promise: promise)
        } catch {
            promise?.fail(ConnectionError(error))
            fail(context, ConnectionError(error))
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else { return context.close(mode: mode, promise: promise) }
        switch phase {
        case .closed:
            context.close(mode: .all, promise: promise)
        case .handshaking:
            phase = .closed
            context.close(mode: .all, promise: promise)
        case .established, .lingering:
            if let promise { closePromises.append(promise) }
            if phase == .established { linger(context) }
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is TLSAbandonment else { return context.triggerUserOutboundEvent(event, promise: promise) }
        phase = .closed
        context.close(mode: .all, promise: promise)
    }

    // MARK: The session

    private func advanceHandshake(_ context: ChannelHandlerContext) {
        do throws(TLSError) {
            let isComplete = try session.advanceHandshake()
            sendPending(context, promise: nil)
            context.flush()
            guard isComplete, phase == .handshaking else { return }
            phase = .established
            context.fireUserInboundEventTriggered(TLSEvent.established)
        } catch {
            fail(context, ConnectionError(error))
        }
    }

    private func readPlaintext(_ context: ChannelHandlerContext) {
        var plaintext = context.channel.allocator.buffer(capacity: session.readableCountMax)
        var outcome = TLSSession.ReadOutcome.needsMoreBytes
        do throws(TLSError) {
            repeat {
                try plaintext.writeWithOutputRawSpan(minimumWritableBytes: max(session.readableCountMax, 1)) {
                    output throws(TLSError) in
                    outcome = try session.read(into: &output)
                }
            } while outcome == .spaceExhausted
        } catch {
            if plaintext.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plaintext)) }
            return fail(context, ConnectionError(error))
        }
        // A record of the peer may have been answered, a key update for one.
        if session.pendingCount > 0 {
            sendPending(context, promise: nil)
            context.flush()
        }
        if plaintext.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(plaintext)) }
        guard outcome == .closed, !peerHasClosed else { return }
        peerHasClosed = true
        context.fireUserInboundEventTriggered(TLSEvent.peerClosed)
        if phase == .established { linger(context) }
    }

    private func sendPending(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        let count = session.pendingCount
        guard count > 0 else {
            promise?.succeed()
            return
        }
        var ciphertext = context.channel.allocator.buffer(capacity: count)
        ciphertext.writeWithOutputRawSpan(minimumWritableBytes: count) { session.drain(into: &$0) }
        meter?.add(up: ciphertext.readableBytes)
        context.write(wrapOutboundOut(ciphertext), promise: promise)
    }

    private func fail(_ context: ChannelHandlerContext, _ error: ConnectionError) {
        guard phase == .handshaking || phase == .established else { return }
        // Whoever hears of the error may close at once; the alert goes first.
        phase = .lingering
        context.fireErrorCaught(error)
        linger(context)
    }

    /// Says the last words (close_notify or an alert) and waits for the peer's end, for a limited time.
    private func linger(_ context: ChannelHandlerContext) {
        guard phase != .closed else { return }
        phase = .lingering
        session.close()
        let loop = context.eventLoop.assumeIsolated()
        lingerTask = loop.scheduleTask(in: lingerTimeout) { context.close(mode: .all, promise: nil) }
        let said = context.eventLoop.makePromise(of: Void.self)
        said.futureResult.assumeIsolated().whenComplete { _ in
            context.close(mode: self.peerHasClosed ? .all : .output, promise: nil)
        }
        if session.pendingCount > 0 { sendPending(context, promise: said) } else { said.succeed() }
        context.flush()
    }
}
