// SPDX-License-Identifier: MIT

import Aggregation
import Identity

/// A run with an honest coordinator over a network that delays and breaks, with parties that die, hang, come and lie.
///
/// Time is a number of microseconds. What happens next is the earliest event of a heap, or the coordinator's next deadline.
final class NetworkRun {
    let setting: RunSetting
    let observer: Observer
    var random: SimulationRandom
    private let origin = ContinuousClock.now  // An origin to count from; nothing depends on which.
    private(set) var time: Int64 = 0
    var events = EventHeap<Event>()
    var sites: [SimulatedSite] = []
    var numbers: [PartyID: Int] = [:]
    var server: SimulatedServer?
    var links: [Link] = []
    var peerLinks: [Pair: PeerLink] = [:]
    /// Whom each site exchanges keys with now.
    var wanted: [Set<Int>] = []
    /// Whom it exchanged keys with last: it listens to them even when it waits for nobody.
    var welcome: [Set<Int>] = []
    var streams: [StreamID: Stream] = [:]
    var nextStream = 0
    var unreachable: Set<Int> = []
    /// Who has left for good.
    var gone: Set<Int> = []
    var liar: LyingMember
    /// Draws whom a coordinator's death takes with it; nil where it dies alone.
    var powerCut: SimulationRandom?
    private(set) var steps = 0

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

    var now: ContinuousClock.Instant { origin + .microseconds(time) }
    var faultsAreOver: Bool { time > Int64(setting.plan.faultsEnd) * 1_000 }

    func happens(_ probability: Double) -> Bool { !faultsAreOver && random.happens(probability) }

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
}
