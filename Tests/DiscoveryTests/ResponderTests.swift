// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

/// Transcripts: what one responder does with time and messages.
struct ResponderTests {
    private let loopback = VirtualNetwork.loopback
    private let source = VirtualNetwork.source
    private let ethernet = NetworkLink(
        id: 2, name: "eth0", isLoopback: false, addresses: [IPAddress(192, 0, 2, 7), IPAddress(192, 0, 2, 8)])

    private func started(on links: [NetworkLink]? = nil) throws -> Responder {
        var responder = Responder(advertising: try .example(), generator: SeededGenerator(seed: 1))
        responder.start(on: links ?? [loopback], at: .zero)
        return responder
    }

    /// A responder that has announced twice, and the time.
    private func running(on links: [NetworkLink]? = nil) throws -> (Responder, Duration) {
        var responder = try started(on: links)
        while responder.phase != .running, let next = responder.deadline { _ = responder.advance(to: next) }
        return (responder, .seconds(10))
    }

    private func messages(_ actions: [DiscoveryAction]) -> [DNSMessage] {
        actions.compactMap { if case .send(let message, _) = $0 { message } else { nil } }
    }

    /// The answers that come, and when.
    private func next(_ responder: inout Responder) throws -> (at: Duration, message: DNSMessage) {
        let at = try #require(responder.deadline)
        return (at, try #require(messages(responder.advance(to: at)).first))
    }

    private func records(_ kinds: [OwnRecord], of responder: Responder) -> [ResourceRecord] {
        kinds.flatMap { responder.service.records($0, on: loopback) }
    }

    private func ask(
        _ responder: inout Responder, _ name: DomainName, _ type: RecordType, known: [ResourceRecord] = [],
        claims: [ResourceRecord] = [], truncated: Bool = false, at now: Duration, on link: LinkID = 1
    ) {
        let query = DNSMessage(
            isTruncated: truncated, questions: [DNSQuestion(name: name, type: type)], answers: known,
            authorities: claims)
        responder.receive(query: query, on: link, from: source, at: now)
    }

    @Test func probesThreeTimesThenAnnouncesTwice() throws {
        var responder = try started()
        let service = responder.service
        let start = try #require(responder.deadline)
        #expect((.zero ... .milliseconds(250)).contains(start))

        var claims = records([.service, .text, .ipv4Address], of: responder)
        for index in claims.indices { claims[index].flushesCache = false }
        let probe = DNSMessage(
            questions: [
                DNSQuestion(name: service.instance, type: .any), DNSQuestion(name: service.host, type: .any),
            ], authorities: claims)
        for step in 0..<3 {
            #expect(responder.deadline == start + .milliseconds(250) * step)
            #expect(responder.advance(to: start + .milliseconds(250) * step) == [.send(probe, link: 1)])
        }

        let announced = start + .milliseconds(750)
        let announcement = DNSMessage(
            isResponse: true, answers: records([.enumeration, .pointer, .service, .text, .ipv4Address], of: responder),
            additionals: records([.hostTypes], of: responder))
        #expect(responder.deadline == announced)
        #expect(responder.advance(to: announced) == [.send(announcement, link: 1)])
        #expect(responder.deadline == announced + .seconds(1))
        #expect(responder.advance(to: announced + .seconds(1)) == [.send(announcement, link: 1)])
        #expect(responder.phase == .running)
        #expect(responder.deadline == nil)
    }

    @Test func nothingIsDoneBeforeItIsDue() throws {
        var responder = try started()
        let start = try #require(responder.deadline)
        #expect(responder.advance(to: start - .nanoseconds(1)) == [])
        _ = responder.advance(to: start)
        #expect(responder.advance(to: start + .milliseconds(249)) == [])
    }

    @Test func namesAndTextNameTheParty() throws {
        let (responder, _) = try running()
        let service = responder.service
        #expect(service.instanceLabel.hasPrefix("party-01234567-"))
        #expect(service.instanceLabel.utf8.count == "party-01234567-".utf8.count + 4)
        #expect(service.host.description.hasPrefix("summand-"))
        #expect(
            service.text.map { String(decoding: $0, as: UTF8.self) }
                == ["v=1", "fed=demo", "role=party", "id=0123456789abcdef"])
    }

