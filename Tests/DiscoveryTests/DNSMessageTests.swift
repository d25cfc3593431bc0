// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

struct DNSMessageTests {
    private let type = ServiceNames.type
    private let instance = DomainName(known: "a", "_smpc", "_tcp", "local")
    private let box = DomainName(known: "box", "local")

    private var browse: DNSMessage {
        DNSMessage(
            questions: [DNSQuestion(name: type, type: .ptr)],
            answers: [ResourceRecord(name: type, ttlSeconds: 3600, data: .ptr(instance))])
    }

    private var announcement: DNSMessage {
        func record(_ name: DomainName, _ ttlSeconds: UInt32, _ data: RecordData) -> ResourceRecord {
            ResourceRecord(name: name, flushesCache: true, ttlSeconds: ttlSeconds, data: data)
        }
        return DNSMessage(
            isResponse: true,
            answers: [
                ResourceRecord(name: type, ttlSeconds: 4500, data: .ptr(instance)),
                record(instance, 120, .srv(priority: 0, weight: 0, port: 7443, target: box)),
                record(instance, 4500, .txt(["v=1", "fed=demo", "role=party", "id=deadbee"].map { Array($0.utf8) })),
                record(box, 120, .a(IPAddress(192, 0, 2, 7))),
            ],
            additionals: [record(box, 120, .nsec(next: box, types: [.a, .aaaa]))])
    }

    @Test func browseQueryHasTheBytesOfTheStandard() throws {
        #expect(browse.encoded() == Packets.browse)
        #expect(try DNSMessage(decoding: Packets.browse) == browse)
    }

    @Test func announcementHasTheBytesOfTheStandard() throws {
        #expect(announcement.encoded() == Packets.announcement)
        #expect(try DNSMessage(decoding: Packets.announcement) == announcement)
    }

    @Test func probeOfAnotherProgramIsRead() throws {
        let probe = try DNSMessage(decoding: Packets.probe)
        #expect(probe.questions == [DNSQuestion(name: box, type: .any, wantsUnicast: true)])
        #expect(probe.authorities == [ResourceRecord(name: box, ttlSeconds: 120, data: .a(IPAddress(192, 0, 2, 7)))])
        #expect(!probe.isResponse)
    }

