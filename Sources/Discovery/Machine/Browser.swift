// SPDX-License-Identifier: MIT

/// Finds the instances of our service type and follows their lives (RFC 6762, section 5.2; RFC 6763, sections 4, 5).
///
/// An instance is reported when a pointer, SRV, TXT and a usable address are known on one link; what several
/// links say of it is merged. Parts that are missing are asked for; an instance that stays incomplete is
/// forgotten, so that empty claims do not fill the cache. Time is as in ``Responder``.
struct Browser: Sendable {
    /// The pause after the first question; it doubles up to the longest (RFC 6762, section 5.2).
    static let questionPause = Duration.seconds(1)
    static let questionPauseMax = Duration.seconds(3600)
    /// How many times the missing parts of an instance are asked for, 1, 2, 4 … seconds apart.
    static let resolutionsMax = 6
    /// For how many instances that is done within a second.
    static let resolutionsPerSecondMax = 100
    /// The longest TXT record kept, in bytes; larger ones would not fit into one packet (RFC 6763, section 6.2).
    static let textBytesMax = 1300
    static let addressesMax = 16
    /// The most instances that may name one host; every process of Summand has a host name of its own.
    static let tenantsMax = 8

    /// An instance heard of on one link.
    private struct Sighting: Hashable, Sendable {
        var link: LinkID
        var instance: DomainName
    }

    /// The life of the question for instances, and of the questions for an instance's missing parts.
    private struct Question: Sendable {
        var next: Duration
        var asked = 0

        /// Counts one asking and doubles the pause before the next.
        mutating func repeatLater(from now: Duration) {
            next = now + min(Browser.questionPause * (1 << min(asked, 12)), Browser.questionPauseMax)
            asked += 1
        }
    }

    private(set) var counters = DiscoveryCounters()
    private(set) var services: [DomainName: DiscoveredService] = [:]
    /// Our own instance, which is not reported.
    var ownInstance: DomainName?

    private var links: [NetworkLink] = []
    private var cache = RecordCache()
    /// The question for instances, by link; nil before the start and after the end.
    private var browsing: [LinkID: Question]?
    private var log = QuestionLog()
    /// The second in which missing parts were asked for last, and how many.
    private var resolutions: (second: Int64, count: Int) = (0, 0)
    private var resolving: [Sighting: Question] = [:]
    /// Which instances name a host as their target, by link and host; the type is A throughout.
    private var tenants: [CacheKey: Set<DomainName>] = [:]
    private var generator: any RandomNumberGenerator & Sendable

    init(generator: any RandomNumberGenerator & Sendable) { self.generator = generator }

    /// When `advance` has something to do next.
    var deadline: Duration? {
        ([cache.deadline].compactMap { $0 } + (browsing ?? [:]).values.map(\.next) + resolving.values.map(\.next)).min()
    }

    /// How many records are kept; at most ``RecordCache/recordsMax`` for each link.
    var recordCount: Int { cache.count }

    /// Begins to ask, after 20 to 120 ms (section 5.2).
    mutating func start(on links: [NetworkLink], at now: Duration) {
        browsing = [:]
        _ = setLinks(links, at: now)
    }

    /// Forgets what was heard on links that are gone, and begins to ask on those that are new or have other addresses.
    mutating func setLinks(_ links: [NetworkLink], at now: Duration) -> [DiscoveryAction] {
        guard let before = browsing, Set(links) != Set(self.links) else { return [] }
        let identifiers = Set(links.map(\.id))
        let unchanged = Set(links).intersection(self.links).map(\.id)
        self.links = links
        cache.keep(links: identifiers)
        tenants = tenants.filter { identifiers.contains($0.key.link) }
        resolving = resolving.filter { identifiers.contains($0.key.link) }
        browsing = before.filter { unchanged.contains($0.key) }
        for link in identifiers.sorted() where browsing?[link] == nil {
            let next = now + questionDelay()
            browsing?[link] = Question(next: next)
        }
        return Set(services.keys).flatMap { report($0) }
    }

    /// Asks once more on a link whose socket was replaced: something was lost there.
    mutating func askAgain(on link: LinkID, at now: Duration) -> [DiscoveryAction] {
        guard browsing != nil else { return [] }
        return ask([DNSQuestion(name: ServiceNames.type, type: .ptr)], on: link, at: now)
    }

    /// Ends all questions; nothing more is reported.
    mutating func stop() {
        browsing = nil
        resolving = [:]
        cache = RecordCache()
        tenants = [:]
    }

