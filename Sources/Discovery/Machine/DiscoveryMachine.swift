// SPDX-License-Identifier: MIT

/// Joins a ``Responder`` and a ``Browser`` behind one entrance for datagrams, time and the interfaces.
struct DiscoveryMachine: Sendable {
    /// The port of multicast DNS (RFC 6762, section 3).
    static let port: UInt16 = 5353

    private(set) var responder: Responder?
    private(set) var browser: Browser
    private var ignored = DiscoveryCounters()

    init(advertising advertisement: ServiceAdvertisement?, generator: any RandomNumberGenerator & Sendable) {
        responder = advertisement.map { Responder(advertising: $0, generator: generator) }
        browser = Browser(generator: generator)
        browser.ownInstance = responder?.service.instance
    }

    /// What was heard and set aside.
    var counters: DiscoveryCounters {
        var counters = browser.counters
        counters.malformed = ignored.malformed
        counters.foreignPort = ignored.foreignPort
        return counters
    }

    /// When `advance` has something to do next.
    var deadline: Duration? { [responder?.deadline, browser.deadline].compactMap { $0 }.min() }

    mutating func start(on links: [NetworkLink], at now: Duration) {
        responder?.start(on: links, at: now)
        browser.start(on: links, at: now)
    }

    mutating func setLinks(_ links: [NetworkLink], at now: Duration) -> [DiscoveryAction] {
        responder?.setLinks(links, at: now)
        return browser.setLinks(links, at: now)
    }

    /// Makes up for what was lost when the socket of a link closed and was replaced.
    mutating func reopened(_ link: LinkID, at now: Duration) -> [DiscoveryAction] {
        responder?.restart(link, at: now)
        return browser.askAgain(on: link, at: now)
    }

    /// Takes the hint that nobody answered at an address that was reported.
    mutating func reconfirm(_ address: String, port: UInt16, at now: Duration) {
        browser.reconfirm(address, port: port, at: now)
    }

    /// Does what is due at `now`.
    mutating func advance(to now: Duration) -> [DiscoveryAction] {
        (responder?.advance(to: now) ?? []) + browser.advance(to: now)
    }

    /// Hears a datagram; whatever it holds, it is heard or counted.
    mutating func receive(
        _ bytes: [UInt8], on link: LinkID, from source: DatagramSource, at now: Duration
    ) -> [DiscoveryAction] {
        guard let message = try? DNSMessage(decoding: bytes) else {
            ignored.malformed += 1
            return []
        }
        // RFC 6762, section 6: answers come from port 5353 or are ignored.
        guard source.port == Self.port else {
            if !message.isResponse,
                let reply = responder?.unicastAnswer(to: message, on: link, from: source, at: now)
            {
                return [reply]
            }
            ignored.foreignPort += 1
            return []
        }
        guard message.isResponse else {
            responder?.receive(query: message, on: link, from: source, at: now)
            browser.receive(query: message, on: link, at: now)
            return []
        }
        let actions = responder?.receive(response: message, on: link, at: now) ?? []
        browser.ownInstance = responder?.service.instance
        return actions + browser.receive(response: message, on: link, at: now)
    }

    /// Withdraws the service and ends all questions.
    mutating func stop() -> [DiscoveryAction] {
        browser.stop()
        return responder?.stop() ?? []
    }
}
