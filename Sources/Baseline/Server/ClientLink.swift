// SPDX-License-Identifier: MIT

import Averaging
import Identity
import Logging
import Synchronization
import Transport

/// One connection of a client with the queue of what goes to it, in order.
final class ClientLink: Sendable {
    /// Something that goes to a client.
    enum Outgoing: Sendable {
        case message(AveragingMessage)
        case stream(AveragingStreamHeader, bytes: [UInt8])
    }

    /// What may wait for one client; more than that and it does not read.
    static let waitingMax = 64

    let party: PartyID
    let connection: Connection
    let hello: AveragingMessage.Hello
    private let waiting = Mutex(0)
    private let queue: AsyncStream<Outgoing>
    private let input: AsyncStream<Outgoing>.Continuation
    private let logger: Logger

    init(party: PartyID, connection: Connection, hello: AveragingMessage.Hello, logger: Logger) {
        self.party = party
        self.connection = connection
        self.hello = hello
        self.logger = logger
        (queue, input) = AsyncStream.makeStream()
    }

    /// Puts something behind everything queued before.
    func send(_ item: Outgoing) {
        let count = waiting.withLock { value in
            value += 1
            return value
        }
        guard count <= Self.waitingMax else {
            logger.warning("a client does not read", metadata: ["party": "\(party)"])
            return input.finish()
        }
        input.yield(item)
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
        } catch {
            // The reader of the connection learns the same and reports the client as gone.
            logger.debug("sending failed", metadata: ["party": "\(party)", "error": "\(error)"])
        }
        await connection.close()
    }

    private func deliver(_ item: Outgoing) async throws {
        switch item {
        case .message(let message): try await connection.send(message.encoded())
        case .stream(let header, let bytes):
            let stream = try await connection.openStream(header: header.encoded())
            try await stream.sendAll(bytes)
        }
    }
}
