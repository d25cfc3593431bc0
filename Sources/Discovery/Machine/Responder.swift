// SPDX-License-Identifier: MIT

/// Announces one service instance (RFC 6762, sections 6, 8, 9, 10.1).
///
///     idle ──start──▶ probing ──3 probes unopposed──▶ announcing ──2 announcements──▶ running
///                      ▲  ▲ │                             │                             │
///                      │  └─┘ name taken: other name      │                             │
///                      │      tie lost: wait 1 s          │                             │
///                      └──────── name contradicted, or the interfaces changed ──────────┘
///     any ──stop──▶ withdrawn (a goodbye where something was announced)
///
/// One life for all interfaces: a name that is taken on one of them is given up on all. Time is the duration since
/// a moment of the caller's choice and never goes backwards.
struct Responder: Sendable {
    /// Each phase holds what is valid in it and nothing else.
    enum Phase: Hashable, Sendable {
        /// Waits for `start`.
        case idle
        /// Waits for `next` to send one more probe, or to announce after the third.
        case probing(sent: Int, next: Duration)
        /// Waits for `next` to send one more announcement; answers queries.
        case announcing(sent: Int, next: Duration)
        /// Answers queries.
        case running
        /// The end: nothing is sent or heard.
        case withdrawn
    }

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

    private(set) var service: LocalService
    private(set) var phase = Phase.idle
    private var links: [Int: AnswerQueue] = [:]
    /// Whether others may have our present names in their caches.
    private var hasAnnounced = false
    private var conflicts: [Duration] = []
    private var generator: any RandomNumberGenerator & Sendable

    init(advertising advertisement: ServiceAdvertisement, generator: any RandomNumberGenerator & Sendable) {
        var generator = generator
        service = LocalService(advertisement, using: &generator)
        self.generator = generator
    }

    /// When `advance` has something to do next; nil when only a message can change anything.
    var deadline: Duration? {
        switch phase {
        case .idle, .withdrawn: nil
        case .probing(_, let next): next
        case .announcing(_, let next): ([next] + links.values.compactMap(\.deadline)).min()
        case .running: links.values.compactMap(\.deadline).min()
        }
    }

    /// Begins to probe, after a random pause that keeps hosts started together apart (section 8.1).
    mutating func start(on interfaces: [NetworkInterface], at now: Duration) {
        guard phase == .idle else { return }
        setLinks(interfaces)
        phase = .probing(sent: 0, next: now + random(upTo: Self.probeInterval))
    }

    /// Probes again when the interfaces or their addresses are others than before (section 8).
    mutating func setInterfaces(_ interfaces: [NetworkInterface], at now: Duration) {
        guard phase != .idle, phase != .withdrawn else { return }
        guard Set(interfaces) != Set(links.values.map(\.interface)) else { return }
        setLinks(interfaces)
        phase = .probing(sent: 0, next: now + random(upTo: Self.probeInterval))
    }

    /// Announces again on an interface whose socket was replaced: something was lost there.
    mutating func reannounce(on interface: Int, at now: Duration) {
        switch phase {
        case .idle, .probing, .withdrawn: return
        case .announcing, .running: links[interface]?.schedule(OwnRecord.announced, at: now)
        }
    }

    /// Does what is due at `now`.
    mutating func advance(to now: Duration) -> [DiscoveryAction] {
        switch phase {
        case .idle, .withdrawn:
            return []
        case .probing(let sent, let next):
            guard next <= now else { return [] }
            guard sent == Self.probesCount else {
                phase = .probing(sent: sent + 1, next: now + Self.probeInterval)
                return probes()
            }
            phase = .announcing(sent: 0, next: now)
            return advance(to: now)
        case .announcing(let sent, let next):
            guard next <= now else { return dueAnswers(at: now) }
            phase =
                sent + 1 == Self.announcementsCount
                ? .running : .announcing(sent: sent + 1, next: now + Self.announcementInterval)
            hasAnnounced = true
            for index in links.keys { links[index]?.schedule(OwnRecord.announced, at: now) }
            return dueAnswers(at: now)
        case .running:
            return dueAnswers(at: now)
        }
    }

