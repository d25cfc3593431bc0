// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives

/// A run with an honest coordinator over a network that delays and breaks, with parties that die, hang, come and lie.
///
/// Time is a number of microseconds. What happens next is the earliest event of a heap, or the coordinator's next deadline.
final class NetworkRun {
    let setting: RunSetting
    let observer: Observer
    private var random: SimulationRandom
    private let origin = ContinuousClock.now  // An origin to count from; nothing depends on which.
    private(set) var time: Int64 = 0
    private var events = EventHeap<Event>()
    private var sites: [SimulatedSite] = []
    private var numbers: [PartyID: Int] = [:]
    private var server: SimulatedServer?
    private var links: [Link] = []
    private var peerLinks: [Pair: PeerLink] = [:]
    /// Whom each site exchanges keys with now.
    private var wanted: [Set<Int>] = []
    /// Whom it exchanged keys with last: it listens to them even when it waits for nobody.
    private var welcome: [Set<Int>] = []
    private var streams: [StreamID: Stream] = [:]
    private var nextStream = 0
    private var unreachable: Set<Int> = []
    /// Who has left for good.
    private var gone: Set<Int> = []
    private var liar: LyingMember
    /// Draws whom a coordinator's death takes with it; nil where it dies alone.
    private var powerCut: SimulationRandom?
    private(set) var steps = 0

    /// The connection between a site and the coordinator.
    private struct Link {
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
    private struct PeerLink {
        var generation = 0
        var isUp = false
        var isDialing = false
        var last: [Int64] = [0, 0]
    }

    private struct Pair: Hashable {
        let low: Int
        let high: Int

        init(_ a: Int, _ b: Int) {
            low = min(a, b)
            high = max(a, b)
        }
    }

    private struct Stream {
        let site: Int
        let generation: Int
        let trailer: Envelope
    }

