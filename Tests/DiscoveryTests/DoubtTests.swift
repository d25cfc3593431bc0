// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

/// What becomes of records that were of no use to somebody (RFC 6762, sections 10.4 and 10.5).
struct DoubtTests {
    private let instance = DomainName(known: "a", "_smpc", "_tcp", "local")
    private let host = DomainName(known: "box", "local")
    private let address = IPAddress(127, 0, 0, 1)

    private var service: ResourceRecord {
        ResourceRecord(
            name: instance, flushesCache: true, ttlSeconds: 120,
            data: .srv(priority: 0, weight: 0, port: 7443, target: host))
    }

    private var addressRecord: ResourceRecord {
        ResourceRecord(name: host, flushesCache: true, ttlSeconds: 120, data: .a(address))
    }

    /// A browser that heard of one instance a second ago; its own questions of the beginning are asked.
    private func knowing() -> Browser {
        var browser = Browser(generator: SeededGenerator(seed: 5))
        browser.start(on: [VirtualNetwork.loopback], at: .zero)
        let text = ["v=1", "fed=demo", "role=party", "id=deadbeef"].map { Array($0.utf8) }
        let records = [
            ResourceRecord(name: ServiceNames.type, ttlSeconds: 4500, data: .ptr(instance)), service,
            ResourceRecord(name: instance, flushesCache: true, ttlSeconds: 4500, data: .txt(text)), addressRecord,
        ]
        _ = hear(&browser, records, at: .zero)
        _ = run(&browser, to: .seconds(1))
        return browser
    }

    @discardableResult
    private func hear(_ browser: inout Browser, _ records: [ResourceRecord], at now: Duration) -> [DiscoveryAction] {
        browser.receive(response: DNSMessage(isResponse: true, answers: records), on: 1, at: now)
    }

    /// Runs to `end`: when something was asked of the instance or its host, and when it was lost.
    private func run(_ browser: inout Browser, to end: Duration) -> (questions: [Duration], lost: [Duration]) {
        var questions: [Duration] = []
        var lost: [Duration] = []
        while let next = browser.deadline, next <= end {
            for action in browser.advance(to: next) {
                switch action {
                case .send(let message, _):
                    if message.questions.contains(where: { $0.name == instance || $0.name == host }) {
                        questions.append(next)
                    }
                case .report(.lost): lost.append(next)
                default: break
                }
            }
        }
        return (questions, lost)
    }

    private func ask(_ browser: inout Browser, _ query: DNSMessage, at seconds: [Double]) -> [Duration] {
        var lost: [Duration] = []
        for second in seconds {
            lost += run(&browser, to: .seconds(second)).lost
            browser.receive(query: query, on: 1, at: .seconds(second))
        }
        return lost + run(&browser, to: .seconds(60)).lost
    }

    private var question: DNSMessage { DNSMessage(questions: [DNSQuestion(name: instance, type: .srv)]) }

    @Test func whoDoesNotAnswerIsAskedForTwiceAndLostTenSecondsLater() {
        var browser = knowing()
        browser.reconfirm("127.0.0.1", port: 7443, at: .seconds(1))
        let (questions, lost) = run(&browser, to: .seconds(11.1))
        // What follows the loss are the questions for an instance that lacks a record.
        let before = questions.filter { $0 < .seconds(11) }
        #expect(before.count == 2)
        #expect(zip(before.dropFirst(), before).allSatisfy { $0 - $1 > .milliseconds(800) })
        #expect(lost == [.seconds(11)])
    }

    @Test func whoConfirmsStaysAndIsNotAskedAgainSoon() {
        var browser = knowing()
        browser.reconfirm("127.0.0.1", port: 7443, at: .seconds(1))
        hear(&browser, [service, addressRecord], at: .seconds(1.2))
        for second in 2...20 {
            browser.reconfirm("127.0.0.1", port: 7443, at: .seconds(second))
            let (questions, lost) = run(&browser, to: .seconds(second + 1))
            #expect(questions == [] && lost == [])
        }
        browser.reconfirm("127.0.0.1", port: 7443, at: .seconds(32))
        #expect(run(&browser, to: .seconds(34)).questions.count == 2)
    }