    /// Hears a response, and reports what it changes.
    mutating func receive(response: DNSMessage, on link: LinkID, at now: Duration) -> [DiscoveryAction] {
        guard browsing != nil, links.contains(where: { $0.id == link }) else { return [] }
        let records = response.answers + response.additionals
        var touched: Set<DomainName> = []
        // A pointer makes an instance worth keeping, an SRV its host: hence this order.
        for types: [RecordType] in [[.ptr], [.srv, .txt], [.a, .aaaa]] {
            for record in records where types.contains(record.type) {
                touched.formUnion(take(record, on: link, at: now))
            }
        }
        for instance in touched { resolve(Sighting(link: link, instance: instance), at: now) }
        return touched.flatMap { report($0) }
    }

    /// Hears a query: what others ask need not be asked again (section 7.3), unless further known answers may follow or
    /// the answer may come to the querier alone.
    mutating func receive(query: DNSMessage, on link: LinkID, at now: Duration) {
        guard browsing?[link] != nil, !query.isTruncated, query.authorities.isEmpty else { return }
        for question in query.questions where !question.wantsUnicast && isOfInterest(question, on: link) {
            let known = question.name == ServiceNames.type ? cache.known(pointerKey(link), at: now).map(\.data) : []
            let ruledOut = query.answers.filter { $0.name == question.name && question.type.asks(for: $0.type) }
            if ruledOut.allSatisfy({ known.contains($0.data) }) { log.noteHeard(question, on: link, at: now) }
        }
    }

    /// Tells whether we might ask the question too.
    private func isOfInterest(_ question: DNSQuestion, on link: LinkID) -> Bool {
        switch question.type {
        case .ptr: question.name == ServiceNames.type
        case .srv, .txt: cache.contains(.ptr(question.name), under: pointerKey(link))
        case .a, .aaaa: tenants[CacheKey(link: link, name: question.name, type: .a)] != nil
        default: false
        }
    }

    /// Forgets what has expired, and asks what is due to be asked.
    mutating func advance(to now: Duration) -> [DiscoveryAction] {
        guard browsing != nil else { return [] }
        let (expired, refresh) = cache.advance(to: now, using: &generator)
        var touched: Set<Sighting> = []
        for (key, data) in expired { touched.formUnion(forget(data, under: key)) }
        for sighting in touched { resolve(sighting, at: now) }

        var questions: [LinkID: [DNSQuestion]] = [:]
        for key in refresh { questions[key.link, default: []].append(DNSQuestion(name: key.name, type: key.type)) }
        for (link, question) in browsing ?? [:] where question.next <= now {
            browsing?[link]?.repeatLater(from: now)
            questions[link, default: []].append(DNSQuestion(name: ServiceNames.type, type: .ptr))
        }
        for (sighting, question) in resolving where question.next <= now {
            let missing = missingParts(of: sighting)
            if question.asked == Self.resolutionsMax || missing.isEmpty {
                resolving[sighting] = nil
                if !missing.isEmpty { touched.formUnion(forgetInstance(sighting)) }
            } else if allowsResolution(at: now) {
                resolving[sighting]?.repeatLater(from: now)
                questions[sighting.link, default: []].append(contentsOf: missing)
            } else {
                resolving[sighting]?.next = now + .seconds(1)
            }
        }
        return questions.sorted { $0.key < $1.key }.flatMap { link, questions in
            ask(questions.filter { !log.isCovered($0, on: link, at: now) }, on: link, at: now)
        } + Set(touched.map(\.instance)).flatMap { report($0) }
    }
}

// MARK: - Records in and out

extension Browser {
    private func key(_ sighting: Sighting, _ type: RecordType) -> CacheKey {
        CacheKey(link: sighting.link, name: sighting.instance, type: type)
    }

    private func pointerKey(_ link: LinkID) -> CacheKey {
        CacheKey(link: link, name: ServiceNames.type, type: .ptr)
    }

    /// Keeps a record if it concerns an instance of ours; answers the instances that it may change.
    private mutating func take(_ record: ResourceRecord, on link: LinkID, at now: Duration) -> Set<DomainName> {
        let key = CacheKey(link: link, name: record.name, type: record.type)
        switch record.data {
        case .ptr(let instance):
            guard record.name == ServiceNames.type, instance != ownInstance else { return [] }
            guard instance.parent == ServiceNames.type, instance.firstLabel != nil else {
                counters.unusable += 1
                return []
            }
            var pointer = record
            // Many instances share the pointers' name: nobody may flush those of others.
            pointer.flushesCache = false
            let displaced = makeRoom(for: record, under: key)
            return insert(pointer, under: key, at: now) ? displaced.union([instance]) : displaced
        case .srv(_, _, let port, let target):
            guard cache.contains(.ptr(record.name), under: pointerKey(link)) else { return [] }
            let host = CacheKey(link: link, name: target, type: .a)
            let others = tenants[host] ?? []
            guard port != 0, others.count < Self.tenantsMax || others.contains(record.name) else {
                counters.unusable += 1
                return []
            }
            guard insert(record, under: key, at: now) else { return [] }
            tenants[host] = others.union([record.name])
            return [record.name]
        case .txt(let strings):
            guard cache.contains(.ptr(record.name), under: pointerKey(link)) else { return [] }
            guard strings.reduce(0, { $0 + 1 + $1.count }) <= Self.textBytesMax, ServiceText(strings) != nil else {
                counters.unusable += 1
                return []
            }
            return insert(record, under: key, at: now) ? [record.name] : []
        case .a, .aaaa:
            let tenants = tenants[CacheKey(link: link, name: record.name, type: .a)] ?? []
            guard !tenants.isEmpty else { return [] }
            return insert(record, under: key, at: now) ? tenants : []
        case .nsec, .other:
            return []
        }
    }

