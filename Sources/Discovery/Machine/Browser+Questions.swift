// SPDX-License-Identifier: MIT

extension Browser {
    mutating func questionDelay() -> Duration {
        .milliseconds(20) + .milliseconds(100) * Double.random(in: 0...1, using: &generator)
    }

    /// Begins to ask for what an instance lacks, or ends it once nothing is lacking.
    mutating func resolve(_ sighting: Sighting, at now: Duration) {
        guard cache.contains(.ptr(sighting.instance), under: pointerKey(sighting.link)),
            !missingParts(of: sighting).isEmpty
        else {
            resolving[sighting] = nil
            return
        }
        if resolving[sighting] == nil { resolving[sighting] = Question(next: now + questionDelay()) }
    }

    func missingParts(of sighting: Sighting) -> [DNSQuestion] {
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
    mutating func allowsResolution(at now: Duration) -> Bool {
        let second = now.components.seconds
        let count = resolutions.second == second ? resolutions.count + 1 : 1
        resolutions = (second, count)
        return count <= Self.resolutionsPerSecondMax
    }

    /// Builds the messages for questions on one link, with the instances known there (section 7.1); what does
    /// not fit into one message follows in others (section 7.2).
    mutating func ask(_ questions: [DNSQuestion], on link: LinkID, at now: Duration) -> [DiscoveryAction] {
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

    /// Tells whether we might ask the question too.
    func isOfInterest(_ question: DNSQuestion, on link: LinkID) -> Bool {
        switch question.type {
        case .ptr: question.name == ServiceNames.type
        case .srv, .txt: cache.contains(.ptr(question.name), under: pointerKey(link))
        case .a, .aaaa: tenants[CacheKey(link: link, name: question.name, type: .a)] != nil
        default: false
        }
    }
}
