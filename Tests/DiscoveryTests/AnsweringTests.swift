// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

/// When and how a running responder answers, by the sections of RFC 6762.
struct AnsweringTests {
    private static let local = IPAddress(192, 0, 2, 7)
    private static let global = IPAddress(0x2001, 0xDB8, 0, 0, 0, 0, 0, 7)
    private static let linkLocal = IPAddress(0xFE80, 0, 0, 0, 0, 0, 0, 7)
    private let neighbour = DatagramSource(address: IPAddress(192, 0, 2, 99), port: 5353)

    private static func ethernet(
        _ family: AddressFamily = .ipv4, addresses: [IPAddress] = [local, linkLocal, global]
    ) -> NetworkLink {
        NetworkLink(
            id: LinkID(interface: 2, family: family), name: "eth0", isLoopback: false, addresses: addresses,
            networks: [IPNetwork(address: local, prefixBits: 24), IPNetwork(address: global, prefixBits: 64)])
    }

    private static let now = Duration.seconds(10)

    private func running(
        on links: [NetworkLink] = [ethernet()], listening: String = "::", seed: UInt64 = 1
    ) throws -> Responder {
        let advertisement = try ServiceAdvertisement(
            federation: "demo", role: .party, id: "0123456789abcdef", port: 7001, listening: listening)
        var responder = Responder(advertising: advertisement, generator: SeededGenerator(seed: seed))
        responder.start(on: links, at: .zero)
        while responder.phase != .running, let next = responder.deadline { _ = responder.advance(to: next) }
        return responder
    }

    private func hear(
        _ responder: inout Responder, _ questions: [(DomainName, RecordType)], known: [ResourceRecord] = [],
        truncated: Bool = false, at now: Duration = now, from source: DatagramSource? = nil
    ) {
        let query = DNSMessage(
            isTruncated: truncated, questions: questions.map { DNSQuestion(name: $0.0, type: $0.1) }, answers: known)
        responder.receive(query: query, on: 2, from: source ?? neighbour, at: now)
    }

    private func message(_ actions: [DiscoveryAction]) -> DNSMessage? {
        guard case .send(let message, _)? = actions.first else { return nil }
        return message
    }

    // MARK: Addresses

    @Test func addressQuestionIsAnsweredWithTheOtherFamilyBeside() throws {  // section 6.2
        var responder = try running()
        hear(&responder, [(responder.service.host, .a)])
        let answer = try #require(message(responder.advance(to: Self.now)))
        #expect(answer.answers.map(\.data) == [.a(Self.local)])
        #expect(answer.additionals.map(\.data) == [.aaaa(Self.global)], "a link-local address needs an interface")
    }

    @Test func onlyFamilyIsAnsweredWithTheWordThatThereIsNoOther() throws {  // sections 6.1 and 6.2
        var responder = try running(on: [Self.ethernet(addresses: [Self.local])])
        let host = responder.service.host
        hear(&responder, [(host, .a)])
        let answer = try #require(message(responder.advance(to: Self.now)))
        #expect(answer.additionals.map(\.data) == [.nsec(next: host, types: [.a])])
        hear(&responder, [(host, .aaaa)], at: Self.now + .seconds(2))
        let denial = try #require(message(responder.advance(to: Self.now + .seconds(2))))
        #expect(denial.answers.map(\.data) == [.nsec(next: host, types: [.a])])
    }

    @Test(arguments: [
        ("0.0.0.0", [local]), ("::", [local, global]), ("192.0.2.7", [local]), ("2001:db8::7", [global]),
        ("some.host", [local, global]),
    ])
    func addressesAreThoseListenedOn(listening: String, expected: [IPAddress]) throws {
        let responder = try running(listening: listening)
        let link = Self.ethernet()
        let records =
            responder.service.records(.ipv4Address, on: link)
            + responder.service.records(.ipv6Address, on: link)
        let addresses = records.compactMap { record -> IPAddress? in
            switch record.data {
            case .a(let address), .aaaa(let address): address
            default: nil
            }
        }
        #expect(addresses == expected)
    }