    @Test func eachInterfaceAdvertisesItsOwnAddresses() throws {
        var (responder, now) = try running(on: [loopback, ethernet])
        let host = responder.service.host
        for interface: LinkID in [1, 2] { ask(&responder, host, .a, at: now, on: interface) }
        let answers = responder.advance(to: now)
        let addresses: [[RecordData]] = [
            [.a(IPAddress(127, 0, 0, 1))], [.a(IPAddress(192, 0, 2, 7)), .a(IPAddress(192, 0, 2, 8))],
        ]
        #expect(messages(answers).map { $0.answers.map(\.data) } == addresses)
        now += .seconds(2)
        ask(&responder, host, .a, at: now, on: 3)
        #expect(responder.deadline == nil, "a question on an interface that is not ours")
    }

    @Test func takenNameLeadsToAnotherAndToNewProbes() throws {
        var responder = try started()
        let first = responder.service
        _ = responder.advance(to: .milliseconds(300))
        let rival = ResourceRecord(
            name: first.instance, flushesCache: true, ttlSeconds: 120,
            data: .srv(priority: 0, weight: 0, port: 9, target: DomainName(known: "rival", "local")))
        _ = responder.receive(response: DNSMessage(isResponse: true, answers: [rival]), on: 1, at: .milliseconds(400))
        #expect(responder.service.instanceLabel == first.instanceLabel + " (2)")
        #expect(responder.service.hostLabel == first.hostLabel)
        #expect(responder.phase == .probing(sent: 0, next: .milliseconds(400)))
        let probe = messages(responder.advance(to: .milliseconds(400)))
        #expect(probe.first?.questions.first?.name.firstLabel == first.instanceLabel + " (2)")

        let host = ResourceRecord(name: first.host, ttlSeconds: 120, data: .a(IPAddress(192, 0, 2, 1)))
        _ = responder.receive(response: DNSMessage(isResponse: true, answers: [host]), on: 1, at: .milliseconds(500))
        #expect(responder.service.hostLabel == first.hostLabel + "-2")
        #expect(responder.service.instanceLabel == first.instanceLabel + " (2)")
    }

    @Test func ownRecordsAreNoConflictOnWhicheverInterfaceTheyComeBack() throws {
        var responder = try started(on: [loopback, ethernet])
        let before = responder.phase
        let own = DNSMessage(isResponse: true, answers: responder.service.records(.ipv4Address, on: ethernet))
        _ = responder.receive(response: own, on: 1, at: .milliseconds(1))
        #expect(responder.phase == before)
        var later = try running(on: [loopback, ethernet]).0
        _ = later.receive(response: own, on: 1, at: .seconds(10))
        #expect(later.phase == .running)
    }

    @Test func tieIsLostToTheGreaterClaimOnly() throws {
        var responder = try started()
        let service = responder.service
        func probe(port: UInt16) -> DNSMessage {
            var claims = records([.service, .text], of: responder)
            claims[0].data = .srv(priority: 0, weight: 0, port: port, target: service.host)
            return DNSMessage(questions: [DNSQuestion(name: service.instance, type: .any)], authorities: claims)
        }
        let before = responder.phase
        responder.receive(query: probe(port: 7000), on: 1, from: source, at: .milliseconds(10))
        #expect(responder.phase == before, "the smaller claim gives way")
        responder.receive(query: probe(port: 7001), on: 1, from: source, at: .milliseconds(10))
        #expect(responder.phase == before, "our own probe, heard by ourselves")
        responder.receive(query: probe(port: 7002), on: 1, from: source, at: .milliseconds(10))
        #expect(responder.phase == .probing(sent: 0, next: .milliseconds(1010)))
        #expect(responder.service.instanceLabel == service.instanceLabel)
    }

    @Test func contradictionWhileRunningLeadsToProbes() throws {
        var (responder, now) = try running()
        let rival = ResourceRecord(name: responder.service.host, ttlSeconds: 120, data: .a(IPAddress(192, 0, 2, 1)))
        _ = responder.receive(response: DNSMessage(isResponse: true, answers: [rival]), on: 1, at: now)
        #expect(responder.phase == .probing(sent: 0, next: now))
        now += .milliseconds(1)
        #expect(messages(responder.advance(to: now)).first?.questions.count == 2)
    }

