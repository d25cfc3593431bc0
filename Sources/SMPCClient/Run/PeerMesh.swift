// SPDX-License-Identifier: MIT

import Discovery
import Identity
import Logging
import Messages
import Primitives
import Programs
import Transport

/// Holds the connections to peers while an epoch's keys are exchanged (protocol section 4, step E3).
///
/// Of each pair the smaller PartyID dials; the other one does too where only it may be able to: at once behind a proxy, and
/// otherwise when no connection has come for a while. Addresses are hints: whoever answers must hold the key of the member
/// dialled.
/// A connection serves both directions; one that is lost is dialled again until the exchange is over. Where dialling has led
/// to nothing, the coordinator is asked to relay, in turn with further attempts at the direct way; a connection that it relays
/// stays until it breaks or the exchange is over.
actor PeerMesh {
    /// The most dials at one time.
    static let dialsMax = 16
    /// The most messages that one connection may bring: an exchange takes four, and more when they are said again.
    static let messagesMax = 64
    /// How long the larger PartyID waits for the smaller one, which may be behind something that lets nobody in.
    static let patience = Duration.seconds(5)
    private static let dialTimeout = Duration.seconds(4)
    /// How long a relayed connection may take: four ways through the coordinator, which waits 5 s for the other end.
    private static let relayTimeout = Duration.seconds(8)
    /// When a relay is asked for at the soonest: after so many failed attempts at the direct way, and when the other side has
    /// had time to come by itself, its patience included. The larger PartyID asks later, so that two relays at once are the
    /// exception.
    private static let relayAfter = (
        smaller: (attempts: 2, time: patience + .seconds(1)), larger: (attempts: 3, time: patience + .seconds(4))
    )
    private static let pauseMin = Duration.milliseconds(50)
    private static let pauseMax = Duration.seconds(2)

    private struct Target {
        let key: PublicKey
        /// How long the other side is waited for before this one dials.
        let patience: Duration
        /// Which attempts ask for a relay.
        var turns: RelayTurns
        /// From when on they do.
        let relayFrom: ContinuousClock.Instant
        /// Attempts since the peer last said anything.
        var attempts = 0
        var due: ContinuousClock.Instant
        var isBusy = false
    }

    private struct Link {
        let connection: Connection
        let number: Int
    }

    private let identity: PartyIdentity
    /// What this site shows when it dials.
    private let current: CurrentIdentity
    private let meter: ByteMeter
    private let discovery: DiscoveryService?
    /// What leads to the addresses that the coordinator tells.
    private let proxy: HTTPProxy?
    /// What the coordinator relays; nil where nothing is.
    private let relays: RelayDoor?
    private let inbox: SiteInbox
    private let logger: Logger
    private var targets: [PartyID: Target] = [:]
    /// The members of the last epoch that this site took part in, whom it listens to: also behind the end of its own exchange,
    /// as a member whose connection broke may still lack an answer.
    private var members: [PartyID: PublicKey] = [:]
    private var links: [PartyID: Link] = [:]
    private var directory: [PartyID: [String]] = [:]
    /// The way of the last connection with each member of this exchange.
    private(set) var paths: [PartyID: Connection.Path] = [:]
    private var dialing = 0
    /// Numbers exchanges: what belongs to an earlier one is dropped.
    private var exchange = 0
    private var linkCount = 0
    private var alarm: Task<Void, Never>?

    init(
        current: CurrentIdentity, meter: ByteMeter, discovery: DiscoveryService?, proxy: HTTPProxy?,
        relays: RelayDoor? = nil, inbox: SiteInbox, logger: Logger
    ) {
        identity = current.party
        self.current = current
        self.meter = meter
        self.discovery = discovery
        self.proxy = proxy
        self.relays = relays
        self.inbox = inbox
        self.logger = logger
    }

    /// Connects to the other members of an epoch, or lets them connect.
    func connect(to members: [EpochProposal.Member]) {
        exchange += 1
        let now = ContinuousClock.now
        self.members = Dictionary(uniqueKeysWithValues: members.map { ($0.id, $0.key) })
        targets = [:]
        let before = paths
        paths = [:]
        for member in members where member.id != identity.id {
            // Nobody reaches a site behind a proxy, which leads out only.
            let patience = identity.id < member.id || proxy != nil ? .zero : Self.patience
            let relayAfter = identity.id < member.id ? Self.relayAfter.smaller : Self.relayAfter.larger
            // Where only a relay led the last time, the direct way is tried once.
            let wasRelayed = before[member.id] == .relayed
            targets[member.id] = Target(
                key: member.key, patience: patience,
                turns: RelayTurns(directFirst: wasRelayed ? 1 : relayAfter.attempts),
                relayFrom: wasRelayed ? now : now + relayAfter.time, due: now + patience)
        }
        for (id, link) in links {
            if isExpected(link.connection, id) { paths[id] = link.connection.path } else { drop(id) }
        }
        pump()
    }

    /// Ends the exchange and every connection.
    func disconnect() {
        exchange += 1
        targets = [:]
        alarm?.cancel()
        for id in links.keys { drop(id) }
    }

    /// Remembers what the coordinator says about addresses.
    func learn(_ entries: [Directory.Entry]) {
        for entry in entries { directory[entry.party] = entry.addresses }
    }

    /// Sends to a peer, if it is connected; otherwise the machine says it again when it is.
    func send(_ message: ControlMessage, to peer: PartyID) async {
        guard let link = links[peer] else { return }
        do {
            try await link.connection.send(message.encoded())
        } catch {
            logger.debug("peer not reached", metadata: ["party": "\(peer.hex)", "reason": "\(error)"])
        }
    }

    /// Takes a connection that a peer dialled: a member of the epoch, with the key of the proposal. Others have a certificate
    /// and nothing more (protocol section 3); a member that is ahead of this site comes again.
    func accept(_ connection: Connection) {
        guard let peer = connection.peer, case .party(let id) = peer.role, id != identity.id,
            isExpected(connection, id)
        else {
            return refuse(connection)
        }
        hold(connection, to: id)
    }

    private func isExpected(_ connection: Connection, _ id: PartyID) -> Bool {
        guard let key = members[id] else { return false }
        return connection.peer?.publicKey == key
    }

    private func refuse(_ connection: Connection) {
        logger.debug("peer refused", metadata: ["address": "\(connection.remoteAddress)"])
        Task { await connection.close(reason: .unwelcome) }
    }

    private func hold(_ connection: Connection, to id: PartyID) {
        drop(id, reason: .superseded)
        linkCount += 1
        let number = linkCount
        links[id] = Link(connection: connection, number: number)
        paths[id] = connection.path
        logger.debug("peer connected", metadata: ["party": "\(id.hex)", "path": "\(connection.path)"])
        Task { await read(connection, from: id, number) }
    }

    private func drop(_ id: PartyID, reason: GoodbyeReason = .done) {
        guard let link = links.removeValue(forKey: id) else { return }
        Task { await link.connection.close(reason: reason) }
    }

    /// Reads a connection to its end. Outside the actor's turn: the inbox may wait for this actor.
    private nonisolated func read(_ connection: Connection, from id: PartyID, _ number: Int) async {
        await inbox.submit(.peerConnected(id))
        var messages = 0
        do {
            reading: for try await event in connection.events {
                switch event {
                case .message(let bytes):
                    if messages == 0 { await heard(id, number) }
                    messages += 1
                    guard messages <= Self.messagesMax else {
                        logger.warning("peer says too much", metadata: ["party": "\(id.hex)"])
                        await connection.close(reason: .unwelcome)
                        break reading
                    }
                    do {
                        await inbox.submit(.peerMessage(id, try ControlMessage(encoded: bytes)))
                    } catch {
                        logger.warning("invalid message", metadata: ["party": "\(id.hex)", "reason": "\(error)"])
                    }
                case .stream(let stream): stream.refuse(2)
                }
            }
        } catch {
            logger.debug("peer lost", metadata: ["party": "\(id.hex)", "reason": "\(error)"])
        }
        if await ended(id, number) { await inbox.submit(.peerDisconnected(id)) }
    }

    /// A peer that says something takes part: if the connection breaks now, it is dialled again soon.
    private func heard(_ id: PartyID, _ number: Int) {
        guard links[id]?.number == number else { return }
        targets[id]?.attempts = 0
        targets[id]?.turns.begin()
    }

    private func ended(_ id: PartyID, _ number: Int) -> Bool {
        guard links[id]?.number == number else { return false }
        links[id] = nil
        pause(id)
        pump()
        return true
    }

    /// Waits longer with every attempt that led to nothing.
    private func pause(_ id: PartyID) {
        guard let target = targets[id] else { return }
        let pause = min(Self.pauseMin * (1 << min(target.attempts, 6)), Self.pauseMax)
        targets[id]?.due = .now + target.patience + pause * Double.random(in: 0.75...1.25)
    }
}

