// SPDX-License-Identifier: MIT

import Identity
import Logging
import Messages
import Synchronization
import Transport

/// Joins two parties that do not reach each other, by carrying what they say between their connections (protocol section 3,
/// "Relay").
///
/// What passes is the TLS of the two: the coordinator can count it, delay it and end it, like any network. A relay ends with
/// either of the connections that it rests on.
///
/// ```
/// RelayOpen ─▶ waiting ─RelayAnswer─▶ joined ─both directions end─▶ gone
///    │ refused    │ no answer, refused, a limit, a connection gone      ▲
///    └────────────┴─────────────────────────────────────────────────────┘
/// ```
actor RelayDesk {
    /// What relays may take of the coordinator.
    struct Limits: Sendable {
        /// The most relays at one time; 0: there are none.
        var relaysMax = 256
        /// The most relays at one time of one party, from either end: half the streams that a connection may have.
        var relaysPerPartyMax = 32
        /// The most bytes that one relay carries, both directions together. An exchange of keys takes a few KiB.
        var bytesMax = 4 << 20
        /// The most relays that one party asks for in a minute.
        var opensPerMinuteMax = 60
        /// How long the other end may take to answer.
        var answerTimeout = Duration.seconds(5)
    }

    /// One end: a party on one of its connections.
    struct End: Sendable {
        let party: PartyID
        let connection: Connection
        /// Whether it only asks by `smpc-inquiry/1`, beside a connection that its run may have. Then nothing that it opens ends
        /// or holds up what the run has opened.
        let isInquiry: Bool

        init(_ party: PartyID, on connection: Connection) {
            self.party = party
            self.connection = connection
            isInquiry = connection.applicationProtocol == .inquiry
        }

        var asker: Asker { Asker(party: party, isInquiry: isInquiry) }
    }

    /// Who opens relays, as far as limits and places go.
    struct Asker: Hashable, Sendable {
        let party: PartyID
        let isInquiry: Bool
    }

    /// One relay. The desk alone changes it.
    private final class Relay {
        let opener: End
        let target: End
        /// What the opener calls it.
        let openersName: RelayID
        let allowance: RelayAllowance
        /// From the opener to the target.
        let there: IncomingStream
        var thereOut: OutgoingStream?
        /// From the target to the opener.
        var back: IncomingStream?
        var backOut: OutgoingStream?
        var tasks: [Task<Void, Never>] = []
        var deadline: Task<Void, Never>?
        /// Directions that have not ended.
        var open = 2

        init(
            opener: End, target: End, openersName: RelayID, allowance: RelayAllowance, there: IncomingStream
        ) {
            self.opener = opener
            self.target = target
            self.openersName = openersName
            self.allowance = allowance
            self.there = there
        }

        func involves(_ party: PartyID) -> Bool { opener.party == party || target.party == party }
        func restsOn(_ connection: Connection) -> Bool {
            opener.connection === connection || target.connection === connection
        }
    }

    private let limits: Limits
    private let logger: Logger
    /// By the name that was drawn here, which the target knows.
    private var relays: [RelayID: Relay] = [:]
    /// When each asked for a relay within the last minute.
    private var opens: [Asker: [ContinuousClock.Instant]] = [:]
    private nonisolated let refusals = Mutex<[RelayRefusal: Int]>([:])

    init(limits: Limits, logger: Logger) {
        self.limits = limits
        self.logger = logger
    }

    /// What was refused or ended before its time, by reason.
    nonisolated var refused: [RelayRefusal: Int] { refusals.withLock { $0 } }

    /// The relays that stand or wait for an answer.
    var count: Int { relays.count }

    /// A party wants to be joined to another one.
    ///
    /// - Parameter target: the other party; nil if it has no connection, is no member or takes no relays.
    func opened(_ stream: IncomingStream, _ header: RelayOpen, from opener: End, to target: End?) async {
        let relay: Relay
        do {
            relay = try admit(stream, header, opener, target)
        } catch {
            count(error)
            return stream.refuse(StreamCode(relay: error))
        }
        let name = RelayID.random()
        // Before the other end hears of it: its answer may be here before this call goes on.
        relays[name] = relay
        relay.deadline = Task { [weak self, limits] in
            // A deadline: nothing happens that could be waited for when the other end says nothing. An answer cancels it.
            guard (try? await Task.sleep(for: limits.answerTimeout)) != nil else { return }
            await self?.end(name, RelayRefusal.noAnswer)
        }
        let forward = StreamHeader.relayOpen(RelayOpen(relay: name, party: opener.party)).encoded()
        guard let out = try? await relay.target.connection.openStream(header: forward) else {
            return end(name, RelayRefusal.otherEndGone)
        }
        guard relays[name] === relay else { return }
        relay.thereOut = out
        carry(relay, name, from: stream, to: out)
    }

    /// A party answers a relay that was opened to it.
    func answered(_ stream: IncomingStream, _ header: RelayAnswer, from target: End) async {
        guard let relay = relays[header.relay], relay.target.connection === target.connection, relay.back == nil else {
            count(.notExpected)
            return stream.refuse(StreamCode(relay: .notExpected))
        }
        relay.back = stream
        relay.deadline?.cancel()
        let answer = StreamHeader.relayAnswer(RelayAnswer(relay: relay.openersName)).encoded()
        guard let out = try? await relay.opener.connection.openStream(header: answer) else {
            return end(header.relay, RelayRefusal.otherEndGone)
        }
        guard relays[header.relay] === relay else { return }
        relay.backOut = out
        carry(relay, header.relay, from: stream, to: out)
        logger.info(
            "a relay joins two parties",
            metadata: ["opener": "\(relay.opener.party)", "party": "\(target.party)", "relays": "\(relays.count)"])
    }

    /// A connection is gone, and every relay that rests on it.
    func left(_ connection: Connection) {
        for (name, relay) in relays where relay.restsOn(connection) { end(name, RelayRefusal.otherEndGone) }
        opens = opens.filter { recent($0.value, .now).isEmpty == false }
    }

    private func admit(
        _ stream: IncomingStream, _ header: RelayOpen, _ opener: End, _ target: End?
    ) throws(RelayRefusal) -> Relay {
        guard limits.relaysMax > 0, let target, target.party != opener.party else { throw .notThere }
        let now = ContinuousClock.now
        let before = recent(opens[opener.asker] ?? [], now)
        guard before.count < limits.opensPerMinuteMax else { throw .tooOften }
        opens[opener.asker] = before + [now]
        // One relay from one party to another: so nobody fills another's places alone.
        for (name, relay) in relays where relay.opener.asker == opener.asker && relay.target.party == target.party {
            end(name, RelayRefusal.superseded)
        }
        let isFull = [opener.party, target.party].contains { party in
            relays.values.count { $0.involves(party) } >= limits.relaysPerPartyMax
        }
        guard relays.count < limits.relaysMax, !isFull else { throw .tooMany }
        return Relay(
            opener: opener, target: target, openersName: header.relay,
            allowance: RelayAllowance(bytes: limits.bytesMax), there: stream)
    }

    private func recent(_ times: [ContinuousClock.Instant], _ now: ContinuousClock.Instant) -> [ContinuousClock.Instant]
    {
        times.filter { $0 > now - .seconds(60) }
    }

    /// Carries one direction; an error in it ends the relay.
    private func carry(_ relay: Relay, _ name: RelayID, from incoming: IncomingStream, to outgoing: OutgoingStream) {
        let allowance = relay.allowance
        relay.tasks.append(
            Task { [weak self] in
                do {
                    try await Transport.relay(from: incoming, to: outgoing, allowance: allowance)
                    await self?.directionEnded(name)
                } catch let refused as StreamRefused {
                    await self?.end(name, code: refused.code)
                } catch let reset as StreamReset {
                    await self?.end(name, code: reset.code)
                } catch is RelayExhausted {
                    await self?.end(name, RelayRefusal.exhausted)
                } catch {
                    await self?.end(name, RelayRefusal.otherEndGone)
                }
            })
    }

    private func directionEnded(_ name: RelayID) {
        guard let relay = relays[name] else { return }
        relay.open -= 1
        if relay.open == 0 { forget(name, relay) }
    }

    private func end(_ name: RelayID, _ refusal: RelayRefusal) {
        guard relays[name] != nil else { return }
        count(refusal)
        end(name, code: StreamCode(relay: refusal))
    }

    /// Ends a relay; both ends learn the code.
    private func end(_ name: RelayID, code: StreamCode) {
        guard let relay = relays[name] else { return }
        relay.there.refuse(code)
        relay.thereOut?.reset(code)
        relay.back?.refuse(code)
        relay.backOut?.reset(code)
        for task in relay.tasks { task.cancel() }
        forget(name, relay)
    }

    private func forget(_ name: RelayID, _ relay: Relay) {
        relays[name] = nil
        relay.deadline?.cancel()
        logger.debug(
            "a relay has ended",
            metadata: [
                "opener": "\(relay.opener.party)", "party": "\(relay.target.party)", "bytes": "\(relay.allowance.used)",
            ])
    }

    private func count(_ refusal: RelayRefusal) {
        refusals.withLock { $0[refusal, default: 0] += 1 }
        logger.debug("a relay was refused or ended", metadata: ["reason": "\(refusal)"])
    }
}

extension StreamCode {
    /// The code by which a relay is refused or ended.
    init(relay refusal: RelayRefusal) { self.init(rawValue: refusal.rawValue) }
}
