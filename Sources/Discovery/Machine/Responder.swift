// SPDX-License-Identifier: MIT

/// Announces one service instance (RFC 6762, sections 6, 8, 9, 10.1).
///
/// On each link:
///
///     ──start, link appears──▶ probing ──3 probes unopposed──▶ announcing ──2 announcements──▶ running
///                              ▲  ▲ │                              │                             │
///                              │  └─┘ name taken: other name       │                             │
///                              │      tie lost: wait 1 s           │                             │
///                              └── name contradicted, the link's addresses changed, socket lost ─┘
///
/// The names are the same on all links: one that is taken on one of them is given up on all. `stop` ends all links with
/// a goodbye where something was announced. Time is the duration since a moment of the caller's choice and never goes
/// backwards.
struct Responder: Sendable {
    static let probesCount = 3
    static let probeInterval = Duration.milliseconds(250)
    static let announcementsCount = 2
    static let announcementInterval = Duration.seconds(1)
    /// How long the loser of a tie waits (RFC 6762, section 8.2).
    static let tiePause = Duration.seconds(1)
    /// So many conflicts within `conflictWindow` slow further probing to one per `conflictPause` (section 8.1).
    static let conflictsMax = 15
    static let conflictWindow = Duration.seconds(10)
    static let conflictPause = Duration.seconds(5)
    /// The most unicast answers sent on a link in a second; more queries than that are passed over.
    static let unicastsPerSecondMax = 20

    private enum Life { case idle, live, withdrawn }

    private(set) var service: LocalService
    private var life = Life.idle
    var links: [LinkID: ResponderLink] = [:]
    private var conflicts: [Duration] = []
    private var generator: any RandomNumberGenerator & Sendable

    init(advertising advertisement: ServiceAdvertisement, generator: any RandomNumberGenerator & Sendable) {
        var generator = generator
        service = LocalService(advertisement, using: &generator)
        self.generator = generator
    }

    /// The phase of the link that has come least far; nil where there is none.
    var phase: ResponderLink.Phase? { links.values.min { $0.isBehind($1) }?.phase }

    /// When `advance` has something to do next; nil when only a message can change anything.
    var deadline: Duration? { links.values.compactMap(\.deadline).min() }

    /// Begins to probe, after a random pause that keeps hosts started together apart (section 8.1).
    mutating func start(on links: [NetworkLink], at now: Duration) {
        guard life == .idle else { return }
        life = .live
        setLinks(links, at: now)
    }

    /// Probes on links that are new or whose addresses are others than before (section 8); the rest goes on as it was.
    /// Links without an address at which the service can be dialled are left out.
    mutating func setLinks(_ present: [NetworkLink], at now: Duration) {
        guard life == .live else { return }
        let next = now + random(upTo: Self.probeInterval)
        links = Dictionary(
            present.filter(service.isReachable).map { link in
                guard let old = links[link.id] else { return (link.id, ResponderLink(link, probingAt: next)) }
                if old.link == link { return (link.id, old) }
                var changed = ResponderLink(link, probingAt: next)
                changed.hasAnnounced = old.hasAnnounced
                return (link.id, changed)
            }
        ) { first, _ in first }
    }

    /// Probes again on a link whose socket was replaced: it may have been away.
    mutating func restart(_ id: LinkID, at now: Duration) { links[id]?.probe(from: now) }

    /// Does what is due at `now`.
    mutating func advance(to now: Duration) -> [DiscoveryAction] {
        links.keys.sorted().flatMap { advance($0, to: now) }
    }

    private mutating func advance(_ id: LinkID, to now: Duration) -> [DiscoveryAction] {
        guard let link = links[id] else { return [] }
        switch link.phase {
        case .probing(let sent, let next):
            guard next <= now else { return [] }
            guard sent == Self.probesCount else {
                links[id]?.phase = .probing(sent: sent + 1, next: now + Self.probeInterval)
                return [.send(probe(on: link.link), link: id)]
            }
            links[id]?.phase = .announcing(sent: 0, next: now)
            return advance(id, to: now)
        case .announcing(let sent, let next):
            guard next <= now else { return dueAnswers(on: id, at: now) }
            let isLast = sent + 1 == Self.announcementsCount
            links[id]?.phase = isLast ? .running : .announcing(sent: sent + 1, next: now + Self.announcementInterval)
            links[id]?.hasAnnounced = true
            links[id]?.queue.schedule(OwnRecord.announced, at: now)
            return dueAnswers(on: id, at: now)
        case .running:
            return dueAnswers(on: id, at: now)
        }
    }

    /// Says goodbye to whom the service was announced (section 10.1); nothing more follows.
    mutating func stop() -> [DiscoveryAction] {
        defer {
            life = .withdrawn
            links = [:]
        }
        return links.keys.sorted().compactMap { goodbye(on: $0) }
    }

    /// Hears a query from the port of multicast DNS: a rival's probe, or a question to answer.
    mutating func receive(query: DNSMessage, on id: LinkID, from source: DatagramSource, at now: Duration) {
        switch links[id]?.phase {
        case nil: return
        case .probing: resolveTie(with: query, on: id, at: now)
        case .announcing, .running: answer(query, on: id, from: source, at: now)
        }
    }

    /// Hears a response: somebody who has our name, who withdraws our record, or who answers in our place.
    mutating func receive(response: DNSMessage, on id: LinkID, at now: Duration) -> [DiscoveryAction] {
        guard let link = links[id] else { return [] }
        let records = response.answers + response.additionals
        if case .probing = link.phase {
            let rivals = records.filter { isRival($0, whileProbing: true) }
            return rivals.isEmpty ? [] : giveWay(to: rivals, on: id, at: now)
        }
        if records.contains(where: { isRival($0, whileProbing: false) }) {
            let next = probeTime(afterConflictAt: now)
            links[id]?.probe(from: next)
        } else {
            defend(against: response, on: id, at: now)
        }
        return []
    }

    /// Takes other names for those that rivals have, and probes for them on all links.
    private mutating func giveWay(
        to rivals: [ResourceRecord], on id: LinkID, at now: Duration
    ) -> [DiscoveryAction] {
        // What was announced under the old name on this link is the rival's now, and not ours to withdraw.
        links[id]?.hasAnnounced = false
        let goodbyes = links.keys.sorted().compactMap { goodbye(on: $0) }
        if rivals.contains(where: { $0.name == service.instance }) { service.renameInstance() }
        if rivals.contains(where: { $0.name == service.host }) { service.renameHost() }
        let next = probeTime(afterConflictAt: now)
        for other in links.keys {
            links[other]?.probe(from: next)
            links[other]?.hasAnnounced = false
        }
        return goodbyes
    }

    /// When to probe after a conflict: now, or later if there were many.
    private mutating func probeTime(afterConflictAt now: Duration) -> Duration {
        conflicts = (conflicts.filter { $0 > now - Self.conflictWindow } + [now]).suffix(Self.conflictsMax)
        return conflicts.count == Self.conflictsMax ? now + Self.conflictPause : now
    }

    mutating func random(upTo limit: Duration) -> Duration {
        limit * Double.random(in: 0...1, using: &generator)
    }

    func records(_ kinds: [OwnRecord], on link: NetworkLink) -> [ResourceRecord] {
        kinds.flatMap { service.records($0, on: link) }
    }

    private func goodbye(on id: LinkID) -> DiscoveryAction? {
        guard let link = links[id], link.hasAnnounced else { return nil }
        var records = records(OwnRecord.withdrawn, on: link.link)
        for index in records.indices { records[index].ttlSeconds = 0 }
        return .send(DNSMessage(isResponse: true, answers: records), link: id)
    }
}
