// SPDX-License-Identifier: MIT

import NIOCore
import TLS

/// Runs one connection on its event loop: frames in, frames out, streams, pings, and the end.
///
/// ```
/// handshaking --TLS established--> welcoming --peer's welcome--> open --close()--> closing --> closed
///      \______________\____________________________\__ failure, peer's close _________________/
/// ```
///
/// The server welcomes first; the client answers it. So a client that the server refuses, whose own handshake TLS 1.3
/// lets succeed, never believes itself accepted.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = PlaintextReady
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = Plaintext

    enum Phase {
        case handshaking
        case welcoming
        case open
        /// What is queued is being sent, then the goodbye; nothing new is taken in either direction.
        case closing(GoodbyeReason)
        case closed(ConnectionError)
    }

    let configuration: TransportConfiguration
    let isDialler: Bool
    let tls: TLSHandler
    /// What lies between, and what it was asked for.
    let route: Route
    let status = ConnectionStatus()
    private let counters: TransportCounters?
    private let setupTimeout: Duration
    /// The connection, once the peer's welcome is there; fails with `ConnectionError`.
    ///
    /// It is let go when it is fulfilled: its future holds the connection, which holds this handler.
    private var ready: EventLoopPromise<Connection>?
    private var isReady = false

    private(set) var phase = Phase.handshaking
    private(set) var context: ChannelHandlerContext?
    private var decoder: FrameDecoder
    private var peerLimits: Welcome?
    private var peerGoodbye: GoodbyeReason?
    private var deadline: Scheduled<Void>?

    var scheduler: SendScheduler
    var ledger: IncomingLedger
    var sinks: [StreamID: IncomingSink] = [:]
    private var events: ReceiveQueue<TransportEvent>?
    private var waiters: [Ticket: CheckedContinuation<Void, any Error>] = [:]
    private var closeWaiters: [CheckedContinuation<Void, any Error>] = []
    private var isPumping = false
    /// Whether the application has too much to take before more is read.
    private(set) var isAwaitingConsumer = false
    /// Whether the peer has too many answers to take before more of it is read.
    private var isAwaitingPeer = false
    private var isReadHeld = false

    var pings = PingLog()
    var lastHeard = NIODeadline.now()
    var pingTask: Scheduled<Void>?
    var silenceTask: Scheduled<Void>?

    init(
        tls: TLSHandler, isDialler: Bool, route: Route = .direct,
        configuration: TransportConfiguration, setupTimeout: Duration, counters: TransportCounters?,
        ready: EventLoopPromise<Connection>
    ) {
        self.tls = tls
        self.route = route
        self.isDialler = isDialler
        self.configuration = configuration
        self.setupTimeout = setupTimeout
        self.counters = counters
        self.ready = ready
        decoder = FrameDecoder(messageBytesMax: configuration.messageBytesMax)
        scheduler = SendScheduler(dialler: isDialler)
        ledger = IncomingLedger(
            window: configuration.streamWindowBytes, streamsMax: configuration.streamsMax, peerIsDialler: !isDialler)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let timeout = setupTimeout
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
            self.fail(.timedOut(timeout))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // A channel that never became active ends without a word.
        end(.closedBeforeWelcome)
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSEvent.established:
            guard case .handshaking = phase else { return }
            guard tls.session.applicationProtocol != nil else { return fail(.noApplicationProtocol) }
            phase = .welcoming
            if !isDialler {
                sendWelcome()
                context.flush()
            }
        case TLSEvent.peerClosed:
            end(closedByPeer)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = .now()
        var hasMore = true
        do throws(InvalidFrame) {
            while hasMore, takesFrames {
                decoder.receive(atMost: tls.readableCountMax) { hasMore = tls.read(into: &$0) }
                while takesFrames, let frame = try decoder.next() { try handle(frame) }
            }
        } catch {
            return fail(.invalidFrame(error))
        }
        if let events, events.cost >= configuration.receiveQueueBytesMax { isAwaitingConsumer = true }
        pump()
        if scheduler.replyCount > Self.repliesHigh { isAwaitingPeer = true }
    }

    func read(context: ChannelHandlerContext) {
        if isAwaitingConsumer || isAwaitingPeer { isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as ConnectionError: fail(error)
        default: fail(.network(reason: String(describing: error)))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(isReady ? .truncated : .closedBeforeWelcome)
        let waiting = closeWaiters
        closeWaiters = []
        for waiter in waiting { waiter.resume() }
        context.fireChannelInactive()
    }

    // MARK: Frames

    private var takesFrames: Bool {
        switch phase {
        case .welcoming, .open: true
        case .handshaking, .closing, .closed: false
        }
    }

    private func handle(_ frame: Frame) throws(InvalidFrame) {
        switch (phase, frame) {
        case (.welcoming, .welcome(let welcome)): try welcomed(welcome)
        case (_, .goodbye(let reason)): peerGoodbye = reason
        case (.welcoming, _), (_, .welcome): throw .unexpected(type: frame.kind.rawValue)
        case (_, .message(let bytes)): events?.push(.message(bytes), cost: bytes.count + Self.eventOverhead)
        case (_, .streamOpen(let stream, let header)): try opened(stream, header: header)
        case (_, .chunk(let stream, let bytes)):
            if try ledger.receive(bytes.count, on: stream) {
                sinks[stream]?.chunks.push(Array(bytes), cost: bytes.count)
            }
        case (_, .streamEnd(let stream, let trailer)):
            let isWanted = try ledger.end(stream)
            if let sink = sinks.removeValue(forKey: stream), isWanted { sink.end(trailer: trailer) }
        case (_, .reset(let stream, let code)):
            let isWanted = try ledger.end(stream)
            if let sink = sinks.removeValue(forKey: stream), isWanted { sink.fail(StreamReset(code: code)) }
        case (_, .credit(let stream, let bytes)): try scheduler.addCredit(bytes, to: stream)
        case (_, .refuse(let stream, let code)):
            for ticket in try scheduler.refused(stream, code: code) { fail(ticket, StreamRefused(code: code)) }
        case (_, .ping(let nonce)): try scheduler.reply(.pong(nonce))
        case (_, .pong(let nonce)): ponged(nonce)
        }
    }

    /// Answers that wait, beyond which nothing more is read from the socket.
    private static let repliesHigh = 1_024

    /// What an event costs beside its bytes, so that empty ones are bounded too.
    private static let eventOverhead = 256

    private func sendWelcome() {
        write(
            .welcome(
                Welcome(
                    messageBytesMax: UInt32(clamping: configuration.messageBytesMax),
                    streamsMax: UInt32(clamping: configuration.streamsMax))))
    }

    private func welcomed(_ welcome: Welcome) throws(InvalidFrame) {
        guard welcome.version == Welcome.currentVersion else {
            throw .unsupportedVersion(expected: Welcome.currentVersion, actual: welcome.version)
        }
        guard let context else { return }
        if isDialler { sendWelcome() }
        peerLimits = welcome
        phase = .open
        deadline?.cancel()
        isReady = true
        let core = ConnectionCore(self, on: context.eventLoop)
        let threshold = configuration.receiveQueueBytesMax / 2
        let queue = ReceiveQueue<TransportEvent> { cost, remaining in
            if remaining < threshold, remaining + cost >= threshold { core.perform { $0.resumeReading() } }
        }
        events = queue
        let promise = ready
        ready = nil
        promise?.succeed(Connection(core: core, handler: self, events: queue, channel: context.channel))
        // The ping takes the welcome along when it is sent, after what else the peer has said.
        startPinging()
    }

    private func opened(_ stream: StreamID, header: [UInt8]) throws(InvalidFrame) {
        try ledger.open(stream)
        guard let context, let events else { return }
        let core = ConnectionCore(self, on: context.eventLoop)
        let sink = IncomingSink { count in core.perform { $0.consumed(count, of: stream) } }
        sinks[stream] = sink
        events.push(
            .stream(IncomingStream(id: stream, header: header, sink: sink, core: core)),
            cost: header.count + Self.eventOverhead)
    }

    // MARK: Sending

    /// Sends what may go, as long as the socket takes it.
    func pump() {
        guard !isPumping, let context else { return }
        isPumping = true
        defer { isPumping = false }
        var hasWritten = true
        while hasWritten {
            hasWritten = false
            while isSending, context.channel.isWritable, let outgoing = scheduler.next() {
                // First, so that the next bytes are made while these are encrypted and sent.
                if let ticket = outgoing.ticket { succeed(ticket) }
                write(outgoing.frame)
                hasWritten = true
            }
            if hasWritten { context.flush() }
        }
        if isAwaitingPeer, scheduler.replyCount <= Self.repliesHigh {
            isAwaitingPeer = false
            readWhatWasHeld()
        }
        if case .closing(let reason) = phase, scheduler.isDrained { sayGoodbye(reason) }
    }

    private var isSending: Bool {
        switch phase {
        case .open: true
        case .closing: !scheduler.isDrained
        case .handshaking, .welcoming, .closed: false
        }
    }

    private func write(_ frame: Frame) {
        guard let context else { return }
        var head = context.channel.allocator.buffer(capacity: 64)
        let body = frame.encodeHead(into: &head)
        context.write(wrapOutboundOut(Plaintext(head: head, body: body)), promise: nil)
    }

    /// Goes on reading after the application took what it had to.
    func resumeReading() {
        guard isAwaitingConsumer else { return }
        isAwaitingConsumer = false
        // What the peer sent in the meantime was not looked at.
        lastHeard = .now()
        readWhatWasHeld()
    }

    private func readWhatWasHeld() {
        guard isReadHeld, !isAwaitingConsumer, !isAwaitingPeer else { return }
        isReadHeld = false
        context?.read()
    }

    // MARK: Waiting calls

    func register(_ ticket: Ticket, _ continuation: CheckedContinuation<Void, any Error>) {
        waiters[ticket] = continuation
    }

    func succeed(_ ticket: Ticket) {
        waiters.removeValue(forKey: ticket)?.resume()
    }

    func fail(_ ticket: Ticket, _ error: any Error) {
        waiters.removeValue(forKey: ticket)?.resume(throwing: error)
    }

    func cancel(_ ticket: Ticket) {
        guard waiters[ticket] != nil else { return }
        fail(ticket, CancellationError())
        pings.forget(ticket)
        for other in scheduler.cancel(ticket) { fail(other, ConnectionError.streamFinished) }
        pump()
    }

    /// The limits the peer has stated, for a call that may proceed; throws why it may not.
    func requireOpen() throws -> Welcome {
        switch phase {
        case .open: break
        case .closed(let error): throw error
        case .closing(let reason): throw ConnectionError.closed(reason)
        case .handshaking, .welcoming: throw ConnectionError.closedBeforeWelcome
        }
        guard let peerLimits else { throw ConnectionError.closedBeforeWelcome }
        guard waiters.count <= configuration.sendersMax else {
            throw ConnectionError.tooManySenders(maximum: configuration.sendersMax)
        }
        return peerLimits
    }

    // MARK: The end

    /// What a close in good order by the peer means here; while this side closes, frames are dropped, cut ones too.
    private var closedByPeer: ConnectionError {
        if !isReady, peerGoodbye == nil { return .closedBeforeWelcome }
        if takesFrames, decoder.bufferedCount > 0 { return .truncated }
        return .closed(peerGoodbye ?? .done)
    }

    /// Closes in good order: what waits as messages goes first, then the goodbye.
    func close(_ reason: GoodbyeReason, waiter: CheckedContinuation<Void, any Error>) {
        guard let context, context.channel.isActive else { return waiter.resume() }
        closeWaiters.append(waiter)
        guard case .open = phase else { return }
        phase = .closing(reason)
        stopTimers()
        events?.finish()
        failStreams(.closed(reason))
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(configuration.closeTimeout)) {
            self.fail(.timedOut(self.configuration.closeTimeout))
        }
        resumeReading()
        pump()
    }

    private func sayGoodbye(_ reason: GoodbyeReason) {
        write(.goodbye(reason))
        end(.closed(reason))
        // Also sends the goodbye, in the same packet.
        context?.close(promise: nil)
    }

    /// Ends the connection because of an error on either side.
    func fail(_ error: ConnectionError) {
        if case .closed = phase { return }
        if case .invalidFrame(let frame) = error {
            counters?.count(invalidFrame: frame)
            write(.goodbye(.violation))
        } else if isReady {
            counters?.countLost()
        }
        end(error)
        context?.close(promise: nil)
    }

    /// Tells everybody who waits that it is over.
    private func end(_ error: ConnectionError) {
        if case .closed = phase { return }
        phase = .closed(error)
        status.ended(error)
        stopTimers()
        if case .closed = error { events?.finish() } else { events?.finish(throwing: error) }
        events = nil
        failStreams(error)
        _ = scheduler.removeAll()
        let waiting = waiters.values
        waiters = [:]
        for waiter in waiting { waiter.resume(throwing: error) }
        let promise = ready
        ready = nil
        promise?.fail(error)
        isAwaitingConsumer = false
        isAwaitingPeer = false
        // The TLS handler waits for the peer's end, and must be able to hear it.
        readWhatWasHeld()
    }

    private func failStreams(_ error: ConnectionError) {
        for sink in sinks.values { sink.fail(error) }
        sinks = [:]
    }

    private func stopTimers() {
        deadline?.cancel()
        stopPinging()
    }
}