    @Test func goodbyeOfARivalIsNoContradiction() throws {
        var (responder, now) = try running()
        let rival = ResourceRecord(name: responder.service.host, ttlSeconds: 0, data: .a(IPAddress(192, 0, 2, 1)))
        _ = responder.receive(response: DNSMessage(isResponse: true, answers: [rival]), on: 1, at: now)
        #expect(responder.phase == .running)
    }

    @Test func manyConflictsSlowTheProbing() throws {
        var responder = try started()
        for step in 1...15 {
            let rival = ResourceRecord(
                name: responder.service.host, ttlSeconds: 120, data: .a(IPAddress(192, 0, 2, 1)))
            _ = responder.receive(
                response: DNSMessage(isResponse: true, answers: [rival]), on: 1, at: .milliseconds(step))
        }
        #expect(responder.phase == .probing(sent: 0, next: .milliseconds(15) + .seconds(5)))
    }

    @Test func browsersGetThePointerAndItsCompanionsAfterAShortPause() throws {
        var (responder, now) = try running()
        ask(&responder, ServiceNames.type, .ptr, at: now)
        let (at, message) = try next(&responder)
        #expect((.milliseconds(20) ... .milliseconds(120)).contains(at - now))
        #expect(message.isResponse && message.questions.isEmpty)
        #expect(message.answers == records([.pointer], of: responder))
        #expect(message.additionals == records([.service, .text, .ipv4Address, .hostTypes], of: responder))
    }

    @Test func typesOfServiceAreListed() throws {
        var (responder, now) = try running()
        ask(&responder, ServiceNames.enumeration, .ptr, at: now)
        #expect(try next(&responder).message.answers.map(\.data) == [.ptr(ServiceNames.type)])
    }

    @Test(arguments: [
        (RecordType.srv, [OwnRecord.service]), (.txt, [.text]), (.any, [.service, .text]), (.a, [.instanceTypes]),
    ])
    func instanceIsAnsweredAtOnce(type: RecordType, expected: [OwnRecord]) throws {
        var (responder, now) = try running()
        ask(&responder, responder.service.instance, type, at: now)
        let (at, message) = try next(&responder)
        #expect(at == now)
        #expect(message.answers == records(expected, of: responder))
    }

    @Test func missingAddressFamilyIsDenied() throws {
        var (responder, now) = try running()
        let host = responder.service.host
        ask(&responder, host, .aaaa, at: now)
        #expect(try next(&responder).message.answers.map(\.data) == [.nsec(next: host, types: [.a])])
    }

    @Test func foreignNamesAreNotAnswered() throws {
        var (responder, now) = try running()
        ask(&responder, DomainName(known: "box", "local"), .a, at: now)
        ask(&responder, ServiceNames.type, .txt, at: now)
        #expect(responder.deadline == nil)
    }

    @Test func knownAnswersAreNotRepeatedUnlessTheyAreOld() throws {
        var (responder, now) = try running()
        var known = records([.pointer], of: responder)
        known[0].ttlSeconds = 2250
        ask(&responder, ServiceNames.type, .ptr, known: known, at: now)
        #expect(responder.deadline == nil)
        known[0].ttlSeconds = 2249
        ask(&responder, ServiceNames.type, .ptr, known: known, at: now)
        #expect(responder.deadline != nil)
    }

    @Test func truncatedQueryIsAnsweredAfterItsFurtherKnownAnswers() throws {
        var (responder, now) = try running(on: [ethernet])
        let pointer = responder.service.records(.pointer, on: ethernet)
        ask(&responder, ServiceNames.type, .ptr, truncated: true, at: now, on: 2)
        let due = try #require(responder.deadline)
        #expect((.milliseconds(400) ... .milliseconds(500)).contains(due - now))
        var stranger = source
        stranger.address = IPAddress(192, 0, 2, 99)
        responder.receive(query: DNSMessage(answers: pointer), on: 2, from: stranger, at: now + .milliseconds(1))
        #expect(responder.deadline == due, "known answers of somebody else")
        responder.receive(query: DNSMessage(answers: pointer), on: 2, from: source, at: now + .milliseconds(1))
        #expect(responder.deadline == nil)

        // A second querier waits too: what the first one knows no longer counts.
        now += .seconds(5)
        ask(&responder, ServiceNames.type, .ptr, truncated: true, at: now, on: 2)
        let plain = DNSMessage(questions: [DNSQuestion(name: ServiceNames.type, type: .ptr)])
        responder.receive(query: plain, on: 2, from: stranger, at: now)
        responder.receive(query: DNSMessage(answers: pointer), on: 2, from: source, at: now)
        #expect(responder.deadline != nil)
    }

