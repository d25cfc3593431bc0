// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Messages
import Primitives
import Quantization

/// A run with a corrupt coordinator: one adversary that is the coordinator and all corrupt members, and honest sites that run
/// the real machines.
///
/// It hands every site what it likes, in any order, and knows where each stands; what it *saw* is the observer's matter. It
/// mixes proper rounds, without which no deep state is reached, with moves that the protocol has to survive.
final class AdversaryRun {
    let setting: RunSetting
    let observer: Observer
    var random: SimulationRandom
    /// The honest sites, the spare ones among them, by their numbers.
    private(set) var sites: [Int: SimulatedSite] = [:]
    private var queue: [Job] = []
    private var wanted: [Int: Set<Int>] = [:]
    private var linked: Set<[Int]> = []
    let numbers: [PartyID: Int]
    let honest: [Int]
    let corrupt: [Int]

    var epochs: [AdversaryEpoch] = []
    var rounds: [AdversaryRound] = []
    var epochMax: UInt64 = 0
    var roundMax: UInt64 = 0
    private var sent: [ControlMessage] = []
    /// Whether honest sites die as soon as they have said EpochReady.
    var diesWhenReady = false

    private enum Job {
        case peer(Int, from: Int, ControlMessage)
        case link(Int, Int)
        case work(Int, life: Int, SiteWork)
    }

    init(_ setting: RunSetting, observer: Observer, random: SimulationRandom) throws {
        self.setting = setting
        self.observer = observer
        self.random = random
        let all = 0..<SimulatedKeys.partiesMax
        numbers = Dictionary(
            uniqueKeysWithValues: all.map { (PartyID(publicKey: SimulatedKeys.keys[$0].publicKey), $0) })
        honest = (0..<(setting.siteCount + setting.spareCount)).filter { !setting.corrupt.contains($0) }
        corrupt = setting.corrupt.sorted()
        // The list of members is genuine (protocol section 1): every site knows all others from elsewhere.
        let genuine = (0..<(setting.siteCount + setting.spareCount)).map {
            RecordedMember(publicKey: SimulatedKeys.keys[$0].publicKey, name: "site-\($0)", state: .confirmed)
        }
        for number in honest {
            let site = SimulatedSite(
                number: number, setting: setting, observer: observer, host: self,
                random: SimulationRandom(seed: setting.seed, stream: 100 + UInt64(number)))
            site.record = MemberRecord(members: genuine)
            if case .pinned(let pairs) = setting.slots {
                site.policy.pinnedSlots = pairs.map { .init(primary: $0.primary, standby: $0.standby) }
            }
            sites[number] = site
        }
    }

    func id(_ number: Int) -> PartyID { PartyID(publicKey: SimulatedKeys.keys[number].publicKey) }

    var alive: [Int] { honest.filter { sites[$0]?.isAlive == true } }

    func sign<Payload: SignedPayload>(_ payload: Payload, as number: Int = SimulatedKeys.partiesMax) throws -> Envelope
    {
        try Signed(signing: payload, with: setting.signing.signer(SimulatedKeys.keys[number])).envelope
    }

    // MARK: The run

    func run() throws {
        for number in honest { sites[number]?.start() }
        // A stream of its own, so that the moves of a seed are the same without it.
        var plots = SimulationRandom(seed: setting.seed, stream: 5)
        // Some begin with a plot, where nothing has been disturbed yet.
        if !plots.happens(0.125) { try move() }
        random = plots
        for _ in 0..<random.between(1...2) { try plot() }
    }

    private func move() throws {
        let moves = random.between(8...40)
        // Some adversaries begin their tricks at once, others let the run go well for a time.
        let mischief = random.pick([0.2, 0.5, 0.8])
        if setting.plan.lies > 0, random.happens(0.02), setting.slots == .sampled { return try drawOverAndOver() }
        for _ in 0..<moves {
            guard !alive.isEmpty else { return }
            if random.happens(mischief) { try misbehave() } else { try proceed() }
        }
    }

