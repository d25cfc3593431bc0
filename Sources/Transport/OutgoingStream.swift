// SPDX-License-Identifier: MIT

/// Sends the peer a stream of bytes: a header, chunks under the receiver's credit, a trailer.
///
/// A stream that is let go before `finish` is reset with `StreamCode.abandoned`.
public final class OutgoingStream: Sendable {
    private let id: StreamID
    private let core: ConnectionCore

    init(id: StreamID, core: ConnectionCore) {
        self.id = id
        self.core = core
    }

    /// Runs a task on the connection's event loop, where writing then wakes no other thread.
    ///
    /// For a task that does little else (`withTaskExecutorPreference`): as long as it computes, nothing is sent or received.
    public var executor: any TaskExecutor { core.executor }

    deinit {
        core.perform { [id] in $0.release(id) }
    }

    /// Sends bytes, any number; returns when the last of them go to the socket, so that the next may be made meanwhile.
    ///
    /// Waits for the receiver to accept the stream and to consume. Throws `StreamRefused` when the receiver does not want
    /// it, `ConnectionError` when the connection ends. A cancelled write resets the stream.
    public func write(_ bytes: [UInt8]) async throws {
        try await core.wait { [id] handler, ticket in handler.write(bytes, on: id, ticket: ticket) }
    }

    /// Ends the stream with a trailer of at most 64 KiB; returns when it goes to the socket.
    public func finish(trailer: [UInt8] = []) async throws {
        try await core.wait { [id] handler, ticket in handler.finish(id, trailer: trailer, ticket: ticket) }
    }

    /// Gives the stream up; the receiver's chunks end with `StreamReset`.
    public func reset(_ code: StreamCode) {
        core.perform { [id] in $0.reset(id, code: code) }
    }
}
