// SPDX-License-Identifier: MIT

import NIOCore

/// Names one waiting call of the application; the call ends when its bytes go to the socket, or with an error.
typealias Ticket = UInt64

/// Decides which frame goes out next: answers first, then messages and streams in turn, the streams one chunk each.
///
/// So a message waits for one chunk at most, whatever bulk is queued. Messages keep their order among themselves, and so
/// does everything on one stream; between a message and a stream there is no order.
struct SendScheduler {
    /// A frame to send, and whom to tell that it has gone.
    struct Outgoing {
        let frame: Frame
        let ticket: Ticket?
    }

    private enum Item {
        case open(header: [UInt8])
        case data(ArraySlice<UInt8>, Ticket)
        case end(trailer: [UInt8], Ticket)

        var ticket: Ticket? {
            switch self {
            case .open: nil
            case .data(_, let ticket), .end(_, let ticket): ticket
            }
        }
    }

    private enum Phase: Equatable {
        case open
        case finished
        case refused(StreamCode)
    }

    private struct Stream {
        var phase = Phase.open
        var credit = 0
        var items = CircularBuffer<Item>()
        /// Whether the application has let go of it while its end was still queued.
        var isReleased = false

        /// Whether its first item may go now.
        var isReady: Bool {
            guard let first = items.first else { return false }
            if case .data = first { return credit > 0 }
            return true
        }
    }

    private var replies = CircularBuffer<Frame>()
    private var messages = CircularBuffer<(bytes: [UInt8], ticket: Ticket)>()
    private var streams: [StreamID: Stream] = [:]
    private var turns = CircularBuffer<StreamID>()
    private var isMessageTurn = true
    private var nextStream: StreamID?
    private let ownIsDialler: Bool

    init(dialler: Bool) {
        ownIsDialler = dialler
        nextStream = .first(dialler: dialler)
    }

    /// Streams that the peer must count as open.
    var openCount: Int { streams.values.count { $0.phase == .open } }

    /// The answers that wait.
    var replyCount: Int { replies.count }

    /// The calls that wait.
    var waitingCount: Int { messages.count + streams.values.reduce(0) { $0 + $1.items.count } }

    /// Whether no answer and no message waits, as a close demands.
    var isDrained: Bool { replies.isEmpty && messages.isEmpty }

    // MARK: What the application wants

    mutating func send(_ message: [UInt8], ticket: Ticket) {
        messages.append((message, ticket))
    }

    /// Opens a stream; nil when the numbers are used up.
    mutating func open(header: [UInt8]) -> StreamID? {
        guard let stream = nextStream else { return nil }
        nextStream = stream.next
        streams[stream] = Stream(items: [.open(header: header)])
        turns.append(stream)
        return stream
    }

    /// Queues bytes; throws when the stream takes no more. Empty writes need no frame: they return false.
    mutating func write(_ bytes: [UInt8], on stream: StreamID, ticket: Ticket) throws -> Bool {
        try requireOpen(stream)
        guard !bytes.isEmpty else { return false }
        append(.data(bytes[...], ticket), to: stream)
        return true
    }

    mutating func finish(_ stream: StreamID, trailer: [UInt8], ticket: Ticket) throws {
        try requireOpen(stream)
        append(.end(trailer: trailer, ticket), to: stream)
    }

    /// Gives a stream up; returns the calls that waited on it.
    mutating func reset(_ stream: StreamID, code: StreamCode) -> [Ticket] {
        guard streams[stream]?.phase == .open else { return [] }
        let (tickets, wasAnnounced) = empty(stream, phase: .finished)
        if wasAnnounced { replies.append(.reset(stream, code)) }
        return tickets
    }

    /// Forgets a stream that the application no longer holds.
    mutating func release(_ stream: StreamID) -> [Ticket] {
        if case .end = streams[stream]?.items.last {
            streams[stream]?.isReleased = true
            return []
        }
        let tickets = reset(stream, code: .abandoned)
        streams[stream] = nil
        return tickets
    }

    /// Withdraws what has not been sent for a call that was cancelled; returns the calls that this ends.
    mutating func cancel(_ ticket: Ticket) -> [Ticket] {
        if let index = messages.firstIndex(where: { $0.ticket == ticket }) {
            messages.remove(at: index)
            return [ticket]
        }
        let stream = streams.first { $0.value.items.contains { $0.ticket == ticket } }?.key
        // Part of it may be gone already: the stream cannot be whole any more.
        return stream.map { reset($0, code: .abandoned) } ?? []
    }

    // MARK: What the peer wants

    /// Queues an answer; throws when the peer provokes more than it reads.
    mutating func reply(_ frame: Frame) throws(InvalidFrame) {
        guard replies.count < TransportConfiguration.repliesMax else {
            throw .repliesOverflow(maximum: TransportConfiguration.repliesMax)
        }
        replies.append(frame)
    }