    private indirect enum Event {
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

    init(_ setting: RunSetting, observer: Observer, random: SimulationRandom) throws {
        self.setting = setting
        self.observer = observer
        self.random = random
        liar = LyingMember(setting, random: SimulationRandom(seed: setting.seed, stream: 2))
        powerCut = setting.aimedCrashes.map { _ in SimulationRandom(seed: setting.seed, stream: 6) }
        for number in 0..<(setting.siteCount + setting.spareCount) {
            let site = SimulatedSite(
                number: number, setting: setting, observer: observer, host: self,
                random: SimulationRandom(seed: setting.seed, stream: 100 + UInt64(number)))
            site.policy.newMembers = self.random.happens(0.5) ? .accept : .ask
            if case .pinned(let pairs) = setting.slots {
                site.policy.pinnedSlots = pairs.map { .init(primary: $0.primary, standby: $0.standby) }
            }
            let large = setting.plan.overflows > 0 && self.random.happens(0.5) ? setting.plan.overflows : 0
            let seed = setting.seed
            site.growth = { round in
                var dice = SimulationRandom(seed: seed, stream: 1_000 + UInt64(round))
                return round > 1 && dice.happens(large) ? 4_096 : 1
            }
            site.unixSeconds += Int64(setting.plan.clockSkew == 0 ? 0 : self.random.below(2 * setting.plan.clockSkew))
            numbers[site.id] = number
            sites.append(site)
            links.append(Link())
            wanted.append([])
            welcome.append([])
        }
        server = try SimulatedServer(
            setting, registry: (0..<setting.siteCount).map(setting.member), observer: observer, host: self, now: now)
    }

    private var now: ContinuousClock.Instant { origin + .microseconds(time) }
    var faultsAreOver: Bool { time > Int64(setting.plan.faultsEnd) * 1_000 }

    private func happens(_ probability: Double) -> Bool { !faultsAreOver && random.happens(probability) }

    // MARK: The loop

    /// Runs to the end of the run, or to a bound that no run with progress reaches.
    func run() throws {
        try server?.start(now: now)
        for site in sites.prefix(setting.siteCount) {
            site.start()
            dial(site.number, after: random.below(1_000))
        }
        while server?.end == nil {
            steps += 1
            guard steps < Self.stepsMax, time < Self.timeMax else { return finish("it does not end") }
            guard try step() else { return finish("nothing is on its way") }
        }
        // What was sent before the end still arrives.
        for _ in 0..<10_000 {
            guard let next = events.pop() else { break }
            time = max(time, next.time)
            try happen(next.event)
        }
        judgeEnd()
    }

    private static let stepsMax = 60_000
    /// Six virtual hours.
    private static let timeMax: Int64 = 21_600_000_000

    private func finish(_ why: String) {
        // Where everybody has left for good, a coordinator that gathers waits for whoever may come.
        let isDeserted = sites.allSatisfy { $0.life == 0 || gone.contains($0.number) || $0.stopped != nil }
        guard setting.corrupt.isEmpty, !isDeserted else { return }
        observer.violate(
            .noProgress("\(why): \(server?.machine?.phaseName ?? "no server") after \(time / 1_000_000) s"))
    }

    private func step() throws -> Bool {
        let tick = server?.nextTick.map { Int64(origin.duration(to: $0) / .microseconds(1)) }
        if let tick, tick <= events.nextTime ?? .max {
            time = max(time, tick)
            try server?.tick(now)
            return true
        }
        guard let next = events.pop() else { return false }
        time = max(time, next.time)
        tell("\(next.event)".prefix { $0 != "(" }.description)
        try disturb()
        try happen(next.event)
        return true
    }

    /// A run of honest parties whose faults were small ends well.
    private func judgeEnd() {
        guard setting.corrupt.isEmpty, let end = server?.end else { return }
        if end.outcome == .verificationFailed {
            observer.violate(.noProgress("verification failed among honest parties: \(end.sentence)"))
        }
        let plan = setting.plan
        let isMild =
            plan.partitions == 0 && plan.slowWork == 0 && plan.membership == 0 && plan.noUpdate == 0
            && plan.siteCrashes == 0 && plan.serverCrashes == 0 && plan.peerLinkBreaks == 0 && plan.linkBreaks == 0
        guard isMild else { return }
        if end.outcome == .aborted { observer.violate(.noProgress(end.sentence)) }
        // The shortest deadline of a step is 30 s: somebody has waited for what nobody was going to send.
        if plan.delayMax <= 50, time >= 30_000_000 { observer.violate(.noProgress("it took \(time / 1_000_000) s")) }
    }

    // MARK: Faults

    private func disturb() throws {
        let plan = setting.plan
        guard !faultsAreOver else { return }
        if happens(plan.siteCrashes) {
            let site = sites[random.below(sites.count)]
            if site.isAlive { site.actionsToLive = random.below(8) }
        }
        if happens(plan.serverCrashes), server?.isAlive == true { server?.actionsToLive = random.below(12) }
        if happens(plan.partitions), unreachable.isEmpty {
            let count = 1 + random.below(max(1, sites.count / 2))
            let cut = Set((0..<count).map { _ in random.below(sites.count) })
            unreachable = cut
            for number in cut.sorted() {
                try breakLink(number)
                try breakPeerLinks(of: number)
            }
            schedule(.reachable(cut), after: 1_000 * (1 + random.below(plan.awayMax)))
        }
        if happens(plan.membership) { try changeMembers() }
    }

    private func changeMembers() throws {
        let spare = (setting.siteCount..<sites.count).filter { sites[$0].life == 0 && !gone.contains($0) }
        switch random.below(3) {
        case 0:
            if let number = spare.first { schedule(.join(number), after: 1) }
        case 1:
            let present = sites.indices.filter { sites[$0].isAlive }
            if present.count > 4 { schedule(.revoke(random.pick(present)), after: 1) }
        default:
            let present = sites.indices.filter { sites[$0].isAlive }
            guard present.count > 4 else { return }
            let number = random.pick(present)
            gone.insert(number)
            try kill(number)
        }
    }

    private func kill(_ number: Int) throws {
        sites[number].crash()
        try died(number)
    }

    /// A site's program has ended: its connections are gone, and it comes back unless it has left.
    private func died(_ number: Int) throws {
        try breakLink(number)
        try breakPeerLinks(of: number)
        wanted[number] = []
        welcome[number] = []
        if !gone.contains(number), sites[number].stopped == nil {
            schedule(.restart(number), after: 1_000 * (1 + random.below(setting.plan.awayMax)))
        }
    }

    /// Notices a death that came in the middle of an event.
    private func check(_ number: Int, wasAlive: Bool) throws {
        if wasAlive, !sites[number].isAlive { try died(number) }
    }

    // MARK: Events

    private func tell(_ what: @autoclosure () -> String) {
        if let trace = observer.trace { trace("\(time / 1_000) ms: \(what())") }
    }

    private func schedule(_ event: Event, after microseconds: Int) {
        events.push(event, at: time + Int64(microseconds))
    }

    private var delay: Int { 20 + random.below(setting.plan.delayMax * 1_000) }

    private func happen(_ event: Event) throws {
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

    private func at(_ number: Int, _ body: (SimulatedSite) throws -> Void) throws {
        let site = sites[number]
        let wasAlive = site.isAlive
        try body(site)
        try check(number, wasAlive: wasAlive)
    }

    private func wired(_ message: ControlMessage) throws -> ControlMessage {
        setting.isWired ? try ControlMessage(encoded: message.encoded()) : message
    }

    // MARK: Links to the coordinator

    private func isCurrent(_ number: Int, _ generation: Int) -> Bool {
        links[number].isUp && links[number].generation == generation
    }

    private func dial(_ number: Int, after microseconds: Int) {
        guard !links[number].isDialing else { return }
        links[number].isDialing = true
        schedule(.dial(number), after: microseconds)
    }

    private func connect(_ number: Int) {
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

    private func breakLink(_ number: Int) throws {
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

    private func dialPeer(_ first: Int, _ second: Int, after microseconds: Int) {
        let pair = Pair(first, second)
        guard peerLinks[pair]?.isDialing != true else { return }
        peerLinks[pair, default: PeerLink()].isDialing = true
        schedule(.dialPeer(pair.low, pair.high), after: microseconds)
    }

    private func connectPeer(_ first: Int, _ second: Int) throws {
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

    private func breakPeerLink(_ pair: Pair) {
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

    private func breakPeerLinks(of number: Int) throws {
        for other in sites.indices where other != number { breakPeerLink(Pair(number, other)) }
    }
}

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
