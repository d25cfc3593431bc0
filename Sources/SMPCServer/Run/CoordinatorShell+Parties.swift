// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives
import Programs
import Reporting
import Transport

/// What comes from the parties: connections, messages, vectors.
extension CoordinatorShell {
    /// A party's connection stands and it has said Hello. A second connection replaces the first.
    func connected(_ session: PartySession) {
        if let older = sessions.updateValue(session, forKey: session.party) {
            dropStreams(of: older)
            Task { await older.connection.close(reason: .superseded) }
        }
        logger.info("a party connected", metadata: ["party": "\(session.party)", "name": "\(name(session.party))"])
        feed { machine, now in try machine.partyConnected(session.party, hello: session.hello, now: now) }
    }

    /// A party's connection is gone.
    func disconnected(_ session: PartySession, _ reason: (any Error)?) {
        dropStreams(of: session)
        shutOut.remove(ObjectIdentifier(session))
        guard sessions[session.party] === session else { return }
        sessions[session.party] = nil
        logger.info(
            "a party disconnected",
            metadata: [
                "party": "\(session.party)", "name": "\(name(session.party))",
                "reason": "\(reason.map { "\($0)" } ?? "closed")",
            ])
        feed { machine, now in try machine.partyDisconnected(session.party, now: now) }
    }

    /// A party says something.
    func received(_ message: ControlMessage, from session: PartySession) {
        guard sessions[session.party] === session else { return }
        if case .applied(let applied) = message, machine.awaitsReport(applied, from: session.party) {
            recorder.received(ClientReport(applied), applied: applied.ctx.hex)
        }
        feed { machine, now in try machine.handle(message, from: session.party, now: now) }
    }

    /// A party sent bytes that are no message.
    func receivedInvalid(_ error: InvalidMessage, from session: PartySession) {
        refusals.invalidMessages += 1
        logger.warning("an invalid message", metadata: ["party": "\(session.party)", "reason": "\(error)"])
        refused(session)
    }

    /// Counts what was refused of a connection, and ends one that brings nothing else: it would fill the logs.
    func refused(_ session: PartySession) {
        guard session.countRefusal() == PartySession.refusalsMax else { return }
        logger.warning("a connection is closed after many refusals", metadata: ["party": "\(session.party)"])
        Task { await session.connection.close(reason: .violation) }
    }

    /// A party opened a stream.
    func offered(_ stream: IncomingStream, from session: PartySession) async {
        guard sessions[session.party] === session else { return stream.refuse(.init(.notExpected)) }
        let header: StreamHeader
        do {
            header = try StreamHeader(encoded: stream.header)
        } catch {
            stream.refuse(.init(.invalid))
            return receivedInvalid(error, from: session)
        }
        let id = nextStreamID()
        switch header {
        case .upload(let vector):
            streams[id] = Offered(stream: stream, header: vector, isPartial: false, session: session)
        case .partial(let vector):
            streams[id] = Offered(stream: stream, header: vector, isPartial: true, session: session)
        case .relayAnswer(let answer): return await relays.answered(stream, answer, from: session.relayEnd)
        case .relayOpen(let open): return await relayOpened(stream, open, from: session.relayEnd)
        case .handover, .result:
            refusals.streams[.notExpected, default: 0] += 1
            return stream.refuse(.init(.notExpected))
        }
        feed { machine, now in try machine.vectorOffered(id, header, from: session.party, now: now) }
    }

    /// A party opened a stream on a connection of `smpc-inquiry/1`; a relay is all that may be asked for there.
    func offered(_ stream: IncomingStream, asking end: RelayDesk.End) async {
        guard case .relayOpen(let open) = try? StreamHeader(encoded: stream.header) else {
            return stream.refuse(.init(.invalid))
        }
        await relayOpened(stream, open, from: end)
    }

    private func relayOpened(_ stream: IncomingStream, _ open: RelayOpen, from end: RelayDesk.End) async {
        let areMembers = machine.registry[end.party] != nil && machine.registry[open.party] != nil
        let target = areMembers ? sessions[open.party].flatMap { $0.hello.takesRelays ? $0.relayEnd : nil } : nil
        await relays.opened(stream, open, from: end, to: target)
    }

