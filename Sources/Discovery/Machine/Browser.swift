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
    /// How many instances are reconfirmed within a second.
    static let reconfirmationsPerSecondMax = 10
    /// The longest TXT record kept, in bytes; larger ones would not fit into one packet (RFC 6763, section 6.2).
    static let textBytesMax = 1300
    static let addressesMax = 16
    /// The most instances that may name one host; every process of Summand has a host name of its own.
    static let tenantsMax = 8

    /// An instance heard of on one link.
    struct Sighting: Hashable, Sendable {
        var link: LinkID
        var instance: DomainName
    }

    /// The life of the question for instances, and of the questions for an instance's missing parts.
    struct Question: Sendable {
        var next: Duration
        var asked = 0

        /// Counts one asking and doubles the pause before the next.
        mutating func repeatLater(from now: Duration) {
            next = now + min(Browser.questionPause * (1 << min(asked, 12)), Browser.questionPauseMax)
            asked += 1
        }
    }

    var counters = DiscoveryCounters()
    var services: [DomainName: DiscoveredService] = [:]
    /// Our own instance, which is not reported.
    var ownInstance: DomainName?

    var links: [NetworkLink] = []
    var cache = RecordCache()
    /// The question for instances, by link; nil before the start and after the end.
    var browsing: [LinkID: Question]?
    var log = QuestionLog()
    /// The second in which missing parts were asked for last, and how many.
    var resolutions: (second: Int64, count: Int) = (0, 0)
    /// The second in which instances were reconfirmed last, and how many.
    var reconfirmations: (second: Int64, count: Int) = (0, 0)
    var resolving: [Sighting: Question] = [:]
    /// Which instances name a host as their target, by link and host; the type is A throughout.
    var tenants: [CacheKey: Set<DomainName>] = [:]
    var generator: any RandomNumberGenerator & Sendable

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

    /// Hears a query: what others ask need not be asked again (section 7.3), and should be answered (section 10.5), unless
    /// further known answers may follow or the answer may come to the querier alone.
    mutating func receive(query: DNSMessage, on link: LinkID, at now: Duration) {
        guard browsing?[link] != nil, !query.isTruncated, query.authorities.isEmpty else { return }
        for question in query.questions where !question.wantsUnicast && isOfInterest(question, on: link) {
            let known = question.name == ServiceNames.type ? cache.known(pointerKey(link), at: now).map(\.data) : []
            let ruledOut = query.answers.filter { $0.name == question.name && question.type.asks(for: $0.type) }
            if !log.hasJustAsked(question, on: link, at: now) {
                noteQuestion(question, known: ruledOut.map(\.data), on: link, at: now)
            }
            if ruledOut.allSatisfy({ known.contains($0.data) }) { log.noteHeard(question, on: link, at: now) }
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