    private func misbehave() throws {
        switch random.below(18) {
        case 16, 17:
            try leave()
            if random.happens(0.7) { try propose(properly: true) }
        case 0, 1: try propose()
        case 2: try setUp(random.below(max(1, epochs.count)), properly: false)
        case 3, 4: try openRound()
        case 5, 6, 7: try fixSet()
        case 8, 9, 10: try certify()
        case 11, 12: try publish()
        case 13: try skip()
        case 14: try disturb()
        default: try replay()
        }
    }

    /// The next step of a proper run, for whoever takes part.
    private func proceed() throws {
        guard let epoch = epochs.indices.last(where: { !members(readyIn: $0).isEmpty }) else {
            return try propose(properly: true)
        }
        let ready = members(readyIn: epoch)
        guard ready.count >= 3, !random.happens(0.1) else { return try propose(properly: true) }
        try openRound(epoch, to: ready, properly: true)
        guard let round = rounds.indices.last, rounds[round].epoch == epoch, !rounds[round].uploads.isEmpty,
            let all = random.happens(0.15) ? lonelySet(round) : properSet(round)
        else { return }
        if random.happens(0.15) { return }
        if random.happens(0.15) { return try split(round, all) }
        try show(all, round, to: random.happens(0.8) ? ready : part(of: ready))
        if random.happens(0.15) { return }
        try certify(round, all, to: ready, properly: true)
        if random.happens(0.15) { return }
        try publish(round, all, to: ready, properly: true)
    }

    /// The honest members that have an epoch ready.
    func members(readyIn epoch: Int) -> [Int] {
        alive.filter {
            guard let machine = sites[$0]?.machine, machine.ledger.epochIsReady, let plan = machine.plan else {
                return false
            }
            return plan.proposalHash == epochs[epoch].proposalHash && machine.ledger.epochHash == plan.epochHash
        }
    }

    /// What an honest member makes of a proposal.
    func plan(of epoch: Int) -> EpochPlan? {
        for number in honest {
            if let plan = sites[number]?.machine?.plan, plan.proposalHash == epochs[epoch].proposalHash { return plan }
        }
        return nil
    }

    /// Draws a part of some values, none or all among them.
    func part<Value>(of values: [Value]) -> [Value] {
        let share = random.pick([0.3, 0.6, 0.9])
        return values.filter { _ in random.happens(share) }
    }

    // MARK: Deliveries

    /// Sends a message to a site.
    ///
    /// - Parameter keeps: whether it may be sent once more, later.
    func deliver(_ message: ControlMessage, to number: Int, keeps: Bool = true) throws {
        guard let site = sites[number], site.isAlive else { return }
        observer.trace?("adversary to \(number): \(message.name)")
        if keeps { keep(message) }
        try at(number) { try $0.handle(message) }
        try drain()
    }

    private func keep(_ message: ControlMessage) {
        if sent.count < 200 { sent.append(message) } else { sent[random.below(200)] = message }
    }

    func deliver(_ header: ResultHeader, _ trailer: Envelope, _ sum: Field64Vector, to number: Int) throws {
        observer.trace?("adversary to \(number): Result")
        try at(number) { try $0.receive(header, trailer, sum) }
        try drain()
    }

    func deliver(_ header: HandoverHeader, _ parameters: [Float], to number: Int) throws {
        try at(number) { try $0.receive(header, parameters) }
    }

    /// Has something happen at a site; one that dies of it is started again at once.
    private func at(_ number: Int, _ body: (SimulatedSite) throws -> Void) throws {
        guard let site = sites[number], site.isAlive else { return }
        try body(site)
        if !site.isAlive { restart(site) }
    }

    func restart(_ site: SimulatedSite) {
        site.crash()
        wanted[site.number] = []
        for pair in linked.filter({ $0.contains(site.number) }) {
            linked.remove(pair)
            for other in pair where other != site.number { sites[other]?.peerDisconnected(site.id) }
        }
        observer.trace?("site \(site.number) is started again")
        site.start()
    }

