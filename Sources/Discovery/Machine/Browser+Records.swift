// SPDX-License-Identifier: MIT

extension Browser {
    func key(_ sighting: Sighting, _ type: RecordType) -> CacheKey {
        CacheKey(link: sighting.link, name: sighting.instance, type: type)
    }

    func pointerKey(_ link: LinkID) -> CacheKey {
        CacheKey(link: link, name: ServiceNames.type, type: .ptr)
    }

    /// Keeps a record if it concerns an instance of ours; answers the instances that it may change.
    mutating func take(_ record: ResourceRecord, on link: LinkID, at now: Duration) -> Set<DomainName> {
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
    mutating func makeRoom(for pointer: ResourceRecord, under key: CacheKey) -> Set<DomainName> {
        guard pointer.ttlSeconds > 0, cache.count(key) >= RecordCache.instancesMax,
            !cache.contains(pointer.data, under: key),
            case .ptr(let instance)? = cache.randomRecord(key, using: &generator)
        else { return [] }
        counters.overflow += 1
        _ = forgetInstance(Sighting(link: key.link, instance: instance))
        return [instance]
    }

    /// Puts a record into the cache; tells whether it is alive there.
    mutating func insert(_ record: ResourceRecord, under key: CacheKey, at now: Duration) -> Bool {
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
    mutating func forget(_ data: RecordData, under key: CacheKey) -> Set<Sighting> {
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
    mutating func forgetInstance(_ sighting: Sighting) -> Set<Sighting> {
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
    mutating func endTenancy(of instance: DomainName, at host: CacheKey) {
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
