// SPDX-License-Identifier: MIT

import Discovery
import FiniteField
import Identity
import Logging
import Messages
import Primitives
import Programs
import Transport

/// Keeps a connection to the coordinator: reads it event by event, and connects again when it is lost.
struct CoordinatorLink: Sendable {
    let current: CurrentIdentity
    let network: NetworkOptions.Resolved
    /// Remembers where the coordinator answered last.
    let store: SiteStore
    /// How long to look for a coordinator that was lost.
    let rejoinWait: Duration
    let discovery: DiscoveryService?
    let meter: ByteMeter
    let inbox: SiteInbox
    /// What the coordinator relays.
    let relays: RelayDoor
    let renewal: SiteRenewal
    let progress: Progress
    let logger: Logger

    /// Connects for the first time, with the coordinator's key on record if there is one.
    ///
    /// - Throws: `ProgramError`, `unreachable` after `--wait`.
    func connect(pin: Digest?) async throws -> Connection {
        try await connect(pin: pin, wait: network.wait)
    }

    /// Serves a connection and its successors, until a coordinator that was lost is not found again.
    func serve(_ first: Connection, pin: Digest) async throws {
        var connection = first
        var pause = ReconnectPause()
        while true {
            let began = ContinuousClock.now
            await relays.connected(connection)
            await renewal.connected(connection)
            await inbox.submit(.connected(connection))
            let (end, results) = await read(connection)
            await relays.disconnected()
            await connection.close()
            await inbox.submit(.disconnected)
            try Task.checkCancellation()
            try endIfFinal(end)
            let how = end is InvalidMessage ? "it sent an invalid message" : "\(end)"
            progress.note("connection to the coordinator lost (\(how)); looking for it again")
            pause.ended(after: .now - began, results: results)
            // The pause before connecting again, of random length so that not all sites come at once.
            try await Task.sleep(for: pause.length * Double.random(in: 0.5...1))
            connection = try await connect(pin: pin, wait: rejoinWait)
            progress.note("connected again, at \(connection.remoteAddress)")
        }
    }

    private func connect(pin: Digest?, wait: Duration) async throws -> Connection {
        var network = network
        network.wait = wait
        // Whoever floods multicast with false records cannot keep a site from an address that it knows already.
        let last = try store.value(.coordinatorAddress).flatMap { HostPort(String(decoding: $0, as: UTF8.self)) }
        let locator = CoordinatorLocator(
            federation: current.party.federation, network: network, hints: last.map { [$0] } ?? [],
            discovery: discovery,
            logger: logger)
        let connection = try await locator.connect(as: current, pin: pin, meter: meter)
        if connection.remoteAddress != last?.description {
            try store.set(.coordinatorAddress, to: Array(connection.remoteAddress.utf8))
        }
        return connection
    }

    /// Some ends are not worth another attempt.
    private func endIfFinal(_ end: any Error) throws {
        switch end as? ConnectionError {
        case .closed(.superseded):
            throw ProgramError(
                .failed, "another process has connected as this site", subject: "\(current.party.id.hex)",
                remedy: "end it, or use a state directory of its own for each site")
        case .closed(.unwelcome):
            throw ProgramError(
                .failed, "the coordinator has shut this site out", subject: "federation \(current.party.federation)",
                remedy: "ask its operator; after a mistake it has to join anew, in another directory with --state")
        default: return
        }
    }

    /// Reads a connection to its end; gives how it ended, and how many results it brought.
    private func read(_ connection: Connection) async -> (end: any Error, results: Int) {
        var results = 0
        do {
            for try await event in connection.events {
                switch event {
                case .message(let bytes): try await inbox.submit(.message(ControlMessage(encoded: bytes)))
                case .stream(let stream): results += try await receive(stream, over: connection) ? 1 : 0
                }
            }
            return (connection.end ?? ConnectionError.closed(.done), results)
        } catch {
            if let error = error as? InvalidMessage {
                logger.warning("invalid message", metadata: ["from": "coordinator", "reason": "\(error)"])
            }
            return (error, results)
        }
    }

    /// Receives a result or a handover whole, before anything that comes after it is looked at; what belongs to a relay goes
    /// its own way. Tells whether it was a result.
    private func receive(_ stream: IncomingStream, over connection: Connection) async throws -> Bool {
        switch try StreamHeader(encoded: stream.header) {
        case .result(let header):
            meter.enter(phase: RoundPhase.result.rawValue)
            stream.accept()
            var decoder = VectorDecoder(elements: header.elements)
            for try await chunk in stream.chunks { try decoder.consume(chunk) }
            let trailer = try Envelope(encoded: stream.trailer())
            let (sum, leaf) = try decoder.finish()
            await inbox.submit(.result(header, trailer: trailer, sum: sum, leaf: leaf))
            return true
        case .handover(let header):
            stream.accept()
            var bytes: [UInt8] = []
            for try await chunk in stream.chunks {
                guard bytes.count + chunk.count <= 4 * header.elements else {
                    throw InvalidMessage.length(
                        message: "Handover", field: "bytes", expected: 4 * header.elements,
                        actual: bytes.count + chunk.count)
                }
                bytes += chunk
            }
            await inbox.submit(.handedOver(header, bytes))
        case .relayAnswer(let answer): await relays.answered(stream, answer)
        case .relayOpen(let open): await relays.opened(stream, open, over: connection)
        case .partial, .upload:
            stream.refuse(2)
        }
        return false
    }
}
