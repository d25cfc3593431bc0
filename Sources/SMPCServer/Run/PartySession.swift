// SPDX-License-Identifier: MIT

import Glibc
import Identity
import Logging
import Messages
import Synchronization
import Transport

/// One connection of a party with the queue of what goes to it, in order.
final class PartySession: Sendable {
    /// Something that goes to a party.
    enum Outgoing: Sendable {
        case message(ControlMessage)
        /// The bytes of a file, between header and trailer.
        case file(String, header: StreamHeader, trailer: [UInt8])
    }

    /// What may wait for one party; more than that and it does not read.
    static let waitingMax = 1_024

    let party: PartyID
    let connection: Connection
    let hello: Hello
    /// Refused messages after which a connection is closed.
    static let refusalsMax = 64
    private let refusals = Mutex(0)
    private let waiting = Mutex(0)
    private let queue: AsyncStream<Outgoing>
    private let input: AsyncStream<Outgoing>.Continuation
    private let logger: Logger

    init(party: PartyID, connection: Connection, hello: Hello, logger: Logger) {
        self.party = party
        self.connection = connection
        self.hello = hello
        self.logger = logger
        (queue, input) = AsyncStream.makeStream()
    }

    /// This connection as what a relay may end at.
    var relayEnd: RelayDesk.End { RelayDesk.End(party, on: connection) }

    /// Puts something behind everything queued before.
    func send(_ item: Outgoing) {
        let count = waiting.withLock { value in
            value += 1
            return value
        }
        guard count <= Self.waitingMax else {
            logger.warning("a party does not read", metadata: ["party": "\(party)"])
            return input.finish()
        }
        input.yield(item)
    }

    /// Counts one more refused message, and returns how many there are.
    func countRefusal() -> Int {
        refusals.withLock { count in
            count += 1
            return count
        }
    }

    /// Nothing more will be sent; `deliver` ends when the rest has gone out.
    func finish() { input.finish() }

    /// Sends what is queued until `finish`, then closes the connection.
    func deliver() async {
        do {
            for await item in queue {
                try await deliver(item)
                waiting.withLock { $0 -= 1 }
            }
            await connection.close()
        } catch {
            // The reader of the connection learns the same and reports the party as gone.
            logger.debug("sending failed", metadata: ["party": "\(party)", "error": "\(error)"])
            await connection.close()
        }
    }

    private func deliver(_ item: Outgoing) async throws {
        switch item {
        case .message(let message): try await connection.send(message.encoded())
        case .file(let path, let header, let trailer):
            let stream = try await connection.openStream(header: header.encoded())
            do {
                try await Self.copy(path, to: stream)
                try await stream.finish(trailer: trailer)
            } catch let refused as StreamRefused {
                logger.info(
                    "a stream was refused", metadata: ["party": "\(party)", "code": "\(refused.code)"])
            }
        }
    }

    /// Streams a file in pieces of several chunks.
    private static func copy(_ path: String, to stream: OutgoingStream) async throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SessionError.fileMissing(path: path) }
        defer { close(descriptor) }
        while true {
            var failure: Int32?
            // A new one each time: the last is still being sent.
            let piece = [UInt8](unsafeUninitializedCapacity: TransportConfiguration.writeBytes) { buffer, filled in
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                failure = count < 0 ? errno : nil
                filled = max(0, count)
            }
            if failure == EINTR { continue }
            guard failure == nil else { throw SessionError.fileMissing(path: path) }
            if piece.isEmpty { return }
            try await stream.write(piece)
        }
    }
}

/// Why a session cannot go on.
enum SessionError: Error, Equatable {
    case fileMissing(path: String)
}