    /// Says goodbye to whom the service was announced (section 10.1); nothing more follows.
    mutating func stop() -> [DiscoveryAction] {
        defer { phase = .withdrawn }
        guard hasAnnounced, phase != .withdrawn else { return [] }
        return orderedLinks.map { link in
            var records = records(OwnRecord.announced.filter { $0 != .enumeration }, on: link)
            for index in records.indices { records[index].ttlSeconds = 0 }
            return .send(DNSMessage(isResponse: true, answers: records), interface: link.interface.index)
        }
    }

    /// Hears a query: a rival's probe, or a question to answer.
    mutating func receive(
        query: DNSMessage, on interface: Int, from source: DatagramSource, at now: Duration
    ) {
        switch phase {
        case .idle, .withdrawn: return
        case .probing: resolveTie(with: query, at: now)
        case .announcing, .running: answer(query, on: interface, from: source, at: now)
        }
    }

    /// Hears a response: somebody who has our name, who withdraws our record, or who answers in our place.
    mutating func receive(response: DNSMessage, on interface: Int, at now: Duration) {
        switch phase {
        case .idle, .withdrawn:
            return
        case .probing:
            let rivals = (response.answers + response.additionals).filter { isRival($0, whileProbing: true) }
            guard !rivals.isEmpty else { return }
            if rivals.contains(where: { $0.name == service.instance }) { service.renameInstance() }
            if rivals.contains(where: { $0.name == service.host }) { service.renameHost() }
            // What was announced under the old name is the rival's now, and not ours to withdraw.
            hasAnnounced = false
            probeAgain(at: now)
        case .announcing, .running:
            if (response.answers + response.additionals).contains(where: { isRival($0, whileProbing: false) }) {
                probeAgain(at: now)
            } else {
                defend(against: response, on: interface, at: now)
            }
        }
    }
}

// MARK: - Probing

extension Responder {
    private func probes() -> [DiscoveryAction] {
        orderedLinks.map { link in
            var claims = records(OwnRecord.claimed, on: link)
            for index in claims.indices { claims[index].flushesCache = false }
            let questions = [service.instance, service.host].map { DNSQuestion(name: $0, type: .any) }
            return .send(DNSMessage(questions: questions, authorities: claims), interface: link.interface.index)
        }
    }

    /// Tells whether a record contradicts one of ours. What we say ourselves on any interface never does: it may
    /// come back through another one.
    private func isRival(_ record: ResourceRecord, whileProbing: Bool) -> Bool {
        guard record.ttlSeconds > 0, record.name == service.instance || record.name == service.host else {
            return false
        }
        let own = links.values.flatMap { records(OwnRecord.allCases, on: $0) }.filter { $0.name == record.name }
        if own.contains(where: { $0.isSame(as: record) }) { return false }
        return whileProbing || own.contains { $0.type == record.type && $0.type != .nsec }
    }

    /// Compares claims with a rival that probes for the same name; whose are smaller waits (section 8.2).
    private mutating func resolveTie(with query: DNSMessage, at now: Duration) {
        for name in [service.instance, service.host] {
            let theirs = query.authorities.filter { $0.name == name }
            guard !theirs.isEmpty, query.questions.contains(where: { $0.name == name }) else { continue }
            let theirClaims = Self.claims(theirs)
            let ourClaims = links.values.map { link in
                Self.claims(records(OwnRecord.claimed, on: link).filter { $0.name == name })
            }
            if ourClaims.contains(theirClaims) { continue }
            guard let ours = ourClaims.max(by: Self.precedes), Self.precedes(ours, theirClaims) else { continue }
            phase = .probing(sent: 0, next: now + Self.tiePause)
            return
        }
    }

