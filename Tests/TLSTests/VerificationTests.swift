// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import TLS

@Suite struct VerificationTests {
    let fixture: Fixture
    let server: TLSIdentity
    let client: TLSIdentity

    init() throws {
        fixture = try Fixture()
        server = try fixture.identity()
        client = try fixture.identity(uri: "spiffe://demo/party/00")
    }

    /// The client's handshake succeeds in TLS 1.3; the alert arrives with its first read.
    private func expectRefusal(_ pair: Pair, _ failure: CertificateFailure, _ alert: TLSAlert) {
        let errors = pair.shakeHands()
        #expect(errors.client == nil)
        #expect(errors.server == .certificateRejected(failure))
        #expect(throws: TLSError.alertReceived(alert)) { try pair.client.readBytes() }
    }

    @Test func clientWithoutCertificateIsRefused() throws {
        expectRefusal(
            try Pair(fixture, clientIdentity: nil, serverIdentity: server), .missing, .certificateRequired)
    }

    @Test func clientOfAnotherAuthorityIsRefused() throws {
        let foreign = try Fixture(name: "other").identity()
        expectRefusal(
            try Pair(fixture, clientIdentity: foreign, serverIdentity: server), .unknownAuthority, .unknownAuthority)
    }

    @Test func clientOfAnotherAuthorityWithTheSameNameIsRefused() throws {
        let foreign = try Fixture().identity()
        expectRefusal(
            try Pair(fixture, clientIdentity: foreign, serverIdentity: server), .unknownAuthority, .unknownAuthority)
    }

    @Test func expiredCertificateIsRefused() throws {
        let old = try fixture.identity(from: -600, to: -60)
        let notAfter = try Certificate(der: old.certificateChainDER[0]).notAfter
        expectRefusal(
            try Pair(fixture, clientIdentity: old, serverIdentity: server), .expired(notAfter: notAfter),
            .certificateExpired)
    }

    @Test func certificateOfTheFutureIsRefused() throws {
        let early = try fixture.identity(from: 300, to: 600)
        let notBefore = try Certificate(der: early.certificateChainDER[0]).notBefore
        expectRefusal(
            try Pair(fixture, clientIdentity: early, serverIdentity: server), .notYetValid(notBefore: notBefore),
            .certificateExpired)
    }

    @Test func policyRefusesWithTheAlertOfItsReason() throws {
        expectRefusal(
            try Pair(fixture, clientIdentity: client, serverIdentity: server, serverPolicy: { _ in .revoked }),
            .revoked, .certificateRevoked)
        let wrongRole = CertificateFailure.wrongRole(expected: "a", actual: ["b"])
        expectRefusal(
            try Pair(fixture, clientIdentity: client, serverIdentity: server, serverPolicy: { _ in wrongRole }),
            wrongRole, .badCertificate)
    }

    @Test func clientThatRefusesTheServerTellsItWhy() throws {
        let wrongKey = CertificateFailure.wrongKey(expected: .zero, actual: server.key.publicKey.spkiHash)
        let pair = try Pair(fixture, clientIdentity: client, serverIdentity: server, clientPolicy: { _ in wrongKey })
        let errors = pair.shakeHands()
        #expect(errors.client == .certificateRejected(wrongKey))
        #expect(errors.server == .alertReceived(.badCertificate))
        #expect(pair.client.peerChain.isEmpty)
    }

    @Test func serverOfAnotherAuthorityIsRefused() throws {
        let foreign = try Fixture(name: "other").identity()
        let errors = try Pair(fixture, clientIdentity: client, serverIdentity: foreign).shakeHands()
        #expect(errors.client == .certificateRejected(.unknownAuthority))
    }

    @Test func enrollingClientKnowsTheAuthorityByItsFingerprint() throws {
        let pair = try Pair(
            fixture, clientIdentity: nil, serverIdentity: server, offering: .enrolment,
            trust: .authority(fingerprint: fixture.authority.fingerprint))
        let errors = pair.shakeHands()
        #expect(errors.client == nil && errors.server == nil)
        #expect(pair.client.peerChain.last == fixture.authority)
        #expect(pair.server.applicationProtocol == .enrolment)
        #expect(pair.server.peerChain.isEmpty)
    }

    @Test func wrongFingerprintOrAbsentAuthorityIsRefused() throws {
        let absent = try fixture.identity(withAuthority: false)
        let fingerprint = fixture.authority.fingerprint
        for (identity, expected) in [(server, Digest.zero), (absent, fingerprint)] {
            let pair = try Pair(
                fixture, clientIdentity: nil, serverIdentity: identity, offering: .enrolment,
                trust: .authority(fingerprint: expected))
            #expect(pair.shakeHands().client == .certificateRejected(.wrongAuthority(expected: expected)))
        }
    }

    @Test func authorityMerelySentAlongDoesNotVouchForAForeignLeaf() throws {
        let foreign = try Fixture(name: "other").identity()
        let mixed = TLSIdentity(
            certificateChainDER: [foreign.certificateChainDER[0], fixture.authority.der], key: foreign.key,
            trustAnchors: [fixture.authority])
        let pair = try Pair(
            fixture, clientIdentity: nil, serverIdentity: mixed, offering: .enrolment,
            trust: .authority(fingerprint: fixture.authority.fingerprint))
        #expect(pair.shakeHands().client == .certificateRejected(.unknownAuthority))
    }
}
