// SPDX-License-Identifier: MIT

extension Browser {
    /// Compares what is known of an instance with what was reported.
    mutating func report(_ instance: DomainName) -> [DiscoveryAction] {
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
    func describe(_ instance: DomainName) -> DiscoveredService? {
        var description: DiscoveredService?
        var addresses: Set<LocatedAddress> = []
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

    func describe(_ sighting: Sighting) -> (service: DiscoveredService, addresses: [LocatedAddress])? {
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
    func newest<Value>(
        _ type: RecordType, of sighting: Sighting, as read: (RecordData) -> Value?
    ) -> Value? {
        cache.newest(key(sighting, type)).flatMap(read)
    }

    /// The addresses of a host that can be dialled; loopback ones count on the loopback link only, and those that need an
    /// interface, which is that of the link, where there are no others.
    func addresses(of host: DomainName, on id: LinkID) -> [LocatedAddress] {
        guard let link = links.first(where: { $0.id == id }) else { return [] }
        let usable = [RecordType.a, .aaaa].flatMap { type in
            cache.records(CacheKey(link: id, name: host, type: type)).compactMap { data -> IPAddress? in
                switch data {
                case .a(let address), .aaaa(let address):
                    address.isDiallable && (link.isLoopback || !address.isLoopback) ? address : nil
                default: nil
                }
            }
        }
        let others = usable.filter { !$0.needsInterface }
        return others.isEmpty
            ? usable.map { LocatedAddress(address: $0, interface: link.name) }
            : others.map { LocatedAddress(address: $0, interface: nil) }
    }
}
