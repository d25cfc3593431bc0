// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Identity

/// Renewal without a network: what the coordinator gives, and what a site takes.
@Suite struct RenewalTests {
    private static let day: Int64 = 86_400
    private let authority: CertificateAuthority
    private let present: PartyIdentity
    /// The last year of the certificate has 29 days left.
    private let due: Int64

    init() throws {
        authority = try CertificateAuthority.create(federation: federation(), now: someTime)
        let key = try SigningKey.generate()
        present = try PartyIdentity(
            key: key, certificate: authority.issueParty(publicKey: key.publicKey, name: "hospital-a", now: someTime),
            authority: authority.certificate)
        due = present.certificate.notAfter - 29 * Self.day
    }

    private var member: RenewalAuthority.Member {
        RenewalAuthority.Member(
            publicKey: present.key.publicKey, name: "hospital-a", certificate: present.certificate)
    }

    private func answer(
        _ request: [UInt8]? = nil, key: PublicKey? = nil, member: RenewalAuthority.Member?, now: Int64
    ) throws -> RenewalAuthority.Answer {
        try RenewalAuthority(issuer: CertificateIssuer(authority: authority)).answer(
            requestBytes: request ?? RenewalClient(present).requestBytes(), key: key ?? present.key.publicKey,
            member: member, now: now)
    }

    private func take(_ response: RenewalResponse, now: Int64? = nil) throws -> PartyIdentity? {
        try RenewalClient(present).identity(responseBytes: response.encoded(), now: now ?? due)
    }

    @Test func renewalIsDue30DaysBeforeTheEndOrAThirdOfALifetime() throws {
        #expect(present.certificate.renewalTime == present.certificate.notAfter - 30 * Self.day)
        let key = try SigningKey.generate()
        let short = try Certificate.issue(
            CertificateTemplate(subject: "short", notBefore: someTime, notAfter: someTime + 90),
            publicKey: key.publicKey, issuer: nil, signer: key)
        #expect(short.renewalTime == someTime + 60)
    }

    @Test func aCertificateThatIsDueIsRenewedForTheSameKeyAndName() throws {
        let answer = try answer(member: member, now: due)
        let renewed = try #require(try take(answer.response))
        #expect(renewed.certificate == answer.issued)
        #expect(renewed.id == present.id && renewed.role == present.role)
        #expect(renewed.key.publicKey.spkiHash == present.key.publicKey.spkiHash)
        #expect(renewed.certificate.subjectCommonName == "hospital-a")
        #expect(renewed.certificate.notAfter == due + CertificateAuthority.leafValiditySeconds)
        let directory = try TemporaryDirectory()
        try present.save(directory: directory.path())
        try renewed.saveCertificates(directory: directory.path())
        #expect(try PartyIdentity.load(directory: directory.path()).certificate == renewed.certificate)
    }

    @Test func whoAsksOftenIsGivenTheSameCertificateAgain() throws {
        let issued = try #require(try answer(member: member, now: due).issued)
        let later = RenewalAuthority.Member(
            publicKey: present.key.publicKey, name: "hospital-a", certificate: issued)
        let second = try answer(member: later, now: due + 60)
        #expect(second.issued == nil)
        #expect(second.response == .granted(issued, authorities: [authority.certificate]))
        // A site to which the first answer was lost takes it; one that has it learns that nothing is new.
        #expect(try take(second.response)?.certificate == issued)
        #expect(try take(.granted(present.certificate, authorities: [authority.certificate])) == nil)
    }

    @Test func onlyAMemberWithTheKeyOfTheConnectionIsRenewed() throws {
        #expect(try answer(member: nil, now: due).response == .refused(.notAMember))
        let other = try SigningKey.generate().publicKey
        // Another key cannot get the certificate of this one: neither by the connection nor by the request in it.
        #expect(try answer([], key: other, member: member, now: due).response == .refused(.notAMember))
        #expect(try answer(key: other, member: member, now: due).response == .refused(.malformed))
        #expect(try answer([0xff], member: member, now: due).response == .refused(.malformed))
        let long = [UInt8](repeating: 0, count: Renewal.requestBytesMax + 1)
        #expect(try answer(long, member: member, now: due).response == .refused(.malformed))
        #expect(throws: RenewalError.refused(.notAMember)) { try take(.refused(.notAMember)) }
    }

