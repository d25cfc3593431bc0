// SPDX-License-Identifier: MIT

/// Finds the instances of our service type and follows their lives (RFC 6762, section 5.2; RFC 6763, sections 4, 5).
///
/// An instance is reported when a pointer, SRV, TXT and a usable address are known on one interface; what several
/// interfaces say of it is merged. Parts that are missing are asked for; an instance that stays incomplete is
/// forgotten, so that empty claims do not fill the cache. Time is as in ``Responder``.
struct Browser: Sendable {
    /// The pause after the first question; it doubles up to the longest (RFC 6762, section 5.2).
    static let questionPause = Duration.seconds(1)
    static let questionPauseMax = Duration.seconds(3600)
    /// How many times the missing parts of an instance are asked for, 1, 2, 4 … seconds apart.
    static let resolutionsMax = 6
    static let addressesMax = 16
    /// The most instances that may name one host; every process of Summand has a host name of its own.
    static let tenantsMax = 8

    /// An instance heard of on one interface.
    private struct Sighting: Hashable, Sendable {
        var interface: Int
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

    private var interfaces: [NetworkInterface] = []
    private var cache = RecordCache()
    private var browsing: Question?
    private var resolving: [Sighting: Question] = [:]
    /// Which instances name a host as their target, by interface and host; the type is A throughout.
    private var tenants: [CacheKey: Set<DomainName>] = [:]
    private var generator: any RandomNumberGenerator & Sendable

    init(generator: any RandomNumberGenerator & Sendable) { self.generator = generator }

    /// When `advance` has something to do next.
    var deadline: Duration? {
        ([browsing?.next, cache.deadline].compactMap { $0 } + resolving.values.map(\.next)).min()
    }

    /// Begins to ask, after 20 to 120 ms.
    mutating func start(on interfaces: [NetworkInterface], at now: Duration) {
        self.interfaces = interfaces
        browsing = Question(next: now + questionDelay())
    }

    /// Forgets what was heard on interfaces that are gone and asks anew when the interfaces changed.
    mutating func setInterfaces(_ interfaces: [NetworkInterface], at now: Duration) -> [DiscoveryAction] {
        guard browsing != nil, Set(interfaces) != Set(self.interfaces) else { return [] }
        let indices = Set(interfaces.map(\.index))
        self.interfaces = interfaces
        cache.keep(interfaces: indices)
        tenants = tenants.filter { indices.contains($0.key.interface) }
        resolving = resolving.filter { indices.contains($0.key.interface) }
        browsing = Question(next: now + questionDelay())
        return Set(services.keys).flatMap { report($0) }
    }

    /// Asks once more on an interface whose socket was replaced: something was lost there.
    func askAgain(on interface: Int, at now: Duration) -> [DiscoveryAction] {
        guard browsing != nil else { return [] }
        return ask([DNSQuestion(name: ServiceNames.type, type: .ptr)], on: interface, at: now)
    }

    /// Ends all questions; nothing more is reported.
    mutating func stop() {
        browsing = nil
        resolving = [:]
        cache = RecordCache()
        tenants = [:]
    }

    /// Hears a response, and reports what it changes.
    mutating func receive(response: DNSMessage, on interface: Int, at now: Duration) -> [DiscoveryAction] {
        guard browsing != nil, interfaces.contains(where: { $0.index == interface }) else { return [] }
        let records = response.answers + response.additionals
        var touched: Set<DomainName> = []
        // A pointer makes an instance worth keeping, an SRV its host: hence this order.
        for types: [RecordType] in [[.ptr], [.srv, .txt], [.a, .aaaa]] {
            for record in records where types.contains(record.type) {
                touched.formUnion(take(record, on: interface, at: now))
            }
        }
        for instance in touched { resolve(Sighting(interface: interface, instance: instance), at: now) }
        return touched.flatMap { report($0) }
    }

    /// Forgets what has expired, and asks what is due to be asked.
    mutating func advance(to now: Duration) -> [DiscoveryAction] {
        guard browsing != nil else { return [] }
        let (expired, refresh) = cache.advance(to: now, using: &generator)
        var touched: Set<Sighting> = []
        for (key, data) in expired { touched.formUnion(forget(data, under: key)) }
        for sighting in touched { resolve(sighting, at: now) }

        var questions: [Int: [DNSQuestion]] = [:]
        for key in refresh { questions[key.interface, default: []].append(DNSQuestion(name: key.name, type: key.type)) }
        if let due = browsing?.next, due <= now {
            browsing?.repeatLater(from: now)
            let question = DNSQuestion(name: ServiceNames.type, type: .ptr)
            for interface in interfaces { questions[interface.index, default: []].append(question) }
        }
        for (sighting, question) in resolving where question.next <= now {
            let missing = missingParts(of: sighting)
            if question.asked == Self.resolutionsMax || missing.isEmpty {
                resolving[sighting] = nil
                if !missing.isEmpty { touched.formUnion(forgetInstance(sighting)) }
            } else {
                resolving[sighting]?.repeatLater(from: now)
                questions[sighting.interface, default: []].append(contentsOf: missing)
            }
        }
        return questions.sorted { $0.key < $1.key }.flatMap { ask($0.value, on: $0.key, at: now) }
            + Set(touched.map(\.instance)).flatMap { report($0) }
    }
}

// MARK: - Records in and out

extension Browser {
    private func key(_ sighting: Sighting, _ type: RecordType) -> CacheKey {
        CacheKey(interface: sighting.interface, name: sighting.instance, type: type)
    }

    private func pointerKey(_ interface: Int) -> CacheKey {
        CacheKey(interface: interface, name: ServiceNames.type, type: .ptr)
    }

