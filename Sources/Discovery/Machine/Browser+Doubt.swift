// SPDX-License-Identifier: MIT

extension Browser {
    /// Takes the hint that nobody answered at an address and a port that were reported: the records that led there are asked
    /// for, and leave unless they are confirmed (RFC 6762, section 10.4).
    ///
    /// A false record that is dialled costs two questions and no more; a true one is confirmed, whoever gives the hint.
    mutating func reconfirm(_ address: String, port: UInt16, at now: Duration) {
        guard browsing != nil else { return }
        for (instance, service) in services where service.port == port {
            for sighting in links.map({ Sighting(link: $0.id, instance: instance) }) {
                guard let dialled = describe(sighting)?.addresses.first(where: { $0.description == address }),
                    allowsReconfirmation(at: now)
                else { continue }
                reconfirm(dialled.address, of: sighting, at: now)
            }
        }
    }

    private mutating func reconfirm(_ address: IPAddress, of sighting: Sighting, at now: Duration) {
        guard let service = cache.newest(key(sighting, .srv)), case .srv(_, _, _, let target) = service else { return }
        let data = address.isIPv4 ? RecordData.a(address) : .aaaa(address)
        let host = CacheKey(link: sighting.link, name: target, type: data.type)
        let delay = questionDelay()
        cache.reconfirm(service, under: key(sighting, .srv), at: now, after: delay)
        cache.reconfirm(data, under: host, at: now, after: delay)
    }

    /// Bounds what false records can make us ask by leading nowhere.
    private mutating func allowsReconfirmation(at now: Duration) -> Bool {
        let second = now.components.seconds
        let count = reconfirmations.second == second ? reconfirmations.count + 1 : 1
        reconfirmations = (second, count)
        return count <= Self.reconfirmationsPerSecondMax
    }

    /// Notes that others asked for records that are known here: if nothing answers twice, they are gone (section 10.5).
    ///
    /// Pointers are left out. One that left by mistake would not come back before the next question for instances, an hour
    /// later at worst; an instance whose SRV record leaves is asked for as often as any that lacks one.
    mutating func noteQuestion(_ question: DNSQuestion, known: [RecordData], on link: LinkID, at now: Duration) {
        for type: RecordType in [.srv, .txt, .a, .aaaa] where question.type.asks(for: type) {
            cache.noteQuestion(for: CacheKey(link: link, name: question.name, type: type), known: known, at: now)
        }
    }
}