    @Test func anAuthorityThatEndsAsSoonRenewsNothing() throws {
        let end = authority.certificate.notAfter
        let last = try authority.issueParty(
            publicKey: present.key.publicKey, name: "hospital-a", now: end - 100 * Self.day)
        let member = RenewalAuthority.Member(
            publicKey: present.key.publicKey, name: "hospital-a", certificate: last)
        #expect(try answer(member: member, now: end - 10 * Self.day).response == .refused(.authorityEnds))
    }

    @Test func aLyingCoordinatorGivesNoForeignKeyPlaceOrAuthority() throws {
        let authorities = [authority.certificate]
        let otherKey = try SigningKey.generate()
        let foreignKey = try authority.issueParty(publicKey: otherKey.publicKey, name: "hospital-a", now: due)
        #expect(
            throws: RenewalError.certificateRejected(
                .certificateKeyMismatch(
                    expected: present.key.publicKey.spkiHash, actual: otherKey.publicKey.spkiHash))
        ) { try take(.granted(foreignKey, authorities: authorities)) }
        let coordinator = try authority.issueCoordinator(publicKey: present.key.publicKey, now: due)
        #expect(throws: RenewalError.roleChanged) { try take(.granted(coordinator, authorities: authorities)) }
        let foreign = try CertificateAuthority.create(federation: federation(), now: someTime)
        let unsigned = try foreign.issueParty(publicKey: present.key.publicKey, name: "hospital-a", now: due)
        #expect(throws: RenewalError.certificateRejected(.certificateUnsigned)) {
            try take(.granted(unsigned, authorities: authorities))
        }
        #expect(throws: RenewalError.authorityUnknown(fingerprint: foreign.certificate.fingerprint)) {
            try take(.granted(unsigned, authorities: [foreign.certificate]))
        }
    }

    @Test func aCertificateThatEndsNoLaterOrIsNotValidNowIsNotTaken() throws {
        let shorter = try authority.issueParty(
            publicKey: present.key.publicKey, name: "hospital-a", now: someTime - Self.day)
        #expect(throws: RenewalError.noLonger(notAfter: shorter.notAfter)) {
            try take(.granted(shorter, authorities: [authority.certificate]), now: someTime)
        }
        let future = try authority.issueParty(
            publicKey: present.key.publicKey, name: "hospital-a", now: due + 2 * Self.day)
        #expect(
            throws: RenewalError.certificateNotValid(notBefore: future.notBefore, notAfter: future.notAfter)
        ) { try take(.granted(future, authorities: [authority.certificate])) }
    }

    @Test func whatDoesNotParseIsNoAnswer() throws {
        #expect(throws: RenewalError.responseMalformed) {
            try RenewalClient(present).identity(responseBytes: [], now: due)
        }
        #expect(throws: RenewalError.responseMalformed) {
            try take(.granted(present.certificate, authorities: []))
        }
        let many = [Certificate](repeating: authority.certificate, count: RenewalResponse.authoritiesMax + 1)
        #expect(throws: RenewalError.responseMalformed) { try take(.granted(present.certificate, authorities: many)) }
        var generator = SeededGenerator()
        let messages = [
            try RenewalResponse.granted(present.certificate, authorities: [authority.certificate]).encoded(),
            try RenewalResponse.refused(.locked).encoded(), try RenewalClient(present).requestBytes(),
        ]
        for round in 0..<300 {
            let bytes = mutated(messages[round % messages.count], using: &generator)
            if let response = RenewalResponse(encoded: bytes) {
                #expect(RenewalResponse(encoded: try response.encoded()) == response)
            }
            if let request = try? RenewalRequest(encoded: bytes) {
                #expect(try RenewalRequest(encoded: request.encoded()) == request)
            }
        }
    }

    @Test(arguments: RenewalRefusal.allCases) func everyReasonReachesTheSite(refusal: RenewalRefusal) throws {
        #expect(throws: RenewalError.refused(refusal)) { try take(.refused(refusal)) }
    }
}
