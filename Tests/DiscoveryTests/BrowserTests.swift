// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

/// Transcripts: what one browser asks and reports.
struct BrowserTests {
    private let type = ServiceNames.type
    private let instance = DomainName(known: "a", "_smpc", "_tcp", "local")
    private let host = DomainName(known: "box", "local")
    private let loopback = VirtualNetwork.loopback
    private let ethernet = NetworkLink(
        id: 2, name: "eth0", isLoopback: false, addresses: [IPAddress(192, 0, 2, 7)])

    private func started(on links: [NetworkLink]? = nil) -> Browser {
        var browser = Browser(generator: SeededGenerator(seed: 3))
        browser.start(on: links ?? [loopback], at: .zero)
        return browser
    }

    private func pointer(_ ttlSeconds: UInt32 = 4500) -> ResourceRecord {
        ResourceRecord(name: type, ttlSeconds: ttlSeconds, data: .ptr(instance))
    }

    private func srv(port: UInt16 = 7443, _ ttlSeconds: UInt32 = 120) -> ResourceRecord {
        ResourceRecord(
            name: instance, flushesCache: true, ttlSeconds: ttlSeconds,
            data: .srv(priority: 0, weight: 0, port: port, target: host))
    }

    private func text(_ strings: [String] = ["v=1", "fed=demo", "role=party", "id=deadbeef"]) -> ResourceRecord {
        ResourceRecord(
            name: instance, flushesCache: true, ttlSeconds: 4500, data: .txt(strings.map { Array($0.utf8) }))
    }

    private func address(_ address: IPAddress = IPAddress(127, 0, 0, 1), _ ttlSeconds: UInt32 = 120) -> ResourceRecord {
        ResourceRecord(name: host, flushesCache: true, ttlSeconds: ttlSeconds, data: .a(address))
    }

    private func hear(
        _ browser: inout Browser, _ records: [ResourceRecord], at now: Duration, on link: LinkID = 1
    ) -> [DiscoveryAction] {
        browser.receive(response: DNSMessage(isResponse: true, answers: records), on: link, at: now)
    }

    private func service(addresses: [String] = ["127.0.0.1"], port: UInt16 = 7443) -> DiscoveredService {
        DiscoveredService(
            instance: "a", federation: "demo", role: .party, id: "deadbeef", version: "1", host: "box.local",
            addresses: addresses, port: port)
    }

    /// Runs to `end` and collects the times of questions of a type, and all reports.
    private func run(
        _ browser: inout Browser, to end: Duration, asking type: RecordType
    ) -> (questions: [Duration], reports: [DiscoveryAction]) {
        var questions: [Duration] = []
        var reports: [DiscoveryAction] = []
        while let next = browser.deadline, next <= end {
            for action in browser.advance(to: next) {
                if case .send(let message, _) = action {
                    if message.questions.contains(where: { $0.type == type }) { questions.append(next) }
                } else {
                    reports.append(action)
                }
            }
        }
        return (questions, reports)
    }

    @Test func pausesBetweenQuestionsDoubleUpToAnHour() {
        var browser = started()
        let (questions, _) = run(&browser, to: .seconds(20000), asking: .ptr)
        let pauses = zip(questions.dropFirst(), questions).map { $0 - $1 }
        let doubling = (0..<12).map { Duration.seconds(1 << $0) }
        let hours = [Duration](repeating: .seconds(3600), count: 4)
        #expect((.milliseconds(20) ... .milliseconds(120)).contains(questions[0]))
        #expect(pauses == doubling + hours)
    }

    @Test func completeInstanceIsFoundOnce() {
        var browser = started()
        #expect(hear(&browser, [address(), text(), srv(), pointer()], at: .seconds(1)) == [.report(.found(service()))])
        #expect(hear(&browser, [pointer(), srv(), text(), address()], at: .seconds(2)) == [])
    }

    @Test func missingPartsAreAskedFor() throws {
        var browser = started()
        _ = browser.advance(to: .milliseconds(500))
        #expect(hear(&browser, [pointer()], at: .milliseconds(500)) == [])
        var now = try #require(browser.deadline)
        #expect((.milliseconds(520) ... .milliseconds(620)).contains(now))
        let parts = [DNSQuestion(name: instance, type: .srv), DNSQuestion(name: instance, type: .txt)]
        #expect(browser.advance(to: now) == [.send(DNSMessage(questions: parts), link: 1)])
        #expect(hear(&browser, [srv(), text()], at: now) == [])
        now += .seconds(1)
        // It is time for the instances too: one message asks for both.
        let questions = [
            DNSQuestion(name: type, type: .ptr), DNSQuestion(name: host, type: .a),
            DNSQuestion(name: host, type: .aaaa),
        ]
        let known = [pointer(4498)]
        #expect(browser.advance(to: now) == [.send(DNSMessage(questions: questions, answers: known), link: 1)])
        #expect(hear(&browser, [address()], at: now) == [.report(.found(service()))])
    }