    /// Lets a stream send, and reads it.
    func grant(_ id: StreamID) {
        guard let offered = streams[id] else { return }
        offered.stream.accept()
        let progress = StreamProgress()
        streams[id]?.reader = Task { [weak self] in
            do {
                let arrived = try await Self.read(offered, progress)
                await self?.arrived(id, arrived)
            } catch {
                await self?.failed(id, (error as? InvalidMessage).map { .invalid($0) })
            }
        }
        streams[id]?.watchdog = Task { [weak self, stallMax] in
            while progress.silence < stallMax {
                // Until the stream would be silent for too long, if nothing comes meanwhile.
                guard (try? await Task.sleep(for: stallMax - progress.silence)) != nil else { return }
            }
            await self?.stalled(id)
        }
    }

    /// Refuses a stream, or lets go of a vector that came in whole.
    func refuse(_ id: StreamID, _ reason: VectorRefusal) {
        guard let offered = streams.removeValue(forKey: id) else { return }
        refusals.streams[reason, default: 0] += 1
        offered.cancel()
        offered.stream.refuse(.init(reason))
        logger.debug(
            "a vector was refused", metadata: ["party": "\(offered.session.party)", "reason": "\(reason)"])
    }

    /// The members, the revocations or the invitations have changed.
    ///
    /// They are read here: of two changes at once, a reading made before the shell's turn could be the older one and yet
    /// be taken last, and a site that has just joined would stay a stranger.
    func registryChanged(hasFixedCohort: Bool) throws {
        let members = try registry.proposed()
        let cohort = hasFixedCohort ? nil : try registry.expectedMembers()
        feed { machine, now in try machine.registryChanged(members, cohort: cohort, now: now) }
    }

    /// Closes the connections of parties that are members no longer.
    func closeWhoIsShutOut() {
        for session in sessions.values where machine.registry[session.party] == nil {
            guard shutOut.insert(ObjectIdentifier(session)).inserted else { continue }
            logger.warning(
                "a party is shut out", metadata: ["party": "\(session.party)", "name": "\(name(session.party))"])
            showOut(session)
        }
    }

    /// Closes the connection of a party that the machine does not know. One that joined while helpers answer is a member
    /// already and may come back: only who is none is told that it is unwelcome, which it takes as final.
    func showOut(_ session: PartySession) {
        let reason: GoodbyeReason = registry.isMember(session.party) ? .done : .unwelcome
        Task { await session.connection.close(reason: reason) }
    }

    private struct Arrived: Sendable {
        let vector: Field64Vector
        let leaf: Digest
        let trailer: Envelope
    }

    private static func read(_ offered: Offered, _ progress: StreamProgress) async throws -> Arrived {
        var decoder = VectorDecoder(elements: offered.header.elements)
        for try await chunk in offered.stream.chunks {
            progress.note()
            try decoder.consume(chunk)
        }
        let (vector, leaf) = try decoder.finish()
        return Arrived(vector: vector, leaf: leaf, trailer: try Envelope(encoded: offered.stream.trailer()))
    }

    private func arrived(_ id: StreamID, _ arrived: Arrived) {
        guard streams[id] != nil else { return }
        streams[id]?.watchdog?.cancel()
        streams[id]?.vector = arrived.vector
        feed { machine, now in
            try machine.vectorEnded(id, leaf: arrived.leaf, trailer: arrived.trailer, now: now)
        }
    }

    private func failed(_ id: StreamID, _ misbehavior: PeerMisbehavior?) {
        guard let offered = streams.removeValue(forKey: id) else { return }
        offered.cancel()
        if misbehavior != nil {
            refusals.streams[.invalid, default: 0] += 1
            offered.stream.refuse(.init(.invalid))
        }
        feed { machine, now in try machine.vectorFailed(id, misbehavior, now: now) }
    }

    /// A stream that may send does not: its place goes to the next.
    private func stalled(_ id: StreamID) {
        guard let offered = streams[id], offered.vector == nil else { return }
        failed(id, .stalled(message: offered.isPartial ? "Partial" : "Upload"))
    }

    /// Forgets the streams of a connection that is gone; the machine forgets them when it hears of it.
    private func dropStreams(of session: PartySession) {
        for (id, offered) in streams where offered.session === session {
            offered.cancel()
            streams[id] = nil
            feed { machine, now in try machine.vectorFailed(id, nil, now: now) }
        }
    }
}

extension StreamCode {
    /// The code by which a vector is refused.
    fileprivate init(_ reason: VectorRefusal) { self.init(rawValue: UInt32(reason.rawValue)) }
}
