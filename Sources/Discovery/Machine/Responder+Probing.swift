// SPDX-License-Identifier: MIT

extension Responder {
    /// Asks who has our names, and says what we are about to claim (RFC 6762, section 8.1).
    func probe(on link: NetworkLink) -> DNSMessage {
        var claims = records(OwnRecord.claimed, on: link)
        for index in claims.indices { claims[index].flushesCache = false }
        let questions = [service.instance, service.host].map { DNSQuestion(name: $0, type: .any) }
        return DNSMessage(questions: questions, authorities: claims)
    }

    /// Tells whether a record contradicts one of ours. What we say ourselves on any link never does: it may come back
    /// through another one.
    func isRival(_ record: ResourceRecord, whileProbing: Bool) -> Bool {
        guard record.ttlSeconds > 0, record.name == service.instance || record.name == service.host else {
            return false
        }
        let own = links.values.flatMap { records(OwnRecord.allCases, on: $0.link) }.filter { $0.name == record.name }
        if own.contains(where: { $0.isSame(as: record) }) { return false }
        return whileProbing || own.contains { $0.type == record.type && $0.type != .nsec }
    }

    /// Compares claims with a rival that probes for the same name; whose are smaller waits (section 8.2).
    mutating func resolveTie(with query: DNSMessage, on id: LinkID, at now: Duration) {
        guard let link = links[id] else { return }
        for name in [service.instance, service.host] {
            let theirs = query.authorities.filter { $0.name == name }
            guard !theirs.isEmpty, query.questions.contains(where: { $0.name == name }) else { continue }
            let theirClaims = Self.claims(theirs)
            // Our own probe may come back through another link.
            if links.values.contains(where: { claims(to: name, on: $0.link) == theirClaims }) { continue }
            guard Self.precedes(claims(to: name, on: link.link), theirClaims) else { continue }
            links[id]?.phase = .probing(sent: 0, next: now + Self.tiePause)
            return
        }
    }

    private func claims(to name: DomainName, on link: NetworkLink) -> [[UInt8]] {
        Self.claims(records(OwnRecord.claimed, on: link).filter { $0.name == name })
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
}