    /// Forgets an instance chosen at random when there are as many as may be, and answers it: otherwise whoever claims many
    /// false ones first would keep every true one out.
    private mutating func makeRoom(for pointer: ResourceRecord, under key: CacheKey) -> Set<DomainName> {
        guard pointer.ttlSeconds > 0, cache.count(key) >= RecordCache.instancesMax,
            !cache.contains(pointer.data, under: key),
            case .ptr(let instance)? = cache.records(key).randomElement(using: &generator)
        else { return [] }
        counters.overflow += 1
        _ = forgetInstance(Sighting(link: key.link, instance: instance))
        return [instance]
    }

    /// Puts a record into the cache; tells whether it is alive there.
    private mutating func insert(_ record: ResourceRecord, under key: CacheKey, at now: Duration) -> Bool {
        switch cache.insert(record, under: key, at: now, using: &generator) {
        case .added(let displaced):
            if let displaced { _ = forget(displaced, under: key) }
            return true
        case .refreshed: return true
        case .farewell: return false
        case .full:
            counters.overflow += 1
            return false
        }
    }

    /// Draws the consequences of a record's end; answers what it may change.
    private mutating func forget(_ data: RecordData, under key: CacheKey) -> Set<Sighting> {
        switch data {
        case .ptr(let instance):
            return forgetInstance(Sighting(link: key.link, instance: instance))
        case .srv(_, _, _, let target):
            endTenancy(of: key.name, at: CacheKey(link: key.link, name: target, type: .a))
            return [Sighting(link: key.link, instance: key.name)]
        case .txt:
            return [Sighting(link: key.link, instance: key.name)]
        default:
            let host = CacheKey(link: key.link, name: key.name, type: .a)
            return Set((tenants[host] ?? []).map { Sighting(link: key.link, instance: $0) })
        }
    }

    /// Removes an instance with all that was kept for its sake.
    private mutating func forgetInstance(_ sighting: Sighting) -> Set<Sighting> {
        let services = cache.records(key(sighting, .srv))
        cache.removeAll(under: key(sighting, .srv))
        cache.removeAll(under: key(sighting, .txt))
        for case .srv(_, _, _, let target) in services {
            endTenancy(
                of: sighting.instance, at: CacheKey(link: sighting.link, name: target, type: .a))
        }
        cache.remove(.ptr(sighting.instance), under: pointerKey(sighting.link))
        resolving[sighting] = nil
        return [sighting]
    }

    /// Removes a host's addresses once no instance names it; an instance may name it in another SRV still.
    private mutating func endTenancy(of instance: DomainName, at host: CacheKey) {
        let others = cache.records(CacheKey(link: host.link, name: instance, type: .srv))
        let stays = others.contains { if case .srv(_, _, _, host.name) = $0 { true } else { false } }
        guard !stays else { return }
        tenants[host]?.remove(instance)
        guard tenants[host]?.isEmpty == true else { return }
        tenants[host] = nil
        for type: RecordType in [.a, .aaaa] {
            cache.removeAll(under: CacheKey(link: host.link, name: host.name, type: type))
        }
    }
}

// MARK: - Questions

extension Browser {
    private mutating func questionDelay() -> Duration {
        .milliseconds(20) + .milliseconds(100) * Double.random(in: 0...1, using: &generator)
    }

    /// Begins to ask for what an instance lacks, or ends it once nothing is lacking.
    private mutating func resolve(_ sighting: Sighting, at now: Duration) {
        guard cache.contains(.ptr(sighting.instance), under: pointerKey(sighting.link)),
            !missingParts(of: sighting).isEmpty
        else {
            resolving[sighting] = nil
            return
        }
        if resolving[sighting] == nil { resolving[sighting] = Question(next: now + questionDelay()) }
    }

