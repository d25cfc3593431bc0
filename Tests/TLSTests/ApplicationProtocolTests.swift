// SPDX-License-Identifier: MIT

import Testing

@testable import TLS

@Suite struct ApplicationProtocolTests {
    private static let both: [ApplicationProtocol] = [.federation, .enrolment]

    @Test func theArmsOfAComparisonDoNotSpeakToEachOther() {
        let list = ApplicationProtocol.averaging.wireBytes
        #expect(ApplicationProtocol.select(from: Self.both, offered: list) == nil)
        #expect(ApplicationProtocol.averaging.demandsClientCertificate)
    }

    @Test func serversPreferenceDecides() {
        let list = ApplicationProtocol.enrolment.wireBytes + ApplicationProtocol.federation.wireBytes
        let selection = ApplicationProtocol.select(from: Self.both, offered: list)
        #expect(selection?.choice == .federation)
        // 1 length byte, "smpc-enroll/1", 1 length byte.
        #expect(selection?.offset == 15)
    }

    @Test(arguments: [[], [0], [6, 0x73], [3, 0x61, 0x62, 0x63], [5] + Array("smpc/1".utf8)] as [[UInt8]])
    func malformedOrForeignListSelectsNothing(list: [UInt8]) {
        #expect(ApplicationProtocol.select(from: Self.both, offered: list) == nil)
    }

    @Test func clientWithForeignProtocolGetsTheFatalAlert() throws {
        let fixture = try Fixture()
        let identity = try fixture.identity()
        let pair = try Pair(
            fixture, clientIdentity: identity, serverIdentity: identity,
            offering: ApplicationProtocol(name: "h2", demandsClientCertificate: true))
        let errors = pair.shakeHands()
        #expect(errors.server == .noApplicationProtocol)
        #expect(errors.client == .alertReceived(.noApplicationProtocol))
    }

    @Test func enrolmentIsRefusedWhereItIsNotServed() throws {
        let fixture = try Fixture()
        let pair = try Pair(
            fixture, clientIdentity: nil, serverIdentity: try fixture.identity(), offering: .enrolment,
            serving: [.federation])
        #expect(pair.shakeHands().server == .noApplicationProtocol)
    }
}
