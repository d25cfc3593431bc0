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
/// here is a warning.
struct PeerChecks: Sendable {
    let identity: PartyIdentity
    let members: [RecordedMember]
    /// By which ways the others were reached in the last epoch; nil before the first.
    let paths: PeerPaths?
    let proxy: HTTPProxy?
    let neighbours: Neighbours
    /// What the coordinator says of addresses; nil if it was not reached.
    let directory: Directory?

    /// The most sites that are dialled and told of.
    static let peersMax = 1000

    private struct Peer: Sendable {
        let id: PartyID
        /// What this site has on record; nil for somebody whom it has not met.
        let recorded: RecordedMember?
        let heard: [HostPort]
        let told: [HostPort]

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
        return await Inquiry.all(Array(peers.prefix(Self.peersMax))) { await check($0) }
    }

    private func peers() -> [Peer] {
        let entries = directory?.entries ?? []
        let told = Dictionary(entries.map { ($0.party, $0.addresses) }) { first, _ in first }
        let recorded = Dictionary(members.map { ($0.id, $0) }) { first, _ in first }
        let ids = Set(recorded.keys).union(told.keys).union(neighbours.parties).subtracting([identity.id])
        return ids.sorted().map { id in
            Peer(
                id: id, recorded: recorded[id], heard: neighbours.addresses(of: .party, id: id),
                told: (told[id] ?? []).compactMap { HostPort($0) })
        }
    }

    private func check(_ peer: Peer) async -> Check {
        guard !peer.heard.isEmpty || !peer.told.isEmpty else {
            let isConnected = directory?.entries.contains { $0.party == peer.id } ?? false
            return .notChecked(
                .peer, of: peer.name,
                isConnected
                    ? "is connected to the coordinator and tells no address" : "does not run, as far as is known",
                remedy: "call this again when it runs")
        }
        let pin = peer.recorded.map { SHA256.hash($0.spki) }
        let expected = PeerExpectation.party(peer.id, federation: identity.federation, spkiHash: pin)
        // As a run does it: what multicast tells is near, the rest is dialled through the proxy if there is one.
        let near = await Inquiry(as: identity).dialFirst(peer.heard, expecting: expected)
        if let reached = near.reached { return direct(peer, reached) }
        let rest = peer.told.filter { !peer.heard.contains($0) }
        let far = await Inquiry(as: identity, proxy: proxy).dialFirst(rest, expecting: expected)
        if let reached = far.reached { return direct(peer, reached) }
        return unreached(peer, near.failures + far.failures)
    }

    private func direct(_ peer: Peer, _ reached: Inquiry.Reached) -> Check {
        let milliseconds = reached.roundTrip / .milliseconds(1)
        let stranger =
            switch peer.recorded?.state {
            case .confirmed: ""
            case .pending: "; waits to be confirmed here"
            case nil: "; not on record here yet"
            }
        return .ok(
            .peer, of: peer.name,
            "\(reached.path) at \(reached.address), both certificates accepted, round trip "
                + "\(NumberText.fixed(milliseconds, 2)) ms\(stranger)",
            figures: ["round_trip_ms": milliseconds])
    }

    private func unreached(
        _ peer: Peer, _ failures: [(address: HostPort, error: ConnectionError)]
    ) -> Check {
        let worst = failures.first { $0.error.isAnswer } ?? failures.first
        let why = worst.map { "\($0.address): \($0.error)" } ?? "no address"
        if let error = worst?.error, error.isAnswer, !error.isOfTheProxy {
            return .failed(
                .peer, of: peer.name, "no direct path: \(why)", remedy: error.remedy(reaching: "the site"))
        }
        let before = paths.map { "; ways of the last epoch: \($0.text)" } ?? ""
        return .warning(
            .peer, of: peer.name, "no direct path from here: \(why)\(before)",
            remedy:
                "enough if it reaches this site; otherwise the coordinator relays between the two, unless its operator has "
                + "turned that off; a direct way needs one of them to be dialled (--listen, firewall)")
    }
}

extension ConnectionError {
    fileprivate var isOfTheProxy: Bool {
        if case .proxy = self { true } else { false }
    }
}