    @Test func onlyTheRecordsThatLedThereAreInDoubt() {
        var browser = knowing()
        let second = ResourceRecord(name: host, ttlSeconds: 120, data: .a(IPAddress(127, 0, 0, 2)))
        hear(&browser, [second], at: .seconds(1))
        for (other, port) in [("127.0.0.1", 7444), ("192.0.2.1", 7443)] as [(String, UInt16)] {
            browser.reconfirm(other, port: port, at: .seconds(1))
        }
        #expect(run(&browser, to: .seconds(3)).questions == [])
        browser.reconfirm("127.0.0.1", port: 7443, at: .seconds(3))
        hear(&browser, [service], at: .seconds(4))
        _ = run(&browser, to: .seconds(20))
        #expect(browser.services[instance]?.addresses == ["127.0.0.2"])
    }

    @Test func falseRecordsCannotMakeUsAskForMoreThanTenInstancesInASecond() {
        var browser = knowing()
        for number in 0..<200 {
            let name = DomainName(known: "false\(number)", "_smpc", "_tcp", "local")
            let text = ["v=1", "fed=demo", "role=party", "id=deadbeef"].map { Array($0.utf8) }
            let target = DomainName(known: "false\(number)", "local")
            hear(
                &browser,
                [
                    ResourceRecord(name: ServiceNames.type, ttlSeconds: 4500, data: .ptr(name)),
                    ResourceRecord(
                        name: name, ttlSeconds: 120, data: .srv(priority: 0, weight: 0, port: 9, target: target)),
                    ResourceRecord(name: name, ttlSeconds: 4500, data: .txt(text)),
                    ResourceRecord(name: target, ttlSeconds: 120, data: .a(address)),
                ], at: .seconds(1))
        }
        _ = run(&browser, to: .seconds(2))
        for _ in 0..<50 { browser.reconfirm("127.0.0.1", port: 9, at: .seconds(2)) }
        var asked: Set<DomainName> = []
        while let next = browser.deadline, next < .seconds(10) {
            for case .send(let message, _) in browser.advance(to: next) {
                asked.formUnion(message.questions.filter { $0.type == .srv }.map(\.name))
            }
        }
        #expect(asked.count == Browser.reconfirmationsPerSecondMax)
    }

    @Test func twoQuestionsOfOthersThatNothingAnswersEndARecord() {
        var browser = knowing()
        #expect(ask(&browser, question, at: [2, 3]) == [.seconds(13)])
    }

    @Test func anAnswerAfterOthersAskedKeepsTheRecord() {
        var browser = knowing()
        browser.receive(query: question, on: 1, at: .seconds(2))
        browser.receive(query: question, on: 1, at: .seconds(3))
        hear(&browser, [service], at: .seconds(5))
        #expect(run(&browser, to: .seconds(60)).lost == [])
    }

    @Test(arguments: [[2.0], [2, 2.1, 2.2], [2, 63]])
    func oneQuestionSeveralAtOnceAndTwoFarApartAreNotEnough(seconds: [Double]) {
        var browser = knowing()
        #expect(ask(&browser, question, at: seconds) == [])
    }

    @Test func questionsWithAnotherOrNoAnswerForEverybodyDoNotCount() {
        var known = question
        known.answers = [service]
        var unicast = question
        unicast.questions[0].wantsUnicast = true
        var truncated = question
        truncated.isTruncated = true
        var probe = question
        probe.authorities = [service]
        for query in [known, unicast, truncated, probe] {
            var browser = knowing()
            #expect(ask(&browser, query, at: [2, 3, 4]) == [])
        }
    }

    @Test func theEchoOfAnOwnQuestionDoesNotCount() {
        var browser = knowing()
        browser.reconfirm("127.0.0.1", port: 7443, at: .seconds(1))
        hear(&browser, [addressRecord], at: .seconds(1.01))
        var echoes = 0
        while let next = browser.deadline, next < .seconds(4) {
            for case .send(let message, _) in browser.advance(to: next) where message.questions[0].name == instance {
                // Answered first and echoed then: an echo that counted would be the first of two.
                hear(&browser, [service], at: next + .milliseconds(1))
                browser.receive(query: message, on: 1, at: next + .milliseconds(2))
                echoes += 1
            }
        }
        #expect(echoes == 1)
        browser.receive(query: question, on: 1, at: .seconds(4))
        #expect(run(&browser, to: .seconds(60)).lost == [])
    }

    @Test func pointersOutliveQuestionsThatNothingAnswers() {
        var browser = knowing()
        let browse = DNSMessage(questions: [DNSQuestion(name: ServiceNames.type, type: .ptr)])
        #expect(ask(&browser, browse, at: [2, 3, 5]) == [])
    }
}