    func drain() throws {
        var count = 0
        while !queue.isEmpty {
            let jobs = queue
            queue = []
            for job in jobs {
                count += 1
                guard count < 5_000 else { return queue = [] }
                try perform(job)
            }
        }
    }

    private func perform(_ job: Job) throws {
        switch job {
        case .work(let number, let life, let work):
            guard sites[number]?.life == life else { return }
            try at(number) { try $0.finish(work) }
        case .peer(let number, let from, let message):
            guard let site = sites[number] else { return try corruptMember(number, heard: message, from: from) }
            let peer = id(from)
            guard site.isAlive else { return }
            try at(number) { try $0.handle(message, from: peer) }
        case .link(let first, let second): try link(first, second)
        }
    }

    private func link(_ first: Int, _ second: Int) throws {
        let pair = [first, second].sorted()
        guard wanted[first]?.contains(second) == true, !linked.contains(pair) else { return }
        let isHonest = sites[second] != nil
        guard !isHonest || wanted[second]?.contains(first) == true else { return }
        linked.insert(pair)
        let (a, b) = (id(first), id(second))
        try at(first) { try $0.peerConnected(b) }
        if isHonest { try at(second) { try $0.peerConnected(a) } } else { try corruptMember(second, met: first) }
    }

    func toPeer(_ number: Int, from: Int, _ message: ControlMessage) {
        queue.append(.peer(number, from: from, message))
    }

    // MARK: Faults and replays

    private func disturb() throws {
        guard let number = alive.randomElement(using: &random), let site = sites[number] else { return }
        if random.happens(0.4) {
            observer.trace?("adversary has site \(number) die")
            restart(site)
        } else {
            site.actionsToLive = random.below(6)
        }
    }

    private func replay() throws {
        guard !sent.isEmpty, let number = alive.randomElement(using: &random) else { return }
        try deliver(random.pick(sent), to: number)
    }
}

extension AdversaryRun: SiteHost {
    func send(_ message: ControlMessage, from site: SimulatedSite) throws { try heard(message, from: site.number) }

    func send(_ message: ControlMessage, to peer: PartyID, from site: SimulatedSite) throws {
        guard let number = numbers[peer] else { return }
        queue.append(.peer(number, from: site.number, message))
    }

    func offer(
        _ header: StreamHeader, _ trailer: Envelope, _ vector: Field64Vector, from site: SimulatedSite
    ) throws {
        switch header {
        case .upload(let header):
            guard let index = rounds.firstIndex(where: { $0.context.ctx == header.ctx }),
                let upload = try? Upload(payload: trailer.payload)
            else { return }
            rounds[index].uploads[site.number] = (upload.leaf, vector)
        case .partial(let header):
            guard let index = rounds.firstIndex(where: { $0.context.ctx == header.ctx }),
                let partial = try? Partial(payload: trailer.payload)
            else { return }
            rounds[index].partials[partial.survivorsHash, default: [:]][header.slot] = (
                site.number, partial.leaf, vector
            )
        default: break
        }
    }

    func connectPeers(_ peers: [PartyID], of site: SimulatedSite) throws {
        for peer in peers {
            guard let number = numbers[peer] else { continue }
            wanted[site.number, default: []].insert(number)
            queue.append(.link(site.number, number))
        }
    }

    func disconnectPeers(of site: SimulatedSite) throws {
        wanted[site.number] = []
        for pair in linked.filter({ $0.contains(site.number) }) {
            linked.remove(pair)
            for other in pair where other != site.number { sites[other]?.peerDisconnected(site.id) }
        }
    }

    func begin(_ work: SiteWork, at site: SimulatedSite) throws {
        switch work {
        case .verify: return try site.finish(work)
        case .vector(let order): note(order)
        default: break
        }
        queue.append(.work(site.number, life: site.life, work))
    }
}