    @Test func instanceThatStaysIncompleteIsForgotten() {
        var browser = started()
        _ = hear(&browser, [pointer()], at: .zero)
        let (questions, reports) = run(&browser, to: .seconds(100), asking: .srv)
        #expect(questions.count == 6)
        #expect(reports == [])
        // Heard again, it is asked for again.
        _ = hear(&browser, [pointer()], at: .seconds(100))
        #expect(run(&browser, to: .seconds(200), asking: .srv).questions.count == 6)
    }

    @Test func partsWithoutAPointerAreNotKept() {
        var browser = started()
        #expect(hear(&browser, [srv(), text(), address()], at: .zero) == [])
        #expect(hear(&browser, [pointer()], at: .milliseconds(1)) == [])
    }

    @Test func goodbyeIsALossAfterASecond() {
        var browser = started()
        _ = hear(&browser, [pointer(), srv(), text(), address()], at: .seconds(1))
        #expect(
            hear(&browser, [pointer(0), srv(port: 7443, 0), address(IPAddress(127, 0, 0, 1), 0)], at: .seconds(5)) == []
        )
        #expect(run(&browser, to: .milliseconds(5999), asking: .any).reports == [])
        #expect(run(&browser, to: .milliseconds(6100), asking: .any).reports == [.report(.lost(instance: "a"))])
        #expect(browser.services.isEmpty)
    }

    @Test func goodbyeOfAnUnknownInstanceIsNothing() {
        var browser = started()
        #expect(hear(&browser, [pointer(0)], at: .zero) == [])
        #expect(run(&browser, to: .seconds(10), asking: .srv).questions == [])
    }

    @Test func silentInstanceIsAskedForFourTimesAndThenLost() {
        var browser = started()
        _ = hear(&browser, [pointer(), srv(), text(), address(IPAddress(127, 0, 0, 1), 4500)], at: .zero)
        let (questions, reports) = run(&browser, to: .seconds(121), asking: .srv)
        let shares = questions.prefix(4).map { $0 / .seconds(120) }
        for (share, percent) in zip(shares, [80, 85, 90, 95]) {
            #expect((Double(percent) / 100...Double(percent + 2) / 100 + 0.001).contains(share))
        }
        #expect(reports == [.report(.lost(instance: "a"))])
    }

    @Test func answerToTheRefreshKeepsTheInstance() {
        var browser = started()
        _ = hear(&browser, [pointer(), srv(), text(), address()], at: .zero)
        for minute in 1...10 {
            let now = Duration.seconds(100 * minute)
            #expect(run(&browser, to: now, asking: .srv).reports == [])
            #expect(hear(&browser, [srv(), address()], at: now) == [])
        }
        #expect(browser.services.count == 1)
    }

    @Test func flushedRecordLeavesAfterASecond() {
        var browser = started()
        _ = hear(&browser, [pointer(), srv(), text(), address()], at: .zero)
        let updates = hear(&browser, [srv(port: 8000)], at: .seconds(5))
        #expect(updates == [.report(.updated(service(port: 8000)))])
        #expect(run(&browser, to: .seconds(7), asking: .any).reports == [])
        #expect(browser.services[instance]?.port == 8000)
    }

    @Test func interfacesAreMergedAndLeaveOneByOne() {
        var browser = started(on: [loopback, ethernet])
        _ = hear(&browser, [pointer(), srv(), text(), address()], at: .zero)
        let far = [pointer(), srv(), text(), address(IPAddress(192, 0, 2, 9))]
        #expect(
            hear(&browser, far, at: .zero, on: 2)
                == [.report(.updated(service(addresses: ["127.0.0.1", "192.0.2.9"])))])
        #expect(
            browser.setLinks([ethernet], at: .seconds(1)) == [.report(.updated(service(addresses: ["192.0.2.9"])))]
        )
        #expect(browser.setLinks([loopback], at: .seconds(2)) == [.report(.lost(instance: "a"))])
    }

    @Test func addressesThatLeadNowhereAreLeftOut() {
        var browser = started(on: [loopback, ethernet])
        let addresses = [
            IPAddress(127, 0, 0, 1), IPAddress(0, 0, 0, 0), IPAddress(224, 0, 0, 251), IPAddress(255, 255, 255, 255),
        ].map { address($0) }
        #expect(hear(&browser, [pointer(), srv(), text()] + addresses, at: .zero, on: 2) == [])
    }

    @Test func linkLocalAddressesNameTheirInterfaceAndCountWhereThereAreNoOthers() {
        let nearest = IPAddress(0xFE80, 0, 0, 0, 0, 0, 0, 9)
        let links = [(2, "eth0"), (3, "eth1")].map { interface, name in
            NetworkLink(
                id: LinkID(interface: interface, family: .ipv6), name: name, isLoopback: false, addresses: [nearest])
        }
        var browser = started(on: links)
        let known = [pointer(), srv(), text()]
        let aaaa = ResourceRecord(name: host, ttlSeconds: 120, data: .aaaa(nearest))
        #expect(
            hear(&browser, known + [aaaa], at: .zero, on: links[0].id)
                == [.report(.found(service(addresses: ["fe80::9%eth0"])))])
        #expect(
            hear(&browser, known + [aaaa], at: .zero, on: links[1].id)
                == [.report(.updated(service(addresses: ["fe80::9%eth0", "fe80::9%eth1"])))])
        #expect(
            hear(&browser, [address(IPAddress(192, 0, 2, 9))], at: .zero, on: links[0].id)
                == [.report(.updated(service(addresses: ["192.0.2.9", "fe80::9%eth1"])))])
    }

    @Test(arguments: [
        ["v=1", "role=party", "id=deadbeef"], ["v=1", "fed=demo", "id=deadbeef"], ["v=1", "fed=demo", "role=party"],
        ["fed=demo", "role=party", "id=deadbeef"], ["v=1", "fed=de mo", "role=party", "id=deadbeef"],
        ["v=1", "fed=demo", "role=owner", "id=deadbeef"], ["v=1", "fed=demo", "role=party", "id=deadbee"],
        ["v=1", "fed=\(String(repeating: "x", count: 64))", "role=party", "id=deadbeef"], ["v", "fed", "role", "id"],
        [],
    ])
    func textThatNoProcessOfOursWritesIsNotUsed(strings: [String]) {
        var browser = started()
        #expect(hear(&browser, [pointer(), srv(), text(strings), address()], at: .zero) == [])
        #expect(browser.counters.unusable == 1)
    }

    @Test func firstOfEachKeyCountsWhateverItsCase() {
        let text = ServiceText(
            ["x=1", "FED=demo", "fed=other", "Role=coordinator", "id=DEADBEEF", "v=2"].map { Array($0.utf8) })
        #expect(text?.federation == "demo")
        #expect(text?.role == .coordinator)
        #expect(text?.id == "deadbeef")
        #expect(text?.version == "2")
    }

    @Test func ownInstanceIsNotReported() {
        var browser = started()
        browser.ownInstance = instance
        #expect(hear(&browser, [pointer(), srv(), text(), address()], at: .zero) == [])
    }

    @Test func aFloodOfInstancesKeepsNoOtherOut() {
        var browser = started()
        for number in 0..<(RecordCache.instancesMax * 2) {
            let name = DomainName(known: "i\(number)", "_smpc", "_tcp", "local")
            _ = hear(&browser, [ResourceRecord(name: type, ttlSeconds: 4500, data: .ptr(name))], at: .zero)
        }
        _ = hear(&browser, [pointer(), srv(), text(), address()], at: .zero)
        #expect(browser.services[instance] != nil)
    }

    @Test func cacheIsBoundedAndCountsWhatItDisplaces() {
        var browser = started()
        for number in 0..<(RecordCache.instancesMax + 10) {
            let name = DomainName(known: "i\(number)", "_smpc", "_tcp", "local")
            _ = hear(&browser, [ResourceRecord(name: type, ttlSeconds: 4500, data: .ptr(name))], at: .zero)
        }
        #expect(browser.counters.overflow == 10)
        let addresses = (1...20).map { number in
            ResourceRecord(name: host, ttlSeconds: 120, data: .a(IPAddress(127, 0, 0, UInt8(number))))
        }
        var other = started()
        _ = hear(&other, [pointer(), srv(), text()] + addresses, at: .zero)
        #expect(other.services[instance]?.addresses.count == RecordCache.recordsPerNameMax)
    }

    @Test func hostOfManyInstancesIsNotBelieved() {
        var browser = started()
        for number in 0..<20 {
            let name = DomainName(known: "i\(number)", "_smpc", "_tcp", "local")
            var srv = srv()
            srv.name = name
            var text = text()
            text.name = name
            let pointer = ResourceRecord(name: type, ttlSeconds: 4500, data: .ptr(name))
            _ = hear(&browser, [pointer, srv, text, address()], at: .zero)
        }
        #expect(browser.services.count == Browser.tenantsMax)
    }
}