    @Test func nothingIsAnnouncedWhereTheServiceIsNotReached() throws {
        #expect(try running(listening: "127.0.0.1").phase == nil)
        let onlyLinkLocal = Self.ethernet(.ipv6, addresses: [Self.linkLocal])
        #expect(try running(on: [onlyLinkLocal], listening: "0.0.0.0").phase == nil)
    }

    @Test func linkLocalAddressesAreAnnouncedWhereThereAreNoOthers() throws {
        let onlyLinkLocal = Self.ethernet(.ipv6, addresses: [Self.linkLocal])
        let responder = try running(on: [onlyLinkLocal])
        let records = responder.service.records(.ipv6Address, on: onlyLinkLocal)
        #expect(records.map(\.data) == [.aaaa(Self.linkLocal)])
        let withIPv4 = Self.ethernet(.ipv6, addresses: [Self.local, Self.linkLocal])
        #expect(responder.service.records(.ipv6Address, on: withIPv4) == [])
    }

    @Test func familiesOfAnInterfaceAnswerApart() throws {
        var responder = try running(on: [Self.ethernet(), Self.ethernet(.ipv6)])
        hear(&responder, [(responder.service.instance, .srv)])
        #expect(responder.advance(to: Self.now).count == 1, "the IPv6 link was not asked")
    }

    // MARK: Time

    @Test func queryWithTwoQuestionsIsAnsweredAfterAPause() throws {  // section 6.3
        var responder = try running()
        hear(&responder, [(responder.service.instance, .srv), (responder.service.host, .a)])
        let due = try #require(responder.deadline)
        #expect((.milliseconds(20) ... .milliseconds(120)).contains(due - Self.now))
    }

    @Test func answersDueSoonGoTogether() throws {  // section 6.4
        var responder = try running()
        hear(&responder, [(ServiceNames.type, .ptr)])
        hear(&responder, [(ServiceNames.enumeration, .ptr)])
        let due = try #require(responder.deadline)
        #expect(message(responder.advance(to: due))?.answers.map(\.type) == [.ptr, .ptr])
        #expect(responder.deadline == nil)
    }

    @Test func additionalRecordsAreNotRepeatedWithinASecond() throws {  // section 6
        var responder = try running()
        hear(&responder, [(responder.service.instance, .srv)])
        _ = responder.advance(to: Self.now)
        hear(&responder, [(ServiceNames.type, .ptr)], at: Self.now + .milliseconds(100))
        var due = try #require(responder.deadline)
        #expect(message(responder.advance(to: due))?.additionals.map(\.type) == [.txt])
        hear(&responder, [(ServiceNames.type, .ptr)], at: Self.now + .seconds(2))
        due = try #require(responder.deadline)
        #expect(message(responder.advance(to: due))?.additionals.map(\.type) == [.srv, .txt, .a, .aaaa])
    }

    @Test func everyTruncatedMessageRenewsThePauseWithinABound() throws {  // sections 7.2 and 18.5
        var responder = try running()
        hear(&responder, [(ServiceNames.type, .ptr)], truncated: true)
        let first = try #require(responder.deadline)
        var now = first - .milliseconds(1)
        hear(&responder, [], truncated: true, at: now)
        let second = try #require(responder.deadline)
        #expect((.milliseconds(400) ... .milliseconds(500)).contains(second - now))
        // A neighbour that never ends does not keep the answer from others for ever.
        for _ in 0..<20 {
            now += .milliseconds(300)
            hear(&responder, [], truncated: true, at: now)
        }
        #expect(try #require(responder.deadline) <= first + AnswerQueue.extensionMax)
    }

    @Test func knownAnswersInTheThirdMessageCount() throws {  // section 7.2
        var responder = try running()
        hear(&responder, [(ServiceNames.type, .ptr)], truncated: true)
        hear(&responder, [], truncated: true, at: Self.now + .milliseconds(300))
        let known = responder.service.records(.pointer, on: Self.ethernet())
        hear(&responder, [], known: known, at: Self.now + .milliseconds(600))
        #expect(responder.deadline == nil)
    }

    // MARK: Unicast

    private func ask(
        _ responder: inout Responder, _ questions: [DNSQuestion], from source: DatagramSource, at now: Duration = now
    ) -> DiscoveryAction? {
        responder.unicastAnswer(to: DNSMessage(id: 4711, questions: questions), on: 2, from: source, at: now)
    }

