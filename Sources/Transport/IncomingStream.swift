// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers

/// What arrives on one stream, between the event loop and the task that reads.
final class IncomingSink: Sendable {
    let chunks: ReceiveQueue<[UInt8]>
    private let trailerBytes = NIOLockedValueBox<[UInt8]?>(nil)
    private let consumption: NIOLockedValueBox<Consumption>

    /// What the reader took and the event loop has not been told.
    private struct Consumption {
        var count = 0
        /// What is worth telling.
        var least = 1
    }

    /// - Parameter onConsume: called by the reader with the bytes it took since the last call.
    init(onConsume: @escaping @Sendable (_ count: Int) -> Void) {
        let consumption = NIOLockedValueBox(Consumption())
        self.consumption = consumption
        chunks = ReceiveQueue { count, _ in
            let told = consumption.withLockedValue { state -> Int in
                state.count += count
                guard state.count >= state.least else { return 0 }
                defer { state.count = 0 }
                return state.count
            }
            if told > 0 { onConsume(told) }
        }
    }

    /// Lets the reader keep to itself what it took until it is `count` bytes: each call to the event loop wakes a thread.
    func tell(atLeast count: Int) { consumption.withLockedValue { $0.least = count } }

    /// The trailer, once the end has arrived.
    var trailer: [UInt8]? { trailerBytes.withLockedValue { $0 } }

    func end(trailer: [UInt8]) {
        trailerBytes.withLockedValue { $0 = trailer }
        chunks.finish()
    }

    func fail(_ error: any Error) {
        chunks.finish(throwing: error)
    }
}

/// Receives bytes that the peer streams: a header, chunks under credit, a trailer.
///
/// The peer sends nothing behind the header before `accept()`; then at most a window runs ahead of the reader. A stream
/// that is let go before its end is refused with `StreamCode.abandoned`.
public final class IncomingStream: Sendable {
    /// What the peer said about the stream when it opened it.
    public let header: [UInt8]
    private let id: StreamID
    private let sink: IncomingSink
    private let core: ConnectionCore

    init(id: StreamID, header: [UInt8], sink: IncomingSink, core: ConnectionCore) {
        self.id = id
        self.header = header
        self.sink = sink
        self.core = core
    }

    /// Runs a task on the connection's event loop, where reading then wakes no other thread.
    ///
    /// For a task that does little else (`withTaskExecutorPreference`): as long as it computes, nothing is sent or received.
    public var executor: any TaskExecutor { core.executor }

    deinit {
        core.perform { [id] in $0.refuse(id, code: .abandoned) }
    }

    /// Grants the peer its first window. More calls change nothing.
    ///
    /// - Parameter windowBytes: at least 64 KiB; nil for that of the connection.
    public func accept(windowBytes: Int? = nil) {
        core.perform { [id] in $0.accept(id, windowBytes: windowBytes) }
    }

    /// Tells the peer to stop; `chunks` ends with `StreamRefused`.
    public func refuse(_ code: StreamCode) {
        core.perform { [id] in $0.refuse(id, code: code) }
    }

    /// The bytes in order, in pieces of 1…256 KiB whose borders mean nothing; for one reader.
    ///
    /// Ends after the last one; throws `StreamReset` when the sender gives up, `StreamRefused` after `refuse`,
    /// `ConnectionError` when the connection ends first.
    public var chunks: Chunks { Chunks(stream: self) }

    /// What the sender said at the end; throws `ConnectionError.streamNotEnded` before all of it has arrived.
    public func trailer() throws -> [UInt8] {
        guard let trailer = sink.trailer else { throw ConnectionError.streamNotEnded }
        return trailer
    }

    /// The sequence of a stream's bytes.
    public struct Chunks: AsyncSequence, Sendable {
        public typealias Element = [UInt8]
        let stream: IncomingStream

        public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

        /// Takes chunk after chunk; each one taken lets the sender go on.
        public struct Iterator: AsyncIteratorProtocol {
            let stream: IncomingStream

            public func next() async throws -> [UInt8]? { try await stream.sink.chunks.next() }
        }
    }
}
