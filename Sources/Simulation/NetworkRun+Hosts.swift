// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages

extension NetworkRun: SiteHost {
    func send(_ message: ControlMessage, from site: SimulatedSite) throws {
        for message in liar.messages(for: message, from: site) { try sendUp(message, from: site.number) }
    }

    private func sendUp(_ message: ControlMessage, from number: Int) throws {
        guard links[number].isUp else { return }
        if happens(setting.plan.linkBreaks) { return try breakLink(number) }
        // One connection keeps the order of its control messages.
        links[number].lastUp = max(links[number].lastUp + 1, time + Int64(delay))
        events.push(
            .toServer(number, generation: links[number].generation, message), at: links[number].lastUp)
    }

    func send(_ message: ControlMessage, to peer: PartyID, from site: SimulatedSite) throws {
        guard let number = numbers[peer] else { return }
        let pair = Pair(site.number, number)
        guard var link = peerLinks[pair], link.isUp else { return }
        if happens(setting.plan.peerLinkBreaks) { return breakPeerLink(pair) }
        let direction = site.number < number ? 0 : 1
        for message in liar.messages(for: message, to: number, from: site) {
            link.last[direction] = max(link.last[direction] + 1, time + Int64(delay))
            events.push(
                .toPeer(number, from: site.number, generation: link.generation, message), at: link.last[direction])
        }
        peerLinks[pair] = link
    }

    func offer(
        _ header: StreamHeader, _ trailer: Envelope, _ vector: Field64Vector, from site: SimulatedSite
    ) throws {
        guard links[site.number].isUp else { return }
        if happens(setting.plan.linkBreaks) { return try breakLink(site.number) }
        let (sent, signed) = liar.vector(vector, trailer, header, from: site)
        if sent != vector { observer.vectorsWereTouched = true }
        // Streams and messages of one connection overtake each other.
        schedule(.offer(site.number, generation: links[site.number].generation, header, signed, sent), after: delay)
    }

    func connectPeers(_ peers: [PartyID], of site: SimulatedSite) throws {
        welcome[site.number] = Set(peers.compactMap { numbers[$0] })
        for peer in peers {
            guard let number = numbers[peer] else { continue }
            wanted[site.number].insert(number)
            if peerLinks[Pair(site.number, number)]?.isUp != true { dialPeer(site.number, number, after: delay) }
        }
    }

    func disconnectPeers(of site: SimulatedSite) throws {
        wanted[site.number] = []
        try breakPeerLinks(of: site.number)
    }

    func begin(_ work: SiteWork, at site: SimulatedSite) throws {
        // Nothing else happens at a site while it checks a sum.
        if case .verify = work { return try site.finish(work) }
        let isSlow = happens(setting.plan.slowWork)
        schedule(
            .work(site.number, life: site.life, work),
            after: isSlow ? 1_000_000 * random.below(700) : 100 + random.below(20_000))
    }
}

extension NetworkRun: ServerHost {
    func send(_ message: ControlMessage, to party: PartyID) throws {
        guard let number = numbers[party], let generation = links[number].known, isCurrent(number, generation) else {
            return
        }
        if happens(setting.plan.linkBreaks) { return try breakLink(number) }
        links[number].lastDown = max(links[number].lastDown + 1, time + Int64(delay))
        events.push(.toSite(number, generation: generation, message), at: links[number].lastDown)
    }

    func sendResult(_ header: ResultHeader, _ trailer: Envelope, _ sum: Field64Vector, to party: PartyID) throws {
        guard let number = numbers[party], let generation = links[number].known, isCurrent(number, generation) else {
            return
        }
        if happens(setting.plan.linkBreaks) { return try breakLink(number) }
        // What goes to a party goes through one queue, streams and messages alike.
        links[number].lastDown = max(links[number].lastDown + 1, time + Int64(delay))
        events.push(.result(number, generation: generation, header, trailer, sum), at: links[number].lastDown)
    }

    func sendHandover(_ header: HandoverHeader, _ parameters: [Float], to party: PartyID) throws {
        guard let number = numbers[party], let generation = links[number].known, isCurrent(number, generation) else {
            return
        }
        // The proposal waits for it: they are one after the other on one connection.
        links[number].lastDown = max(links[number].lastDown + 1, time + Int64(delay))
        events.push(.handover(number, generation: generation, header, parameters), at: links[number].lastDown)
    }

    func grant(_ stream: StreamID) {
        schedule(.streamEnds(stream), after: delay)
    }

    func ping(_ parties: [PartyID]) {
        for party in parties {
            guard let number = numbers[party], let generation = links[number].known, isCurrent(number, generation),
                sites[number].isAlive
            else { continue }
            schedule(.pong(number, generation: generation), after: 2 * delay)
        }
    }

    func serverDied() {
        streams = [:]
        for number in links.indices where links[number].isUp {
            links[number].isUp = false
            links[number].generation += 1
            if sites[number].isAlive { dial(number, after: 100_000 + random.below(500_000)) }
        }
        for number in links.indices { links[number].known = nil }
        for number in sites.indices where !faultsAreOver && powerCut?.happens(0.5) == true {
            schedule(.die(number), after: 1)
        }
        schedule(.restartServer, after: 1_000 * (1 + random.below(setting.plan.awayMax)))
    }
}

extension SimulatedSite {
    /// The site's engineer confirms everybody who is pending, and the site says so.
    func confirmMembers() throws {
        var changed = record
        for member in record.sorted where member.state == .pending { _ = changed.confirm(member.id, now: unixSeconds) }
        guard changed != record else { return }
        membersChanged(changed)
        try host.send(
            .hello(Hello(instance: [UInt8](repeating: UInt8(number), count: 16), addresses: [], position: nil)),
            from: self)
    }
}
