// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Messages

extension NetworkRun {
    /// What a site has announced, until its end arrives.
    struct Stream {
        let site: Int
        let generation: Int
        let trailer: Envelope
    }

    indirect enum Event {
        case dial(Int)
        case hello(Int, generation: Int, Hello)
        case hungUp(Int, generation: Int)
        case toServer(Int, generation: Int, ControlMessage)
        case toSite(Int, generation: Int, ControlMessage)
        case offer(Int, generation: Int, StreamHeader, Envelope, Field64Vector)
        case streamEnds(StreamID)
        case result(Int, generation: Int, ResultHeader, Envelope, Field64Vector)
        case handover(Int, generation: Int, HandoverHeader, [Float])
        case pong(Int, generation: Int)
        case dialPeer(Int, Int)
        case toPeer(Int, from: Int, generation: Int, ControlMessage)
        case work(Int, life: Int, SiteWork)
        case restart(Int)
        case restartServer
        case die(Int)
        case reachable(Set<Int>)
        case join(Int)
        case confirm
        case revoke(Int)
    }

    func tell(_ what: @autoclosure () -> String) {
        if let trace = observer.trace { trace("\(time / 1_000) ms: \(what())") }
    }

    func schedule(_ event: Event, after microseconds: Int) {
        events.push(event, at: time + Int64(microseconds))
    }

    var delay: Int { 20 + random.below(setting.plan.delayMax * 1_000) }

    func happen(_ event: Event) throws {
        switch event {
        case .dial(let number): connect(number)
        case .hello(let number, let generation, let hello):
            guard isCurrent(number, generation), server?.isAlive == true else { return }
            links[number].known = generation
            let id = sites[number].id
            try server?.event(now) { try $0.partyConnected(id, hello: hello, now: now) }
        case .hungUp(let number, let generation):
            guard links[number].known == generation else { return }
            links[number].known = nil
            let id = sites[number].id
            try server?.event(now) { try $0.partyDisconnected(id, now: now) }
        case .toServer(let number, let generation, let message):
            guard links[number].known == generation, server?.isAlive == true else { return }
            let id = sites[number].id
            let arrived = try wired(message)
            try server?.event(now) { try $0.handle(arrived, from: id, now: now) }
        case .offer(let number, let generation, let header, let trailer, let vector):
            guard links[number].known == generation, server?.isAlive == true else { return }
            let stream = StreamID(nextStream)
            nextStream += 1
            streams[stream] = Stream(site: number, generation: generation, trailer: trailer)
            let arrived = setting.isWired ? try StreamHeader(encoded: header.encoded()) : header
            try server?.offered(stream, arrived, vector, from: sites[number].id, now)
        case .streamEnds(let id):
            guard let stream = streams.removeValue(forKey: id) else { return }
            guard links[stream.site].known == stream.generation, server?.isAlive == true else { return }
            try server?.ended(id, stream.trailer, now)
        case .pong(let number, let generation):
            guard links[number].known == generation else { return }
            let id = sites[number].id
            try server?.event(now) { try $0.pong(from: id, now: now) }
        default: try happenAtSite(event)
        }
        try closeRevoked()
    }

    private func happenAtSite(_ event: Event) throws {
        switch event {
        case .toSite(let number, let generation, let message):
            guard isCurrent(number, generation) else { return }
            let arrived = try wired(message)
            try at(number) { try $0.handle(arrived) }
        case .result(let number, let generation, let header, let trailer, let sum):
            guard isCurrent(number, generation) else { return }
            try at(number) { try $0.receive(header, trailer, sum) }
        case .handover(let number, let generation, let header, let parameters):
            guard isCurrent(number, generation) else { return }
            try at(number) { try $0.receive(header, parameters) }
        case .dialPeer(let first, let second): try connectPeer(first, second)
        case .toPeer(let number, let from, let generation, let message):
            guard let link = peerLinks[Pair(number, from)], link.isUp, link.generation == generation else { return }
            let arrived = try wired(message)
            let peer = sites[from].id
            try at(number) { try $0.handle(arrived, from: peer) }
        case .work(let number, let life, let work):
            guard sites[number].life == life else { return }
            try at(number) { try $0.finish(work) }
        case .restart(let number):
            sites[number].start()
            dial(number, after: random.below(20_000))
        case .die(let number):
            if sites[number].isAlive { try kill(number) }
        case .restartServer:
            guard server?.isAlive == false else { return }
            try server?.start(now: now)
        case .reachable(let cut): unreachable.subtract(cut)
        default: try changeMembers(event)
        }
    }

    private func changeMembers(_ event: Event) throws {
        guard let server else { return }
        switch event {
        case .join(let number):
            guard sites[number].life == 0 else { return }
            server.registry.append(setting.member(number))
            let members = server.registry
            try server.event(now) { try $0.registryChanged(members, now: now) }
            sites[number].start()
            dial(number, after: random.below(50_000))
            schedule(.confirm, after: 1_000_000 * (1 + random.below(20)))
        case .revoke(let number):
            gone.insert(number)
            let id = sites[number].id
            server.registry.removeAll { $0.id == id }
            let members = server.registry
            try server.event(now) { try $0.registryChanged(members, now: now) }
        case .confirm:
            for site in sites where site.isAlive {
                try at(site.number) { try $0.confirmMembers() }
            }
        default: break
        }
    }

    /// A connection lasts as long as the registry in effect names its party.
    private func closeRevoked() throws {
        guard setting.plan.membership > 0, let machine = server?.machine else { return }
        for number in links.indices where links[number].isUp && machine.registry[sites[number].id] == nil {
            if gone.contains(number) { try breakLink(number) }
        }
    }

    func at(_ number: Int, _ body: (SimulatedSite) throws -> Void) throws {
        let site = sites[number]
        let wasAlive = site.isAlive
        try body(site)
        try check(number, wasAlive: wasAlive)
    }

    private func wired(_ message: ControlMessage) throws -> ControlMessage {
        setting.isWired ? try ControlMessage(encoded: message.encoded()) : message
    }
}
