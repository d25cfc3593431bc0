// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

/// What a browser need not ask, and what strangers cannot make it ask or keep.
struct AskingTests {
    private let type = ServiceNames.type
    private let loopback = VirtualNetwork.loopback

    private func name(_ label: String) -> DomainName { DomainName(known: label, "_smpc", "_tcp", "local") }

    private func pointer(_ label: String) -> ResourceRecord {
        ResourceRecord(name: type, ttlSeconds: 4500, data: .ptr(name(label)))
    }

    private func srv(_ label: String, port: UInt16 = 7443, host: String) -> ResourceRecord {
        ResourceRecord(
            name: name(label), ttlSeconds: 120,
            data: .srv(priority: 0, weight: 0, port: port, target: DomainName(known: host, "local")))
    }

    private func text(_ label: String, padding: Int = 0) -> ResourceRecord {
        var strings = ["v=1", "fed=demo", "role=party", "id=deadbeef"].map { Array($0.utf8) }
        strings += (0..<padding).map { [UInt8(truncatingIfNeeded: $0)] + [UInt8](repeating: 0x78, count: 254) }
        return ResourceRecord(name: name(label), ttlSeconds: 4500, data: .txt(strings))
    }

    private func started() -> Browser {
        var browser = Browser(generator: SeededGenerator(seed: 3))
        browser.start(on: [loopback], at: .zero)
        return browser
    }

    @discardableResult
    private func hear(_ browser: inout Browser, _ records: [ResourceRecord], at now: Duration) -> [DiscoveryAction] {
        browser.receive(response: DNSMessage(isResponse: true, answers: records), on: 1, at: now)
    }

    private func questions(_ actions: [DiscoveryAction]) -> [DNSQuestion] {
        actions.flatMap { action -> [DNSQuestion] in
            guard case .send(let message, _) = action else { return [] }
            return message.questions
        }
    }

    // MARK: RFC 6762, section 7.3

    /// The second question for instances is due a second after the first: asks it unless `query`, heard shortly before, stands
    /// for it.
    private func asksAfterHearing(
        _ query: DNSMessage, knowing records: [ResourceRecord] = [], before lead: Duration = .milliseconds(100)
    ) throws -> Bool {
        var browser = started()
        let first = try #require(browser.deadline)
        _ = browser.advance(to: first)
        hear(&browser, records, at: first)
        browser.receive(query: query, on: 1, at: first + .seconds(1) - lead)
        var asked: [DNSQuestion] = []
        while let next = browser.deadline, next <= first + .seconds(1) {
            asked += questions(browser.advance(to: next))
        }
        return asked.contains { $0.type == .ptr }
    }

    private var question: DNSQuestion { DNSQuestion(name: type, type: .ptr) }

    @Test func whatANeighbourHasJustAskedIsNotAsked() throws {
        #expect(try !asksAfterHearing(DNSMessage(questions: [question])))
        #expect(try asksAfterHearing(DNSMessage(questions: [DNSQuestion(name: name("a"), type: .srv)])))
    }

    @Test func neighbourThatRulesOutWhatWeDoNotKnowDoesNotAskForUs() throws {
        let query = DNSMessage(questions: [question], answers: [pointer("a")])
        #expect(try asksAfterHearing(query))
        #expect(try !asksAfterHearing(query, knowing: [pointer("a"), srv("a", host: "h"), text("a")]))
    }

    @Test func neighbourWhoseKnownAnswersGoOnOrWhoWantsUnicastDoesNotAskForUs() throws {
        #expect(try asksAfterHearing(DNSMessage(isTruncated: true, questions: [question])))
        let unicast = DNSQuestion(name: type, type: .ptr, wantsUnicast: true)
        #expect(try asksAfterHearing(DNSMessage(questions: [unicast])))
    }

    @Test func echoOfOurQuestionIsNobodyElsesQuestion() throws {
        #expect(try asksAfterHearing(DNSMessage(questions: [question]), before: .milliseconds(999)))
    }