    private let resolver = DatagramSource(address: IPAddress(192, 0, 2, 50), port: 40_000)

    @Test func resolverWithoutMulticastIsAnsweredAlone() throws {  // section 6.7
        var responder = try running()
        let question = DNSQuestion(name: responder.service.instance, type: .srv)
        guard case .reply(let reply, resolver, 2)? = ask(&responder, [question], from: resolver) else {
            Issue.record("no answer, or to somebody else")
            return
        }
        #expect(reply.id == 4711)
        #expect(reply.questions == [question])
        #expect(reply.answers.map(\.type) == [.srv])
        #expect(reply.additionals.map(\.type) == [.a, .aaaa])
        #expect((reply.answers + reply.additionals).allSatisfy { $0.ttlSeconds == 10 && !$0.flushesCache })
        #expect(
            ask(&responder, [DNSQuestion(name: DomainName(known: "box", "local"), type: .a)], from: resolver) == nil)
    }

    @Test func resolverBeyondTheLinkIsNotAnswered() throws {  // section 11
        var responder = try running()
        let question = DNSQuestion(name: responder.service.instance, type: .srv)
        for address in [IPAddress(198, 51, 100, 1), IPAddress(0x2001, 0xDB8, 0, 0, 0, 0, 0, 9)] {
            #expect(ask(&responder, [question], from: DatagramSource(address: address, port: 4000)) == nil)
        }
    }

    @Test func unicastAnswersAreBoundedBySecond() throws {
        var responder = try running()
        let question = DNSQuestion(name: responder.service.instance, type: .srv)
        func answers(at now: Duration) -> Int {
            (0..<100).count { _ in ask(&responder, [question], from: resolver, at: now) != nil }
        }
        #expect(answers(at: Self.now) == Responder.unicastsPerSecondMax)
        #expect(answers(at: Self.now + .seconds(1)) == Responder.unicastsPerSecondMax)
    }

    @Test func nameNotYetOursIsNotAnswered() throws {  // section 8.1
        let advertisement = try ServiceAdvertisement.example()
        var responder = Responder(advertising: advertisement, generator: SeededGenerator(seed: 1))
        responder.start(on: [Self.ethernet()], at: .zero)
        let question = DNSQuestion(name: responder.service.instance, type: .srv)
        #expect(ask(&responder, [question], from: resolver) == nil)
    }

    // MARK: Names

    @Test func nameGivenUpIsWithdrawnWhereNobodyElseHasIt() throws {  // sections 9 and 10.1
        var responder = try running(on: [Self.ethernet(), VirtualNetwork.loopback])
        let old = responder.service.instance
        let rival = ResourceRecord(
            name: old, flushesCache: true, ttlSeconds: 120,
            data: .srv(priority: 0, weight: 0, port: 9, target: DomainName(known: "rival", "local")))
        let response = DNSMessage(isResponse: true, answers: [rival])
        #expect(responder.receive(response: response, on: 2, at: Self.now) == [], "first it is probed for")
        _ = responder.advance(to: Self.now)
        let goodbyes = responder.receive(response: response, on: 2, at: Self.now + .milliseconds(5))
        guard case .send(let goodbye, 1)? = goodbyes.first, goodbyes.count == 1 else {
            Issue.record("not on loopback alone: \(goodbyes)")
            return
        }
        #expect(goodbye.answers.contains { $0.name == old && $0.ttlSeconds == 0 })
        #expect(responder.service.instance != old)
        #expect(responder.phase == .probing(sent: 0, next: Self.now + .milliseconds(5)))
    }

    @Test func addressesOfANetworkShareItsPrefix() {
        let network = IPNetwork(address: IPAddress(10, 1, 130, 1), prefixBits: 17)
        #expect(network.contains(IPAddress(10, 1, 255, 255)))
        #expect(!network.contains(IPAddress(10, 1, 127, 255)))
        #expect(!network.contains(Self.global))
        #expect(IPNetwork(address: Self.global, prefixBits: 0).contains(Self.linkLocal))
    }
}
