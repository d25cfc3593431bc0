// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Programs
import Reporting
import Transport

/// Dials every other site that is known, announced or connected to the coordinator.
///
/// One of two sites reaching the other is enough, and otherwise the coordinator relays: one that cannot be dialled from
/// here is asked through its relay, and a warning if that leads nowhere either.
struct PeerChecks: Sendable {
    let identity: PartyIdentity
    let members: [RecordedMember]
    /// By which ways the others were reached in the last epoch; nil before the first.
    let paths: PeerPaths?
    let proxy: HTTPProxy?
    let neighbours: Neighbours
    /// The coordinator, which knows addresses and relays; nil if it was not reached.
    let coordinator: CoordinatorChecks.Found?

    /// The most sites that are dialled and told of.
    static let peersMax = 1000
    /// The most relays that are tried at one time. Each takes a connection to the coordinator, which lets this site have 8,
    /// the one of its run included.
    static let relaysMax = 4

    private struct Peer: Sendable {
        let id: PartyID
        /// What this site has on record; nil for somebody whom it has not met.
        let recorded: RecordedMember?
        let heard: [HostPort]
        let told: [HostPort]
        /// Whether the coordinator has a connection with it.
        let isConnected: Bool

        /// A name is nothing that a stranger may choose here.
        var name: String { recorded.map { "\($0.name) (\(id.hex.prefix(8)))" } ?? String(id.hex.prefix(8)) }
    }

    /// Gives one check for each of them.
    func run() async -> [Check] {
        let peers = peers()
        guard !peers.isEmpty else {
            return [
                .notChecked(
                    .peer, "no other site is known yet, announced, or connected",
                    remedy: "call this again when other sites run")
            ]
        }
        let dialled = await Inquiry.all(Array(peers.prefix(Self.peersMax))) { ($0, await dial($0)) }
        return await Inquiry.all(dialled, atMost: Self.relaysMax) { peer, outcome in
            switch outcome {
            case .judged(let check): check
            case .unreached(let why): await relayed(peer, why)
            }
        }
    }

    /// What came of dialling a site.
    private enum Outcome: Sendable {
        case judged(Check)
        /// Nobody answered, for this reason.
        case unreached(String)
    }

    private func peers() -> [Peer] {
        let entries = coordinator?.answer.directory.entries ?? []
        let told = Dictionary(entries.map { ($0.party, $0.addresses) }) { first, _ in first }
        let recorded = Dictionary(members.map { ($0.id, $0) }) { first, _ in first }
        let ids = Set(recorded.keys).union(told.keys).union(neighbours.parties).subtracting([identity.id])
        return ids.sorted().map { id in
            Peer(
                id: id, recorded: recorded[id], heard: neighbours.addresses(of: .party, id: id),
                told: (told[id] ?? []).compactMap { HostPort($0) }, isConnected: told[id] != nil)
        }
    }

    private func expectation(_ peer: Peer) -> PeerExpectation {
        .party(peer.id, federation: identity.federation, spkiHash: peer.recorded.map { SHA256.hash($0.spki) })
    }

    private func dial(_ peer: Peer) async -> Outcome {
        guard !peer.heard.isEmpty || peer.isConnected else {
            return .judged(
                .notChecked(
                    .peer, of: peer.name, "does not run, as far as is known", remedy: "call this again when it runs"))
        }
        let expected = expectation(peer)
        // As a run does it: what multicast tells is near, the rest is dialled through the proxy if there is one.
        let near = await Inquiry(as: identity).dialFirst(peer.heard, expecting: expected)
        if let reached = near.reached { return .judged(direct(peer, reached)) }
        let rest = peer.told.filter { !peer.heard.contains($0) }
        let far = await Inquiry(as: identity, proxy: proxy).dialFirst(rest, expecting: expected)
        if let reached = far.reached { return .judged(direct(peer, reached)) }
        return unreached(peer, near.failures + far.failures)
    }

    private func direct(_ peer: Peer, _ reached: Inquiry.Reached) -> Check {
        accepted(peer, "\(reached.path) at \(reached.address)", reached.roundTrip)
    }

    private func accepted(_ peer: Peer, _ way: String, _ roundTrip: Duration) -> Check {
        let milliseconds = roundTrip / .milliseconds(1)
        let stranger =
            switch peer.recorded?.state {
            case .confirmed: ""
            case .pending: "; waits to be confirmed here"
            case nil: "; not on record here yet"
            }
        return .ok(
            .peer, of: peer.name,
            "\(way), both certificates accepted, round trip \(NumberText.fixed(milliseconds, 2)) ms\(stranger)",
            figures: ["round_trip_ms": milliseconds])
    }

    private func unreached(
        _ peer: Peer, _ failures: [(address: HostPort, error: ConnectionError)]
    ) -> Outcome {
        let worst = failures.first { $0.error.isAnswer } ?? failures.first
        let why = worst.map { "\($0.address): \($0.error)" } ?? "it tells no address"
        if let error = worst?.error, error.isAnswer, !error.isOfTheProxy {
            return .judged(
                .failed(.peer, of: peer.name, "no direct path: \(why)", remedy: error.remedy(reaching: "the site")))
        }
        return .unreached(why)
    }

    /// Asks a site through the coordinator that could not be dialled.
    private func relayed(_ peer: Peer, _ why: String) async -> Check {
        var nor = ""
        if peer.isConnected, let coordinator {
            switch await coordinator.relay.ask(peer.id, expecting: expectation(peer)) {
            case .success(let roundTrip):
                return accepted(peer, "relayed by the coordinator (no direct path from here: \(why))", roundTrip)
            case .failure(let error): nor = "; no relayed path either: \(error.ofRelay)"
            }
        }
        let before = paths.map { "; ways of the last epoch: \($0.text)" } ?? ""
        return .warning(
            .peer, of: peer.name, "no direct path from here: \(why)\(nor)\(before)",
            remedy:
                "enough if it reaches this site; otherwise one of the two has to be dialled (--listen, firewall), or the "
                + "operator has to let the coordinator relay (smpc-server run --relays)")
    }
}

extension ConnectionError {
    /// Why a relay did not come about, in words.
    fileprivate var ofRelay: String {
        if case .relay(let code) = self, let refusal = RelayRefusal(rawValue: code.rawValue) { return "\(refusal)" }
        return "\(self)"
    }

    fileprivate var isOfTheProxy: Bool {
        if case .proxy = self { true } else { false }
    }
}
