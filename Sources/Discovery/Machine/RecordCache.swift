// SPDX-License-Identifier: MIT

/// Names what the cache keeps together: the records of one name and type heard on one link.
struct CacheKey: Hashable, Sendable {
    var link: LinkID
    var name: DomainName
    var type: RecordType
}

/// Keeps records for as long as they live (RFC 6762, section 10), within fixed bounds.
struct RecordCache: Sendable {
    /// The most instances kept for one link; a federation has at most 1000 members.
    static let instancesMax = 2048
    /// The most addresses kept for one host and family.
    static let recordsPerNameMax = 8
    /// The most SRV or TXT records kept for an instance: the present one and the one that it replaces. What is heard last
    /// counts, so that nobody can keep it out.
    static let versionsMax = 2
    /// The most records kept for one link: of each instance its pointer and two SRV and TXT records, of the two hosts named
    /// there the addresses of both families.
    static let recordsMax = instancesMax * (1 + 2 * versionsMax + versionsMax * 2 * recordsPerNameMax)
    /// The longest life granted, whatever a record claims.
    static let ttlSecondsMax: UInt32 = 4500
    /// How long a withdrawn or replaced record stays, in case its owner objects (sections 10.1 and 10.2).
    static let farewell = Duration.seconds(1)
    /// The parts of its life, in percent, after which a record is asked for again (section 5.2).
    static let refreshPercents = [80, 85, 90, 95]

    private static let grain = Duration.milliseconds(50)

    /// What an insertion did.
    enum Change: Hashable, Sendable {
        /// The record is new; where its name has one place only, it took that of an older one.
        case added(displaced: RecordData?)
        case refreshed, full
        /// A goodbye: the record was unknown or leaves within a second.
        case farewell
    }

    struct Entry: Sendable {
        var receivedAt: Duration
        var ttl: Duration
        var expiry: Duration
        /// How many times it was asked for again, and when it will be next; nil when it no longer will be.
        var refreshes = 0
        var refreshAt: Duration?
        /// Whether it is trusted; being heard again ends all doubt.
        var doubt = Doubt.none
        /// When it may be reconfirmed again.
        var reconfirmableAt = Duration.zero
    }

    var entries: [CacheKey: [RecordData: Entry]] = [:]
    /// No entry expires or needs a question before this; found anew whenever it is reached.
    private(set) var deadline: Duration?

    /// The records of a name and type that are alive.
    func records(_ key: CacheKey) -> [RecordData] { entries[key].map { Array($0.keys) } ?? [] }

    /// Draws one of the records of a name and type, without a copy of the others: a flood asks for it with every pointer.
    func randomRecord(_ key: CacheKey, using generator: inout some RandomNumberGenerator) -> RecordData? {
        entries[key]?.keys.randomElement(using: &generator)
    }

    /// Counts all records.
    var count: Int { entries.values.reduce(0) { $0 + $1.count } }

    /// Counts the records of a name and type.
    func count(_ key: CacheKey) -> Int { entries[key]?.count ?? 0 }

    /// The record of a name and type that was heard last; of those heard together the one that will live longest.
    func newest(_ key: CacheKey) -> RecordData? {
        entries[key]?.max { ($0.value.receivedAt, $0.value.expiry) < ($1.value.receivedAt, $1.value.expiry) }?.key
    }

    func contains(_ data: RecordData, under key: CacheKey) -> Bool { entries[key]?[data] != nil }

    /// The records with more than half of their life before them, and what is left of it in seconds: what a question
    /// lists as known (section 7.1).
    func known(_ key: CacheKey, at now: Duration) -> [(data: RecordData, ttlSeconds: UInt32)] {
        (entries[key] ?? [:]).compactMap { data, entry in
            let left = entry.expiry - now
            return left * 2 > entry.ttl ? (data, UInt32(clamping: left.components.seconds)) : nil
        }
    }