    @Test func recordIsSentAtMostOnceASecond() throws {
        var (responder, now) = try running()
        let instance = responder.service.instance
        ask(&responder, instance, .srv, at: now)
        _ = responder.advance(to: now)
        ask(&responder, instance, .srv, at: now + .milliseconds(10))
        #expect(responder.deadline == now + .seconds(1))
        // A prober cannot wait that long.
        let claim = ResourceRecord(
            name: instance, ttlSeconds: 120,
            data: .srv(priority: 0, weight: 0, port: 9, target: DomainName(known: "rival", "local")))
        ask(&responder, instance, .any, claims: [claim], at: now + .milliseconds(20))
        #expect(responder.deadline == now + .milliseconds(20), "the text was not sent yet")
        _ = responder.advance(to: now + .milliseconds(20))
        #expect(responder.deadline == now + .milliseconds(250))
    }

    @Test func shortenedLifeOfOurRecordIsCorrected() throws {
        var (responder, now) = try running()
        var record = records([.pointer], of: responder)
        record[0].ttlSeconds = 0
        _ = responder.receive(response: DNSMessage(isResponse: true, answers: record), on: 1, at: now)
        #expect(try next(&responder).message.answers == records([.pointer], of: responder))
    }

    @Test func answerThatSomebodyElseGaveIsLeftOut() throws {
        var (responder, now) = try running()
        ask(&responder, ServiceNames.enumeration, .ptr, at: now)
        let answer = DNSMessage(isResponse: true, answers: records([.enumeration], of: responder))
        _ = responder.receive(response: answer, on: 1, at: now)
        #expect(responder.deadline == nil)
    }

    @Test func goodbyeWithdrawsWhatIsOurs() throws {
        var (responder, now) = try running()
        var records = records([.pointer, .service, .text, .ipv4Address], of: responder)
        for index in records.indices { records[index].ttlSeconds = 0 }
        #expect(responder.stop() == [.send(DNSMessage(isResponse: true, answers: records), link: 1)])
        #expect(responder.stop() == [])
        ask(&responder, ServiceNames.type, .ptr, at: now)
        now += .seconds(1)
        #expect(responder.advance(to: now) == [])
        #expect(responder.deadline == nil)
    }

    @Test func whatWasNotAnnouncedIsNotWithdrawn() throws {
        var responder = try started()
        _ = responder.advance(to: .milliseconds(300))
        #expect(responder.stop() == [])
    }

    /// RFC 6762, section 8: what connects to a network probes there; the other links go on as they are.
    @Test func newLinkIsProbedWhileTheOthersAnswer() throws {
        var (responder, now) = try running()
        responder.setLinks([loopback], at: now)
        #expect(responder.phase == .running)
        responder.setLinks([loopback, ethernet], at: now)
        ask(&responder, responder.service.instance, .srv, at: now)
        #expect(messages(responder.advance(to: now)).map(\.isResponse) == [true])
        now = try #require(responder.deadline)
        let probes = responder.advance(to: now)
        #expect(messages(probes).map(\.questions.count) == [2])
        guard case .send(_, 2)? = probes.first else {
            Issue.record("not on the new link: \(probes)")
            return
        }
    }

    @Test func changedAddressIsProbedAndAnnounced() throws {
        var (responder, now) = try running(on: [ethernet])
        let moved = NetworkLink(id: 2, name: "eth0", isLoopback: false, addresses: [IPAddress(192, 0, 2, 99)])
        responder.setLinks([moved], at: now)
        var answers: [ResourceRecord] = []
        while responder.phase != .running {
            now = try #require(responder.deadline)
            answers = messages(responder.advance(to: now)).flatMap(\.answers)
        }
        #expect(answers.contains { $0.data == .a(IPAddress(192, 0, 2, 99)) && $0.flushesCache })
    }
}