// MARK: - Dialling

extension PeerMesh {
    /// Dials whatever is due, as far as there are places, and sets the alarm for what comes next.
    private func pump() {
        let now = ContinuousClock.now
        let waiting = targets.filter { !$1.isBusy && links[$0] == nil }
        for (id, target) in waiting.sorted(by: { $0.value.due < $1.value.due })
        where target.due <= now && dialing < Self.dialsMax {
            dialing += 1
            targets[id]?.isBusy = true
            targets[id]?.attempts += 1
            let isRelay = targets[id]?.turns.takeTurn(mayRelay: relays != nil && target.relayFrom <= now) ?? false
            let number = exchange
            Task { await dial(id, target, throughRelay: isRelay, number) }
        }
        alarm?.cancel()
        guard dialing < Self.dialsMax, let next = waiting.values.map(\.due).filter({ $0 > now }).min() else { return }
        alarm = Task {
            // The pause between attempts at one peer.
            try? await Task.sleep(until: next, clock: .continuous)
            if !Task.isCancelled { pump() }
        }
    }

    private func dial(_ id: PartyID, _ target: Target, throughRelay isRelay: Bool, _ number: Int) async {
        let result: Result<Connection, any Error>
        do {
            result = .success(try await connection(to: id, target, throughRelay: isRelay))
        } catch {
            result = .failure(error)
        }
        dialing -= 1
        switch result {
        case .success(let connection):
            guard number == exchange, isExpected(connection, id) else {
                Task { await connection.close() }
                break
            }
            targets[id]?.isBusy = false
            hold(connection, to: id)
        case .failure(let error):
            guard number == exchange else { break }
            tell(error, of: id, isFirstRelay: isRelay && target.turns.relayed == 0)
            targets[id]?.isBusy = false
            pause(id)
        }
        pump()
    }