    /// The claims in the order of section 8.2.1: class (always IN), type, data.
    private static func claims(_ records: [ResourceRecord]) -> [[UInt8]] {
        records.map { record in
            let type = record.type.rawValue
            return [UInt8(type >> 8), UInt8(type & 0xFF)] + DNSWriter.canonicalBytes(of: record.data)
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static func precedes(_ left: [[UInt8]], _ right: [[UInt8]]) -> Bool {
        left.lexicographicallyPrecedes(right) { $0.lexicographicallyPrecedes($1) }
    }

    private mutating func probeAgain(at now: Duration) {
        conflicts = (conflicts.filter { $0 > now - Self.conflictWindow } + [now]).suffix(Self.conflictsMax)
        let pause = conflicts.count == Self.conflictsMax ? Self.conflictPause : .zero
        phase = .probing(sent: 0, next: now + pause)
        for index in links.keys { links[index]?.clear() }
    }
}

// MARK: - Answering

extension Responder {
    private mutating func answer(
        _ query: DNSMessage, on interface: Int, from source: DatagramSource, at now: Duration
    ) {
        guard let link = links[interface] else { return }
        // Known answers that follow a truncated query (section 7.2).
        if query.questions.isEmpty { return dropKnown(query.answers, on: interface, from: source) }
        var asked: [OwnRecord] = []
        for question in query.questions {
            for kind in service.kinds(answering: question) where !asked.contains(kind) {
                if !isKnown(kind, in: query.answers, on: link) { asked.append(kind) }
            }
        }
        guard !asked.isEmpty else { return }
        let isProbe = !query.authorities.isEmpty
        let delay: Duration
        if isProbe {
            delay = .zero
        } else if query.isTruncated && !link.interface.isLoopback {
            delay = .milliseconds(400) + random(upTo: .milliseconds(100))
        } else if asked.contains(where: \.isShared) {
            delay = .milliseconds(20) + random(upTo: .milliseconds(100))
        } else {
            delay = .zero
        }
        // On loopback all processes share address and port, so nobody's following known answers can be told apart.
        let follower = query.isTruncated && !link.interface.isLoopback ? source : nil
        links[interface]?.schedule(asked, at: now + delay, isProbe: isProbe, follower: follower)
    }

    private mutating func dropKnown(_ known: [ResourceRecord], on interface: Int, from source: DatagramSource) {
        guard let link = links[interface] else { return }
        let kinds = OwnRecord.allCases.filter { isKnown($0, in: known, on: link) }
        links[interface]?.drop(kinds, followedBy: source)
    }

    /// Tells whether the querier knows all records of a kind for at least half their life (section 7.1).
    private func isKnown(_ kind: OwnRecord, in known: [ResourceRecord], on link: AnswerQueue) -> Bool {
        guard !known.isEmpty else { return false }
        let own = service.records(kind, on: link.interface)
        return own.allSatisfy { record in
            known.contains { $0.isSame(as: record) && $0.ttlSeconds >= record.ttlSeconds / 2 }
        }
    }

    /// Corrects a record of ours that somebody else gives a much shorter life (section 6.6), and leaves out an
    /// answer that somebody else has just given in full (section 7.4).
    private mutating func defend(against response: DNSMessage, on interface: Int, at now: Duration) {
        guard let link = links[interface] else { return }
        for kind in OwnRecord.allCases {
            for record in service.records(kind, on: link.interface) {
                guard let heard = response.answers.first(where: { $0.isSame(as: record) }) else { continue }
                if heard.ttlSeconds < record.ttlSeconds / 2 {
                    links[interface]?.schedule([kind], at: now)
                } else if kind == .enumeration && heard.ttlSeconds >= record.ttlSeconds {
                    links[interface]?.drop([kind])
                }
            }
        }
    }

    private mutating func dueAnswers(at now: Duration) -> [DiscoveryAction] {
        orderedLinks.compactMap { link in
            guard let kinds = links[link.interface.index]?.takeDue(at: now), !kinds.isEmpty else { return nil }
            let companions = OwnRecord.allCases.filter { companion in
                !kinds.contains(companion) && kinds.contains { $0.companions.contains(companion) }
            }
            let message = DNSMessage(
                isResponse: true, answers: records(kinds, on: link), additionals: records(companions, on: link))
            return .send(message, interface: link.interface.index)
        }
    }
}

// MARK: - Links

extension Responder {
    private var orderedLinks: [AnswerQueue] { links.values.sorted { $0.interface.index < $1.interface.index } }

    private mutating func setLinks(_ interfaces: [NetworkInterface]) {
        links = Dictionary(interfaces.map { ($0.index, AnswerQueue(interface: $0)) }) { first, _ in first }
    }

    private func records(_ kinds: [OwnRecord], on link: AnswerQueue) -> [ResourceRecord] {
        kinds.flatMap { service.records($0, on: link.interface) }
    }

    private mutating func random(upTo limit: Duration) -> Duration {
        limit * Double.random(in: 0...1, using: &generator)
    }
}
