// SPDX-License-Identifier: MIT

import Messages

extension NetworkRun {
    /// The connection between a site and the coordinator.
    struct Link {
        /// Grows with every connection and every break: what was sent over an earlier one never arrives.
        var generation = 0
        var isUp = false
        var isDialing = false
        /// The connection that the coordinator knows of.
        var known: Int?
        var lastUp: Int64 = 0
        var lastDown: Int64 = 0
    }

    /// The connection between two sites.
    struct PeerLink {
        var generation = 0
        var isUp = false
        var isDialing = false
        var last: [Int64] = [0, 0]
    }

    struct Pair: Hashable {
        let low: Int
        let high: Int

        init(_ a: Int, _ b: Int) {
            low = min(a, b)
            high = max(a, b)
        }
    }

    // MARK: Links to the coordinator

    func isCurrent(_ number: Int, _ generation: Int) -> Bool {
        links[number].isUp && links[number].generation == generation
    }

    func dial(_ number: Int, after microseconds: Int) {
        guard !links[number].isDialing else { return }
        links[number].isDialing = true
        schedule(.dial(number), after: microseconds)
    }

    func connect(_ number: Int) {
        links[number].isDialing = false
        guard sites[number].isAlive, !links[number].isUp else { return }
        let isRevoked = server?.registry.contains { $0.id == sites[number].id } == false
        guard !isRevoked else { return }
        guard server?.isAlive == true, !unreachable.contains(number) else {
            return dial(number, after: 200_000 + random.below(800_000))
        }
        links[number].generation += 1
        links[number].isUp = true
        let hello = Hello(
            instance: [UInt8](repeating: UInt8(number), count: 16), addresses: [],
            position: sites[number].machine?.position)
        links[number].lastUp = max(links[number].lastUp, time + Int64(delay))
        events.push(.hello(number, generation: links[number].generation, hello), at: links[number].lastUp)
    }

    func breakLink(_ number: Int) throws {
        guard links[number].isUp else { return }
        observer.count(\.brokenLinks)
        let generation = links[number].generation
        links[number].isUp = false
        links[number].generation += 1
        let notice = random.happens(setting.plan.halfOpen) ? random.below(15_000_000) : random.below(2_000)
        schedule(.hungUp(number, generation: generation), after: notice)
        if sites[number].isAlive { dial(number, after: 10_000 + random.below(500_000)) }
    }

    // MARK: Links between sites

    func dialPeer(_ first: Int, _ second: Int, after microseconds: Int) {
        let pair = Pair(first, second)
        guard peerLinks[pair]?.isDialing != true else { return }
        peerLinks[pair, default: PeerLink()].isDialing = true
        schedule(.dialPeer(pair.low, pair.high), after: microseconds)
    }

    func connectPeer(_ first: Int, _ second: Int) throws {
        let pair = Pair(first, second)
        guard var link = peerLinks[pair] else { return }
        link.isDialing = false
        peerLinks[pair] = link
        guard !link.isUp, wanted[first].contains(second) || wanted[second].contains(first) else { return }
        // Who does not know the other one yet turns it away, and the other one dials again.
        guard sites[first].isAlive, sites[second].isAlive, welcome[first].contains(second),
            welcome[second].contains(first),
            unreachable.isDisjoint(with: [first, second])
        else { return dialPeer(first, second, after: 100_000 + random.below(400_000)) }
        link.generation += 1
        link.isUp = true
        peerLinks[pair] = link
        let (a, b) = (sites[first].id, sites[second].id)
        try at(first) { try $0.peerConnected(b) }
        try at(second) { try $0.peerConnected(a) }
    }

    func breakPeerLink(_ pair: Pair) {
        guard var link = peerLinks[pair], link.isUp else { return }
        link.isUp = false
        link.generation += 1
        peerLinks[pair] = link
        sites[pair.low].peerDisconnected(sites[pair.high].id)
        sites[pair.high].peerDisconnected(sites[pair.low].id)
        if wanted[pair.low].contains(pair.high) || wanted[pair.high].contains(pair.low) {
            dialPeer(pair.low, pair.high, after: 50_000 + random.below(200_000))
        }
    }

    func breakPeerLinks(of number: Int) throws {
        for other in sites.indices where other != number { breakPeerLink(Pair(number, other)) }
    }
}
