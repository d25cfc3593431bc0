// SPDX-License-Identifier: MIT

extension Responder {
    /// Schedules the answers to a query, spread in time as RFC 6762, section 6, wants it.
    mutating func answer(_ query: DNSMessage, on id: LinkID, from source: DatagramSource, at now: Duration) {
        guard let link = links[id]?.link else { return }
        // Known answers that follow a truncated query (section 7.2).
        if query.questions.isEmpty { return dropKnown(in: query, on: id, from: source, at: now) }
        var asked: [OwnRecord] = []
        for question in query.questions {
            for kind in service.kinds(answering: question, on: link) where !asked.contains(kind) {
                if !isKnown(kind, in: query.answers, on: link) { asked.append(kind) }
            }
        }
        guard !asked.isEmpty else { return }
        let isProbe = !query.authorities.isEmpty
        // On loopback all processes share address and port, so nobody's following known answers can be told apart.
        let waitsForMore = query.isTruncated && !isProbe && !link.isLoopback
        let delay: Duration
        if isProbe {
            delay = .zero
        } else if waitsForMore {
            delay = truncationPause()
        } else if query.questions.count > 1 || asked.contains(where: \.isShared) {
            delay = .milliseconds(20) + random(upTo: .milliseconds(100))
        } else {
            delay = .zero
        }
        links[id]?.queue.schedule(asked, at: now + delay, isProbe: isProbe, follower: waitsForMore ? source : nil)
    }

    /// Builds the answer to a resolver that knows nothing of multicast and asked from another port than 5353; nil where
    /// there is none, or where it lives beyond the link (sections 6.7 and 11).
    mutating func unicastAnswer(
        to query: DNSMessage, on id: LinkID, from source: DatagramSource, at now: Duration
    ) -> DiscoveryAction? {
        guard let state = links[id], state.hasAnnounced, state.link.isNeighbour(source.address) else { return nil }
        if case .probing = state.phase { return nil }
        var kinds: [OwnRecord] = []
        for question in query.questions {
            for kind in service.kinds(answering: question, on: state.link) where !kinds.contains(kind) {
                kinds.append(kind)
            }
        }
        guard !kinds.isEmpty, allowsUnicast(on: id, at: now) else { return nil }
        let companions = OwnRecord.allCases.filter { companion in
            !kinds.contains(companion)
                && kinds.contains { service.companions(of: $0, on: state.link).contains(companion) }
        }
        var message = DNSMessage(
            id: query.id, isResponse: true, questions: query.questions,
            answers: Self.unicast(records(kinds, on: state.link)),
            additionals: Self.unicast(records(companions, on: state.link)))
        if message.encoded().count > DNSMessage.unicastBytesMax { message.additionals = [] }
        return .reply(message, to: source, link: id)
    }

    /// Short lives and no cache-flush bit, which such a resolver would take for part of the class (section 6.7).
    private static func unicast(_ records: [ResourceRecord]) -> [ResourceRecord] {
        records.map { record in
            var record = record
            record.flushesCache = false
            record.ttlSeconds = min(record.ttlSeconds, ServiceNames.unicastTTLSecondsMax)
            return record
        }
    }

    private mutating func allowsUnicast(on id: LinkID, at now: Duration) -> Bool {
        let second = now.components.seconds
        guard let before = links[id]?.unicasts else { return false }
        let count = before.second == second ? before.count + 1 : 1
        links[id]?.unicasts = (second, count)
        return count <= Self.unicastsPerSecondMax
    }

    private mutating func truncationPause() -> Duration { .milliseconds(400) + random(upTo: .milliseconds(100)) }

    private mutating func dropKnown(
        in query: DNSMessage, on id: LinkID, from source: DatagramSource, at now: Duration
    ) {
        guard let link = links[id]?.link else { return }
        let kinds = OwnRecord.allCases.filter { isKnown($0, in: query.answers, on: link) }
        links[id]?.queue.drop(kinds, followedBy: source)
        if query.isTruncated {
            let due = now + truncationPause()
            links[id]?.queue.extend(followedBy: source, to: due)
        }
    }

    /// Tells whether the querier knows all records of a kind for at least half their life (section 7.1).
    private func isKnown(_ kind: OwnRecord, in known: [ResourceRecord], on link: NetworkLink) -> Bool {
        guard !known.isEmpty else { return false }
        return service.records(kind, on: link).allSatisfy { record in
            known.contains { $0.isSame(as: record) && $0.ttlSeconds >= record.ttlSeconds / 2 }
        }
    }

    /// Corrects a record of ours that somebody else gives a much shorter life (section 6.6), and leaves out an
    /// answer that somebody else has just given in full (section 7.4).
    mutating func defend(against response: DNSMessage, on id: LinkID, at now: Duration) {
        guard let link = links[id]?.link else { return }
        for kind in OwnRecord.allCases {
            for record in service.records(kind, on: link) {
                guard let heard = response.answers.first(where: { $0.isSame(as: record) }) else { continue }
                if heard.ttlSeconds < record.ttlSeconds / 2 {
                    links[id]?.queue.schedule([kind], at: now)
                } else if kind == .enumeration && heard.ttlSeconds >= record.ttlSeconds {
                    links[id]?.queue.drop([kind])
                }
            }
        }
    }

    /// Sends what is due on a link.
    mutating func dueAnswers(on id: LinkID, at now: Duration) -> [DiscoveryAction] {
        guard let link = links[id]?.link else { return [] }
        let service = service
        guard
            let due = links[id]?.queue.takeDue(at: now, companions: { service.companions(of: $0, on: link) })
        else { return [] }
        let answers = records(due.answers, on: link)
        guard !answers.isEmpty else { return [] }
        let message = DNSMessage(isResponse: true, answers: answers, additionals: records(due.additionals, on: link))
        return [.send(message, link: id)]
    }
}