    @Test func oldQuestionOfANeighbourIsForgotten() {
        var log = QuestionLog()
        log.noteHeard(question, on: 1, at: .zero)
        #expect(log.isCovered(question, on: 1, at: .milliseconds(999)))
        #expect(!log.isCovered(question, on: 1, at: .seconds(1)))
        #expect(!log.isCovered(question, on: 2, at: .zero), "another link")
    }

    @Test func questionsOfOneRefreshAreAskedByOneOfMany() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 1)
        for seed in 2...11 { network.add(nil, seed: UInt64(seed)) }
        network.run(.seconds(5))
        let before = network.sent.count { !$0.message.isResponse }
        network.run(.seconds(115))
        // Ten browsers ask for instances at growing pauses and refresh SRV and address once: alone that were 10 × 2 and more.
        let asked = network.sent.filter { !$0.message.isResponse }.dropFirst(before)
        let refreshes = asked.count { $0.message.questions.contains { $0.type == .srv } }
        #expect(refreshes <= 3, "\(refreshes) of ten asked")
        #expect((1...10).allSatisfy { network.found(by: $0).count == 1 })
    }

    // MARK: Bounds

    @Test func textBeyondOnePacketIsNotKept() {
        var browser = started()
        hear(&browser, [pointer("a"), srv("a", host: "h"), text("a", padding: 5)], at: .zero)
        #expect(browser.counters.unusable == 1)
        hear(&browser, [text("a", padding: 4)], at: .zero)
        #expect(browser.counters.unusable == 1)
    }

    @Test func whatIsSaidLastOfAnInstanceCounts() {
        var browser = started()
        let address = ResourceRecord(
            name: DomainName(known: "h", "local"), ttlSeconds: 120, data: .a(IPAddress(127, 0, 0, 1)))
        hear(&browser, [pointer("a"), text("a")], at: .zero)
        for port in 1...50 {
            hear(&browser, [srv("a", port: UInt16(port), host: "h"), address], at: .milliseconds(port))
        }
        #expect(browser.services[name("a")]?.port == 50)
        #expect(browser.recordCount == 1 + 1 + RecordCache.versionsMax + 1)
    }

    /// Pointers to instances that nobody answers for: their parts are asked for at a bounded pace.
    @Test func emptyClaimsMakeUsAskAtABoundedPace() {
        var browser = started()
        for number in 0..<300 { hear(&browser, [pointer("i\(number)")], at: .zero) }
        var asked = 0
        while let next = browser.deadline, next < .seconds(4) {
            asked += questions(browser.advance(to: next)).count { $0.type == .srv }
        }
        #expect(asked > 0)
        #expect(asked <= 4 * Browser.resolutionsPerSecondMax)
    }

    /// Far more of everything than may be kept; what is kept has the bound that the document states.
    @Test func floodLeavesABoundedNumberOfRecords() {
        var browser = started()
        var generator = SeededGenerator(seed: 8)
        for number in 0..<(RecordCache.instancesMax + 100) {
            let label = "i\(number)"
            var records = [pointer(label)]
            // Every 50th says more of itself than may be kept.
            for version in 0..<(number.isMultiple(of: 50) ? 4 : 0) {
                let host = "h\(number)-\(version)"
                records += [srv(label, host: host), text(label, padding: version)]
                for last in 1...12 as ClosedRange<UInt8> {
                    records.append(
                        ResourceRecord(
                            name: DomainName(known: host, "local"),
                            ttlSeconds: UInt32.random(in: 1...9999, using: &generator),
                            data: .a(IPAddress(127, 0, 0, last))))
                }
            }
            hear(&browser, records, at: .zero)
        }
        #expect(browser.services.count <= RecordCache.instancesMax)
        #expect(browser.recordCount <= RecordCache.recordsMax)
        #expect(browser.counters.overflow > 0)
    }
}