    /// Adds credit to a stream of ours.
    mutating func addCredit(_ credit: UInt32, to stream: StreamID) throws(InvalidFrame) {
        try requireKnown(stream)
        let granted = (streams[stream]?.credit ?? 0) + Int(credit)
        guard credit > 0, granted <= Int(Int32.max) else {
            throw .creditOutOfRange(stream: stream.rawValue, credit: credit)
        }
        streams[stream]?.credit = granted
    }

    /// Takes note that the receiver does not want a stream; returns the calls that waited on it.
    mutating func refused(_ stream: StreamID, code: StreamCode) throws(InvalidFrame) -> [Ticket] {
        try requireKnown(stream)
        guard streams[stream]?.phase == .open else { return [] }
        let (tickets, _) = empty(stream, phase: .refused(code))
        try reply(.reset(stream, code))
        return tickets
    }

    // MARK: What goes out

    /// Takes the next frame that may go out.
    mutating func next() -> Outgoing? {
        if let frame = replies.popFirst() { return Outgoing(frame: frame, ticket: nil) }
        if isMessageTurn, let message = nextMessage() {
            isMessageTurn = false
            return message
        }
        if let outgoing = nextOnStream() {
            isMessageTurn = true
            return outgoing
        }
        return nextMessage()
    }

    /// Takes everything back; returns the calls that waited.
    mutating func removeAll() -> [Ticket] {
        let tickets = messages.map(\.ticket) + streams.values.flatMap { $0.items.compactMap(\.ticket) }
        replies.removeAll()
        messages.removeAll()
        streams.removeAll()
        turns.removeAll()
        return tickets
    }

    private mutating func nextMessage() -> Outgoing? {
        messages.popFirst().map { Outgoing(frame: .message($0.bytes), ticket: $0.ticket) }
    }

    private mutating func nextOnStream() -> Outgoing? {
        for _ in 0..<turns.count {
            guard let stream = turns.popFirst() else { return nil }
            guard streams[stream]?.phase == .open else { continue }
            turns.append(stream)
            if let outgoing = take(from: stream) { return outgoing }
        }
        return nil
    }

    private mutating func take(from stream: StreamID) -> Outgoing? {
        guard var state = streams[stream], state.isReady, let item = state.items.popFirst() else { return nil }
        defer { if streams[stream] != nil { streams[stream] = state } }
        switch item {
        case .open(let header):
            return Outgoing(frame: .streamOpen(stream, header: header), ticket: nil)
        case .data(let bytes, let ticket):
            let piece = bytes.prefix(min(state.credit, TransportConfiguration.chunkBytesMax))
            let rest = bytes.dropFirst(piece.count)
            state.credit -= piece.count
            if !rest.isEmpty { state.items.prepend(.data(rest, ticket)) }
            return Outgoing(frame: .chunk(stream, piece), ticket: rest.isEmpty ? ticket : nil)
        case .end(let trailer, let ticket):
            state.phase = .finished
            if state.isReleased { streams[stream] = nil }
            return Outgoing(frame: .streamEnd(stream, trailer: trailer), ticket: ticket)
        }
    }

    // MARK: Helpers

    private mutating func append(_ item: Item, to stream: StreamID) {
        streams[stream]?.items.append(item)
    }

    /// Empties a stream's queue; says whether the peer has been told of the stream.
    private mutating func empty(_ stream: StreamID, phase: Phase) -> (tickets: [Ticket], wasAnnounced: Bool) {
        guard var state = streams[stream] else { return ([], false) }
        var wasAnnounced = true
        if case .open = state.items.first { wasAnnounced = false }
        let tickets = state.items.compactMap(\.ticket)
        state.items.removeAll()
        state.phase = phase
        streams[stream] = state
        return (tickets, wasAnnounced)
    }

    private func requireOpen(_ stream: StreamID) throws {
        guard let state = streams[stream] else { throw ConnectionError.streamFinished }
        switch state.phase {
        case .open:
            if case .end = state.items.last { throw ConnectionError.streamFinished }
        case .finished: throw ConnectionError.streamFinished
        case .refused(let code): throw StreamRefused(code: code)
        }
    }

    /// Credit and refusal may cross with our end, so a number that once was a stream of ours is enough.
    private func requireKnown(_ stream: StreamID) throws(InvalidFrame) {
        let wasUsed = nextStream.map { stream.rawValue < $0.rawValue } ?? true
        guard stream.isDiallers == ownIsDialler, stream.rawValue > 0, wasUsed else {
            throw .unknownStream(stream: stream.rawValue)
        }
    }
}