    /// Keeps a record if it concerns an instance of ours; answers the instances that it may change.
    private mutating func take(_ record: ResourceRecord, on interface: Int, at now: Duration) -> Set<DomainName> {
        let key = CacheKey(interface: interface, name: record.name, type: record.type)
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
            guard cache.contains(.ptr(record.name), under: pointerKey(interface)) else { return [] }
            let host = CacheKey(interface: interface, name: target, type: .a)
            let others = tenants[host] ?? []
            guard port != 0, others.count < Self.tenantsMax || others.contains(record.name) else {
                counters.unusable += 1
                return []
            }
            guard insert(record, under: key, at: now) else { return [] }
            tenants[host] = others.union([record.name])
            return [record.name]
        case .txt(let strings):
            guard cache.contains(.ptr(record.name), under: pointerKey(interface)) else { return [] }
            guard ServiceText(strings) != nil else {
                counters.unusable += 1
                return []
            }
            return insert(record, under: key, at: now) ? [record.name] : []
        case .a, .aaaa:
            let tenants = tenants[CacheKey(interface: interface, name: record.name, type: .a)] ?? []
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
        _ = forgetInstance(Sighting(interface: key.interface, instance: instance))
        return [instance]
    }

    /// Puts a record into the cache; tells whether it is alive there.
    private mutating func insert(_ record: ResourceRecord, under key: CacheKey, at now: Duration) -> Bool {
        switch cache.insert(record, under: key, at: now, using: &generator) {
        case .added, .refreshed: return true
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
            return forgetInstance(Sighting(interface: key.interface, instance: instance))
        case .srv(_, _, _, let target):
            endTenancy(of: key.name, at: CacheKey(interface: key.interface, name: target, type: .a))
            return [Sighting(interface: key.interface, instance: key.name)]
        case .txt:
            return [Sighting(interface: key.interface, instance: key.name)]
        default:
            let host = CacheKey(interface: key.interface, name: key.name, type: .a)
            return Set((tenants[host] ?? []).map { Sighting(interface: key.interface, instance: $0) })
        }
    }

    /// Removes an instance with all that was kept for its sake.
    private mutating func forgetInstance(_ sighting: Sighting) -> Set<Sighting> {
        let services = cache.records(key(sighting, .srv))
        cache.removeAll(under: key(sighting, .srv))
        cache.removeAll(under: key(sighting, .txt))
        for case .srv(_, _, _, let target) in services {
            endTenancy(
                of: sighting.instance, at: CacheKey(interface: sighting.interface, name: target, type: .a))
        }
        cache.remove(.ptr(sighting.instance), under: pointerKey(sighting.interface))
        resolving[sighting] = nil
        return [sighting]
    }

    /// Removes a host's addresses once no instance names it; an instance may name it in another SRV still.
    private mutating func endTenancy(of instance: DomainName, at host: CacheKey) {
        let others = cache.records(CacheKey(interface: host.interface, name: instance, type: .srv))
        let stays = others.contains { if case .srv(_, _, _, host.name) = $0 { true } else { false } }
        guard !stays else { return }
        tenants[host]?.remove(instance)
        guard tenants[host]?.isEmpty == true else { return }
        tenants[host] = nil
        for type: RecordType in [.a, .aaaa] {
            cache.removeAll(under: CacheKey(interface: host.interface, name: host.name, type: type))
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
        guard cache.contains(.ptr(sighting.instance), under: pointerKey(sighting.interface)),
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
        for case .srv(_, _, _, let target) in services where addresses(of: target, on: sighting.interface).isEmpty {
            missing.append(DNSQuestion(name: target, type: .a))
        }
        return missing
    }

    /// Builds the messages for questions on one interface, with the instances known there (section 7.1); what does
    /// not fit into one message follows in others (section 7.2).
    private func ask(_ questions: [DNSQuestion], on interface: Int, at now: Duration) -> [DiscoveryAction] {
        var seen: Set<DNSQuestion> = []
        let unique = questions.filter { seen.insert($0).inserted }
        var known: [ResourceRecord] = []
        if unique.contains(DNSQuestion(name: ServiceNames.type, type: .ptr)) {
            known = cache.known(pointerKey(interface), at: now).map {
                ResourceRecord(name: ServiceNames.type, ttlSeconds: $0.ttlSeconds, data: $0.data)
            }
        }
        return DNSMessage.queries(unique, known: known).map { .send($0, interface: interface) }
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

    /// Puts an instance together from its records; nil while something is lacking on every interface.
    private func describe(_ instance: DomainName) -> DiscoveredService? {
        var description: DiscoveredService?
        var addresses: Set<IPAddress> = []
        for interface in interfaces.sorted(by: { ($0.isLoopback ? 0 : 1, $0.index) < ($1.isLoopback ? 0 : 1, $1.index) }
        ) {
            guard let seen = describe(Sighting(interface: interface.index, instance: instance)) else { continue }
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
        guard cache.contains(.ptr(sighting.instance), under: pointerKey(sighting.interface)),
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
        let addresses = addresses(of: target, on: sighting.interface)
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

    /// The addresses of a host that can be dialled; loopback ones count on the loopback interface only.
    private func addresses(of host: DomainName, on interface: Int) -> [IPAddress] {
        let isLoopback = interfaces.contains { $0.index == interface && $0.isLoopback }
        return [RecordType.a, .aaaa].flatMap { type in
            cache.records(CacheKey(interface: interface, name: host, type: type)).compactMap { data in
                switch data {
                case .a(let address), .aaaa(let address):
                    address.isDiallable && (isLoopback || !address.isLoopback) ? address : nil
                default: nil
                }
            }
        }
    }
}