    private func connection(to id: PartyID, _ target: Target, throughRelay isRelay: Bool) async throws -> Connection {
        let expected = PeerExpectation.party(id, federation: identity.federation, spkiHash: target.key.spkiHash)
        if isRelay, let relays {
            return try await relays.dial(id, expecting: expected, timeout: Self.relayTimeout)
        }
        let (address, proxy) = try await way(to: id, attempt: target.turns.direct)
        do {
            return try await Transport.dial(
                host: address.host, port: Int(address.port), identity: current.tls, expecting: expected,
                proxy: proxy, meter: meter, timeout: Self.dialTimeout)
        } catch let error as ConnectionError where error.saysNobodyAnswered {
            await discovery?.noteUnanswered(address.host, port: address.port)
            throw error
        }
    }

    /// Says why an attempt failed; the first one at a relay aloud, as nothing is left then but to try again.
    private func tell(_ error: any Error, of id: PartyID, isFirstRelay: Bool) {
        let reason: String
        if case .relay(let code)? = error as? ConnectionError, let refusal = RelayRefusal(rawValue: code.rawValue) {
            reason = "not relayed: \(refusal)"
        } else {
            reason = "\(error)"
        }
        logger.log(
            level: isFirstRelay ? .warning : .debug, "peer not reached",
            metadata: ["party": "\(id.hex)", "reason": "\(reason)"])
    }

    /// Takes the known addresses of a party in turn, one of multicast's and one of the coordinator's: false records of either
    /// cannot keep the other's from being tried. What multicast tells is near and is dialled directly, the others through the
    /// proxy if there is one.
    private func way(to id: PartyID, attempt: Int) async throws -> (address: HostPort, proxy: HTTPProxy?) {
        var heard: [HostPort] = []
        if let discovery {
            let filter = DiscoveryFilter(federation: identity.federation.text, role: .party, id: id.hex, version: "1")
            for service in await discovery.services(matching: filter) {
                heard += service.addresses.map { HostPort(host: $0, port: service.port) }
            }
        }
        let told = (directory[id] ?? []).compactMap { HostPort($0) }
        let (first, second) = attempt.isMultiple(of: 2) ? (heard, told) : (told, heard)
        let addresses = first.isEmpty ? second : first
        guard !addresses.isEmpty else { throw AddressUnknown() }
        let address = addresses[(attempt / 2) % addresses.count]
        return (address, heard.contains(address) ? nil : proxy)
    }

    private struct AddressUnknown: Error {}
}
