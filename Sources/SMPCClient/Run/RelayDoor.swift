// SPDX-License-Identifier: MIT

import Identity
import Logging
import Messages
import Programs
import Transport

/// What the coordinator relays to this site and from it (protocol section 3, "Relay").
///
/// Either way a connection comes about that is like any other: its TLS runs inside, and the peer's key is demanded.
actor RelayDoor {
    private let current: CurrentIdentity
    private let listener: Listener
    private let logger: Logger
    private var coordinator: Connection?
    /// Who waits for the other direction of a relay that was asked for: one stream, then the end.
    private var waiting: [RelayID: AsyncStream<IncomingStream>.Continuation] = [:]

    /// - Parameter listener: takes the connections that come in.
    init(current: CurrentIdentity, listener: Listener, logger: Logger) {
        self.current = current
        self.listener = listener
        self.logger = logger
    }

    /// A connection to the coordinator stands.
    func connected(_ connection: Connection) { coordinator = connection }

    /// The connection to the coordinator is gone, and its relays with it.
    func disconnected() {
        coordinator = nil
        for answer in waiting.values { answer.finish() }
        waiting = [:]
    }

    /// Connects to a peer through the coordinator.
    func dial(_ peer: PartyID, expecting: PeerExpectation, timeout: Duration) async throws -> Connection {
        guard let coordinator else { throw ConnectionError.relay(StreamCode(relay: .otherEndGone)) }
        let name = RelayID.random()
        let (answers, answer) = AsyncStream.makeStream(of: IncomingStream.self, bufferingPolicy: .bufferingOldest(1))
        waiting[name] = answer
        defer { forget(name) }
        let header = StreamHeader.relayOpen(RelayOpen(relay: name, party: peer)).encoded()
        let end = RelayEnd(outgoing: try await coordinator.openStream(header: header), target: peer.hex) {
            for await stream in answers { return stream }
            throw ConnectionError.relay(StreamCode(relay: .otherEndGone))
        }
        return try await Transport.dial(through: end, identity: current.tls, expecting: expecting, timeout: timeout)
    }

    /// The other direction of a relay that this site asked for.
    func answered(_ stream: IncomingStream, _ answer: RelayAnswer) {
        guard let waiter = waiting[answer.relay] else { return stream.refuse(StreamCode(relay: .notExpected)) }
        waiter.yield(stream)
        forget(answer.relay)
    }

    /// A peer asks for this site: its connection goes where those on sockets go.
    func opened(_ stream: IncomingStream, _ open: RelayOpen, over connection: Connection) async {
        do {
            let header = StreamHeader.relayAnswer(RelayAnswer(relay: open.relay)).encoded()
            let answer = try await connection.openStream(header: header)
            try await listener.accept(RelayEnd(outgoing: answer, target: open.party.hex) { stream })
        } catch {
            logger.debug("relay not taken", metadata: ["party": "\(open.party.hex)", "reason": "\(error)"])
        }
    }

    private func forget(_ name: RelayID) {
        waiting.removeValue(forKey: name)?.finish()
    }
}

extension StreamCode {
    /// The code by which a relay is refused or ended.
    init(relay refusal: RelayRefusal) { self.init(rawValue: refusal.rawValue) }
}