    @Test func everyKindOfRecordSurvivesTheRoundTrip() throws {
        let datas: [RecordData] = [
            .a(IPAddress(127, 0, 0, 1)), .aaaa(try #require(IPAddress(bytes: [UInt8](0..<16)))),
            .nsec(next: box, types: [.a, .aaaa, .nsec, RecordType(rawValue: 257), RecordType(rawValue: 65535)]),
            .other(type: RecordType(rawValue: 13), bytes: [1, 2, 3]), .ptr(instance),
            .srv(priority: 1, weight: 2, port: 65535, target: box), .txt([[]]),
            .txt([[UInt8](repeating: 7, count: 255), [], [0]]),
        ]
        let records = datas.map { ResourceRecord(name: box, ttlSeconds: .init(Int32.max), data: $0) }
        let message = DNSMessage(
            id: 0xBEEF, isResponse: true, isTruncated: true, questions: [DNSQuestion(name: box, type: .any)],
            answers: records, authorities: records, additionals: records)
        #expect(try DNSMessage(decoding: message.encoded()) == message)
    }

    @Test func longestNamesSurviveTheRoundTrip() throws {
        let label = String(repeating: "x", count: 63)
        let name = try #require(DomainName(labels: [label, label, label, String(repeating: "y", count: 61)]))
        #expect(name.wire.count == 254)
        let message = DNSMessage(questions: [DNSQuestion(name: name, type: .a)])
        #expect(try DNSMessage(decoding: message.encoded()) == message)
        #expect(DomainName(labels: [label, label, label, String(repeating: "y", count: 62)]) == nil)
        #expect(DomainName(labels: [label + "x"]) == nil)
        #expect(DomainName(labels: [""]) == nil)
    }

    @Test func namesCompareWithoutCaseAndShowStrangeBytes() {
        #expect(DomainName(known: "BOX", "Local") == box)
        #expect(DomainName(known: "b[x", "local") != DomainName(known: "b{x", "local"))
        #expect(DomainName(known: "a.b\\", "\u{7}é").description == #"a\.b\\.\007\195\169"#)
    }

    @Test func recordsOfOtherClassesAreLeftOut() throws {
        // The OPT record of EDNS has its packet size where the class is: 0x05a0.
        let opt = bytes(hex: "0000 0000 0000 0000 0000 0001  00 0029 05a0 00001194 0000")
        #expect(try DNSMessage(decoding: opt) == DNSMessage())
    }

    @Test func timeToLiveWithItsTopBitCountsAsZero() throws {
        var packet = Packets.browse
        packet[40] = 0x80
        #expect(try DNSMessage(decoding: packet).answers.first?.ttlSeconds == 0)
    }

    // MARK: Refusals

    private func refusal(_ packet: [UInt8]) -> InvalidDNSMessage? {
        do throws(InvalidDNSMessage) {
            _ = try DNSMessage(decoding: packet)
            return nil
        } catch {
            return error
        }
    }

    @Test func everyTruncationIsRefused() {
        for packet in [Packets.browse, Packets.announcement, Packets.probe] {
            for count in packet.indices {
                guard case .truncated = refusal(Array(packet[..<count])) else {
                    Issue.record(
                        "\(count) of \(packet.count) bytes: \(String(describing: refusal(Array(packet[..<count]))))")
                    continue
                }
            }
        }
    }

    private let oneQuestion = "0000 0000 0001 0000 0000 0000"

    @Test func pointersMustGoBackwards() {
        #expect(refusal(bytes(hex: oneQuestion + "c00c 0001 0001")) == .pointerNotBackwards(offset: 12, target: 12))
        #expect(refusal(bytes(hex: oneQuestion + "c020 0001 0001")) == .pointerNotBackwards(offset: 12, target: 32))
        // A label and a pointer back to that label: a loop.
        #expect(
            refusal(bytes(hex: oneQuestion + "01 61 c00c 0001 0001")) == .pointerNotBackwards(offset: 14, target: 12))
        // Two names that point at each other.
        #expect(
            refusal(bytes(hex: "0000 0000 0002 0000 0000 0000 01 61 c012 0001 0001 c00c 0001 0001"))
                == .pointerNotBackwards(offset: 14, target: 18))
    }

    @Test func nameBeyond255BytesIsRefused() {
        let label = [63] + [UInt8](repeating: 0x61, count: 63)
        let header = bytes(hex: "0000 0000 0002 0000 0000 0000")
        // Three labels of 63 bytes at offset 12; the second question puts one more before a pointer to them.
        let first = label + label + label + [0, 0, 1, 0, 1]
        #expect(refusal(header + first + label + [0xC0, 0x0C, 0, 1, 0, 1]) == .nameTooLong(offset: 12 + first.count))
        let short = [61] + [UInt8](repeating: 0x61, count: 61)
        #expect(refusal(header + first + short + [0xC0, 0x0C, 0, 1, 0, 1]) == nil)
    }

    @Test func reservedLabelFormsAreRefused() {
        for form: UInt8 in [0x40, 0x80, 0xBF] {
            let packet = bytes(hex: oneQuestion) + [form, 0, 0, 1, 0, 1]
            #expect(refusal(packet) == .labelForm(offset: 12, byte: form))
        }
    }

    @Test func recordDataMustHaveItsLength() {
        var address = Packets.announcement
        address[126] = 3
        #expect(refusal(address) == .recordData(type: .a, offset: 127))
        var pointer = Packets.announcement
        pointer[39] = 3
        #expect(refusal(pointer) == .recordData(type: .ptr, offset: 40))
        var text = Packets.announcement
        text[80] = 40
        #expect(refusal(text) == .recordData(type: .txt, offset: 80))
    }

    @Test func unreadableNSECRecordIsLeftOutAndTheOthersAreRead() throws {
        // What python-zeroconf 0.47 writes: a window without a byte before the real one.
        let nsec = bytes(hex: "03 626f78 05 6c6f63616c 00 002f 8001 00001194 000a c00c 0000 0004 00000008")
        let address = bytes(hex: "c00c 0001 8001 00000078 0004 c0000207")
        let message = try DNSMessage(decoding: bytes(hex: "0000 8400 0000 0002 0000 0000") + nsec + address)
        #expect(message.answers.map(\.data) == [.a(IPAddress(192, 0, 2, 7))])
    }

    @Test func foreignOperationsAreRefused() {
        #expect(refusal(bytes(hex: "0000 2800 0000 0000 0000 0000")) == .opcode(5))
        #expect(refusal(bytes(hex: "0000 8403 0000 0000 0000 0000")) == .responseCode(3))
    }

    @Test func excessIsRefused() {
        #expect(refusal([UInt8](repeating: 0, count: 9001)) == .messageTooLong(bytes: 9001))
        #expect(refusal(bytes(hex: "0000 0000 0100 0100 0000 0001")) == .tooManyEntries(513))
    }

    /// Half a second of damage to real packets: whatever is read can be written and read again.
    @Test func damagedPacketsAreReadOrRefused() throws {
        var generator = SeededGenerator(seed: 1)
        let originals = [Packets.browse, Packets.announcement, Packets.probe]
        var accepted = 0
        for _ in 0..<20_000 {
            let packet = generator.damage(originals)
            guard let message = try? DNSMessage(decoding: packet) else { continue }
            accepted += 1
            #expect(try DNSMessage(decoding: message.encoded()) == message)
        }
        #expect(accepted > 100)
    }

    @Test func knownAnswersThatDoNotFitFollowInOtherMessages() throws {
        let known = (0..<100).map { number in
            ResourceRecord(
                name: type, ttlSeconds: 4000, data: .ptr(DomainName(known: "party-\(number)", "_smpc", "_tcp", "local"))
            )
        }
        let question = DNSQuestion(name: type, type: .ptr)
        let messages = DNSMessage.queries([question], known: known)
        #expect(messages.count > 1)
        #expect(messages.allSatisfy { $0.encoded().count <= DNSMessage.sentBytesMax })
        #expect(messages.flatMap(\.questions) == [question])
        #expect(messages.first?.questions == [question])
        #expect(messages.flatMap(\.answers) == known)
        #expect(messages.map(\.isTruncated) == [Bool](repeating: true, count: messages.count - 1) + [false])
    }
}
