// SPDX-License-Identifier: MIT

extension ConnectionHandler {
    /// Queues a message for a call that waits until it is handed to the socket.
    func send(_ message: [UInt8], ticket: Ticket) {
        attempt(ticket) {
            let limits = try requireOpen()
            guard message.count <= limits.messageBytesMax else {
                throw ConnectionError.messageTooLong(count: message.count, maximum: Int(limits.messageBytesMax))
            }
            scheduler.send(message, ticket: ticket)
        }
    }

    /// Opens a stream towards the peer.
    func open(header: [UInt8]) throws -> StreamID {
        let limits = try requireOpen()
        try Self.requireEdge(header)
        let maximum = Int(limits.streamsMax)
        guard scheduler.openCount < maximum, let stream = scheduler.open(header: header) else {
            throw ConnectionError.tooManyStreams(maximum: maximum)
        }
        pump()
        return stream
    }

    /// Queues bytes of a stream for a call that waits until all of them are handed to the socket.
    func write(_ bytes: [UInt8], on stream: StreamID, ticket: Ticket) {
        attempt(ticket) {
            _ = try requireOpen()
            if try !scheduler.write(bytes, on: stream, ticket: ticket) { succeed(ticket) }
        }
    }

    /// Queues the end of a stream.
    func finish(_ stream: StreamID, trailer: [UInt8], ticket: Ticket) {
        attempt(ticket) {
            _ = try requireOpen()
            try Self.requireEdge(trailer)
            try scheduler.finish(stream, trailer: trailer, ticket: ticket)
        }
    }

    /// Gives a stream of this side up.
    func reset(_ stream: StreamID, code: StreamCode) {
        for ticket in scheduler.reset(stream, code: code) { fail(ticket, ConnectionError.streamFinished) }
        pump()
    }

    /// Forgets a stream of this side that nobody holds any more.
    func release(_ stream: StreamID) {
        for ticket in scheduler.release(stream) { fail(ticket, ConnectionError.streamFinished) }
        pump()
    }

    /// Lets the peer begin to send a stream.
    func accept(_ stream: StreamID, windowBytes: Int? = nil) {
        guard let credit = ledger.accept(stream, window: windowBytes) else { return }
        sinks[stream]?.tell(atLeast: IncomingLedger.grant(ofWindow: Int(credit)))
        reply(.credit(stream, bytes: credit))
    }

    /// Lets the peer send more, after the application took some.
    func consumed(_ count: Int, of stream: StreamID) {
        guard let credit = ledger.consume(count, of: stream) else { return }
        reply(.credit(stream, bytes: credit))
    }

    /// Tells the peer that a stream of it is not wanted, unless it has ended.
    func refuse(_ stream: StreamID, code: StreamCode) {
        guard ledger.refuse(stream) else { return }
        sinks.removeValue(forKey: stream)?.fail(StreamRefused(code: code))
        reply(.refuse(stream, code))
    }

    /// Queues an answer of the application's; their number is bounded by the streams.
    private func reply(_ frame: Frame) {
        guard case .open = phase else { return }
        try? scheduler.reply(frame)
        pump()
    }

    private func attempt(_ ticket: Ticket, _ body: () throws -> Void) {
        do {
            try body()
            pump()
        } catch {
            fail(ticket, error)
        }
    }

    private static func requireEdge(_ bytes: [UInt8]) throws {
        let maximum = TransportConfiguration.streamEdgeBytesMax
        guard bytes.count <= maximum else {
            throw ConnectionError.streamEdgeTooLong(count: bytes.count, maximum: maximum)
        }
    }
}
