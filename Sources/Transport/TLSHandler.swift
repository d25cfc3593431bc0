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

/// What is to be encrypted: a frame, without its longest part being copied for it.
struct Plaintext: Sendable {
    var head: ByteBuffer
    var body: ArraySlice<UInt8> = []

    /// The most of a body that is encrypted and written at once, three records.
    ///
    /// Their ciphertext fits one of the kernel's segments, which hold 64 KiB with their headers (`GSO_LEGACY_MAX_SIZE`;
    /// 65,483 bytes on loopback). The rest of a longer write would be a segment of its own, behind a timer where the
    /// kernel paces (BBR).
    private static let pieceBytesMax = 3 * TLSSession.plaintextCountMax

    fileprivate var isEmpty: Bool { head.readableBytes == 0 && body.isEmpty }

    fileprivate var ciphertextCountMax: Int {
        TLSSession.ciphertextCountMax(of: head.readableBytes) + TLSSession.ciphertextCountMax(of: body.count)
    }

    /// Takes the head, if it is still there, and as much of the body as is encrypted at once.
    fileprivate mutating func popPiece() -> Self {
        let piece = Self(head: head, body: body.prefix(Self.pieceBytesMax))
        head = ByteBuffer()
        body = body.dropFirst(piece.body.count)
        return piece
    }
}

/// Tells the handler behind the TLS handler that it may `read` there.
struct PlaintextReady: Sendable {}

/// Carries a `TLSSession` in a channel: ciphertext on the socket's side, plaintext on the other.
///
/// - Everything the session has to say is sent after every call of it, alerts of failed calls included.
/// - A close sends close_notify, ends this side's direction and lingers until the peer has ended the other: closing a
///   socket with unread bytes makes a reset, and a reset destroys an alert on its way.
/// - The end of the socket without close_notify is `ConnectionError.truncated`.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = PlaintextReady
    typealias OutboundIn = Plaintext
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
    private var reading = TLSSession.ReadOutcome.needsMoreBytes
    private var failure: TLSError?
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
        session.receive(ciphertext.readableBytesSpan) {
            if phase == .handshaking { advanceHandshake(context) }
            if phase == .established { readPlaintext(context) }
        }
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

    /// Encrypts in pieces that go to the socket at once: the peer decrypts one while the next is encrypted.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var rest = unwrapOutboundIn(data)
        var isLast = false
        while !isLast {
            // A flush may have met the end of the connection; a session that failed while it was read from is about to be told.
            guard phase == .established, self.failure == nil else {
                promise?.fail(ConnectionError.tls(.sessionEnded))
                return
            }
            let piece = rest.popPiece()
            var failure: TLSError?
            let ciphertext = drain(context, countMax: session.pendingCount + piece.ciphertextCountMax) {
                failure = encrypt(piece)
            }
            isLast = rest.isEmpty || failure != nil
            context.write(wrapOutboundOut(ciphertext), promise: isLast ? promise : nil)
            if let failure { return fail(context, ConnectionError(failure)) }
            if !isLast { context.flush() }
        }
    }

    private func encrypt(_ piece: Plaintext) -> TLSError? {
        do throws(TLSError) {
            if piece.head.readableBytes > 0 { try session.write(piece.head.readableBytesSpan) }
            if !piece.body.isEmpty { try session.write(piece.body.span.bytes) }
            return nil
        } catch {
            return error
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

    // MARK: What the next handler reads

    /// An upper bound on what `read` finds.
    var readableCountMax: Int { session.readableCountMax }

    /// Decrypts into `output`, for the handler that has been told of it; returns whether there may be more.
    func read(into output: inout OutputRawSpan) -> Bool {
        guard phase == .established, failure == nil, reading == .spaceExhausted else { return false }
        do throws(TLSError) {
            reading = try session.read(into: &output)
            return reading == .spaceExhausted
        } catch {
            failure = error
            return false
        }
    }

    private func readPlaintext(_ context: ChannelHandlerContext) {
        reading = .spaceExhausted
        context.fireChannelRead(wrapInboundOut(PlaintextReady()))
        dropTheRest()
        // A record of the peer may have been answered, a key update for one.
        if session.pendingCount > 0, failure == nil {
            sendPending(context, promise: nil)
            context.flush()
        }
        if let failure { return fail(context, ConnectionError(failure)) }
        guard reading == .closed, !peerHasClosed else { return }
        peerHasClosed = true
        context.fireUserInboundEventTriggered(TLSEvent.peerClosed)
        if phase == .established { linger(context) }
    }

    /// Reads what the next handler left, and does not keep it: the peer's end comes behind it.
    private func dropTheRest() {
        var hasMore = phase == .established && failure == nil && reading == .spaceExhausted
        guard hasMore else { return }
        var scratch = ByteBuffer()
        while hasMore {
            scratch.clear()
            scratch.writeWithOutputRawSpan(minimumWritableBytes: TLSSession.plaintextCountMax) {
                hasMore = read(into: &$0)
            }
        }
    }

    private func sendPending(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        guard session.pendingCount > 0 else {
            promise?.succeed()
            return
        }
        context.write(wrapOutboundOut(drain(context, countMax: session.pendingCount) {}), promise: promise)
    }

    /// Takes what is pending and what `body` makes, `countMax` bytes at most.
    private func drain(_ context: ChannelHandlerContext, countMax: Int, _ body: () -> Void) -> ByteBuffer {
        var ciphertext = context.channel.allocator.buffer(capacity: countMax)
        ciphertext.writeWithOutputRawSpan(minimumWritableBytes: countMax) { session.drain(into: &$0, body) }
        meter?.add(up: ciphertext.readableBytes)
        return ciphertext
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