    private func missingParts(of sighting: Sighting) -> [DNSQuestion] {
        let services = cache.records(key(sighting, .srv))
        var missing: [DNSQuestion] = []
        if services.isEmpty { missing.append(DNSQuestion(name: sighting.instance, type: .srv)) }
        if cache.records(key(sighting, .txt)).isEmpty {
            missing.append(DNSQuestion(name: sighting.instance, type: .txt))
        }
        for case .srv(_, _, _, let target) in services where addresses(of: target, on: sighting.link).isEmpty {
            missing.append(contentsOf: [RecordType.a, .aaaa].map { DNSQuestion(name: target, type: $0) })
        }
        return missing
    }

    /// Bounds what neighbours can make us ask by pointing at instances that do not answer.
    private mutating func allowsResolution(at now: Duration) -> Bool {
        let second = now.components.seconds
        let count = resolutions.second == second ? resolutions.count + 1 : 1
        resolutions = (second, count)
        return count <= Self.resolutionsPerSecondMax
    }

    /// Builds the messages for questions on one link, with the instances known there (section 7.1); what does
    /// not fit into one message follows in others (section 7.2).
    private mutating func ask(_ questions: [DNSQuestion], on link: LinkID, at now: Duration) -> [DiscoveryAction] {
        var seen: Set<DNSQuestion> = []
        let unique = questions.filter { seen.insert($0).inserted }
        guard !unique.isEmpty else { return [] }
        for question in unique { log.noteAsked(question, on: link, at: now) }
        var known: [ResourceRecord] = []
        if unique.contains(DNSQuestion(name: ServiceNames.type, type: .ptr)) {
            known = cache.known(pointerKey(link), at: now).map {
                ResourceRecord(name: ServiceNames.type, ttlSeconds: $0.ttlSeconds, data: $0.data)
            }
        }
        return DNSMessage.queries(unique, known: known).map { .send($0, link: link) }
    }
}

// MARK: - Services

extension Browser {
    /// Compares what is known of an instance with what was reported.
    private mutating func report(_ instance: DomainName) -> [DiscoveryAction] {
        let old = services[instance]
        let new = describe(instance)
        services[instance] = new
        switch (old, new) {
        case (nil, let new?): return [.report(.found(new))]
        case (let old?, nil): return [.report(.lost(instance: old.instance))]
        case (let old?, let new?) where old != new: return [.report(.updated(new))]
        default: return []
        }
    }

    /// Puts an instance together from its records; nil while something is lacking on every link.
    private func describe(_ instance: DomainName) -> DiscoveredService? {
        var description: DiscoveredService?
        var addresses: Set<IPAddress> = []
        for link in links.sorted(by: { ($0.isLoopback ? 0 : 1, $0.id) < ($1.isLoopback ? 0 : 1, $1.id) }
        ) {
            guard let seen = describe(Sighting(link: link.id, instance: instance)) else { continue }
            if description == nil { description = seen.service }
            if description?.host == seen.service.host && description?.port == seen.service.port {
                addresses.formUnion(seen.addresses)
            }
        }
        return description.map { service in
            DiscoveredService(
                instance: service.instance, federation: service.federation, role: service.role, id: service.id,
                version: service.version, host: service.host,
                addresses: addresses.sorted().prefix(Self.addressesMax).map(\.description), port: service.port)
        }
    }

    private func describe(_ sighting: Sighting) -> (service: DiscoveredService, addresses: [IPAddress])? {
        guard cache.contains(.ptr(sighting.instance), under: pointerKey(sighting.link)),
            let label = sighting.instance.firstLabel,
            let (port, target) = newest(
                .srv, of: sighting,
                as: { data -> (UInt16, DomainName)? in
                    if case .srv(_, _, let port, let target) = data { (port, target) } else { nil }
                }),
            let text = newest(
                .txt, of: sighting,
                as: { data -> ServiceText? in
                    if case .txt(let strings) = data { ServiceText(strings) } else { nil }
                })
        else { return nil }
        let addresses = addresses(of: target, on: sighting.link)
        guard !addresses.isEmpty else { return nil }
        let service = DiscoveredService(
            instance: label, federation: text.federation, role: text.role, id: text.id, version: text.version,
            host: target.description, addresses: [], port: port)
        return (service, addresses)
    }

    /// The record of a type that was heard last, read by `read`.
    private func newest<Value>(
        _ type: RecordType, of sighting: Sighting, as read: (RecordData) -> Value?
    ) -> Value? {
        cache.newest(key(sighting, type)).flatMap(read)
    }

    /// The addresses of a host that can be dialled; loopback ones count on the loopback link only.
    private func addresses(of host: DomainName, on link: LinkID) -> [IPAddress] {
        let isLoopback = links.contains { $0.id == link && $0.isLoopback }
        return [RecordType.a, .aaaa].flatMap { type in
            cache.records(CacheKey(link: link, name: host, type: type)).compactMap { data in
                switch data {
                case .a(let address), .aaaa(let address):
                    address.isDiallable && (isLoopback || !address.isLoopback) ? address : nil
                default: nil
                }
            }
        }
    }
}