    /// Takes a record as heard at `now`; the cache-flush bit lets all others of its name and type that are older than
    /// a second leave.
    mutating func insert(
        _ record: ResourceRecord, under key: CacheKey, at now: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Change {
        if record.flushesCache { retireOthers(than: record.data, under: key, at: now) }
        let old = entries[key]?[record.data]
        if record.ttlSeconds == 0 {
            if let old { setExpiry(min(old.expiry, now + Self.farewell), of: record.data, under: key) }
            return .farewell
        }
        var displaced: RecordData?
        if old == nil && count(key) >= Self.limit(key.type) {
            guard key.type == .srv || key.type == .txt, let oldest = oldest(key) else { return .full }
            remove(oldest, under: key)
            displaced = oldest
        }
        let ttl = Duration.seconds(min(record.ttlSeconds, Self.ttlSecondsMax))
        var entry = Entry(receivedAt: now, ttl: ttl, expiry: now + ttl)
        entry.reconfirmableAt = old?.reconfirmableAt ?? now
        entry.refreshAt = Self.refreshTime(of: entry, using: &generator)
        entries[key, default: [:]][record.data] = entry
        note(entry.refreshAt ?? entry.expiry)
        return old == nil ? .added(displaced: displaced) : .refreshed
    }

    private static func limit(_ type: RecordType) -> Int {
        switch type {
        case .ptr: instancesMax
        case .srv, .txt: versionsMax
        default: recordsPerNameMax
        }
    }

    private func oldest(_ key: CacheKey) -> RecordData? {
        entries[key]?.min { ($0.value.receivedAt, $0.value.expiry) < ($1.value.receivedAt, $1.value.expiry) }?.key
    }

    /// Removes what has expired, and names what should be asked for again.
    mutating func advance(
        to now: Duration, using generator: inout some RandomNumberGenerator
    ) -> (expired: [(CacheKey, RecordData)], refresh: [CacheKey]) {
        guard let due = deadline, due <= now else { return ([], []) }
        deadline = nil
        var expired: [(CacheKey, RecordData)] = []
        var refresh: Set<CacheKey> = []
        for (key, group) in entries {
            for (data, entry) in group {
                if entry.expiry <= now {
                    expired.append((key, data))
                } else if let at = entry.refreshAt, at <= now {
                    refresh.insert(key)
                    var next = entry
                    next.refreshes += 1
                    next.refreshAt = Self.refreshTime(of: next, using: &generator)
                    entries[key]?[data] = next
                    note(next.refreshAt ?? next.expiry)
                } else {
                    note(min(entry.expiry, entry.refreshAt ?? entry.expiry))
                }
            }
        }
        for (key, data) in expired { remove(data, under: key) }
        return (expired, Array(refresh))
    }

    mutating func remove(_ data: RecordData, under key: CacheKey) {
        entries[key]?[data] = nil
        if entries[key]?.isEmpty == true { entries[key] = nil }
    }

    mutating func removeAll(under key: CacheKey) { entries[key] = nil }

    /// Forgets everything heard on links that are not among `links`.
    mutating func keep(links: Set<LinkID>) { entries = entries.filter { links.contains($0.key.link) } }

    private mutating func retireOthers(than data: RecordData, under key: CacheKey, at now: Duration) {
        for (other, entry) in entries[key] ?? [:] where other != data && entry.receivedAt < now - .seconds(1) {
            setExpiry(min(entry.expiry, now + Self.farewell), of: other, under: key)
        }
    }

    private mutating func setExpiry(_ expiry: Duration, of data: RecordData, under key: CacheKey) {
        entries[key]?[data]?.expiry = expiry
        entries[key]?[data]?.refreshAt = nil
        note(expiry)
    }

    /// Brings the deadline forward. Times are rounded up to `grain`, so that short-lived records cannot make the cache
    /// go through all others more often than that.
    mutating func note(_ time: Duration) {
        let rounded = Self.grain * (time / Self.grain).rounded(.up)
        deadline = min(deadline ?? rounded, rounded)
    }

    /// When to ask for a record again: at the percentages above, each a random 0 to 2 later (section 5.2); while it is in
    /// doubt, a second time and no more (section 10.4).
    private static func refreshTime(of entry: Entry, using generator: inout some RandomNumberGenerator) -> Duration? {
        if case .reconfirming(let again) = entry.doubt { return entry.refreshes == 1 ? again : nil }
        guard entry.refreshes < refreshPercents.count else { return nil }
        let percent = Double(refreshPercents[entry.refreshes]) + Double.random(in: 0...2, using: &generator)
        return entry.receivedAt + entry.ttl * (percent / 100)
    }
}
