// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Identity

/// One authority takes another's place.
@Suite struct SuccessionTests {
    private static let day: Int64 = 86_400
    private let old: CertificateAuthority
    private let new: CertificateAuthority

    init() throws {
        old = try CertificateAuthority.create(federation: federation(), now: someTime)
        new = try old.successor(now: someTime + Self.day)
    }

    private func party(of authority: CertificateAuthority, at time: Int64 = someTime) throws -> PartyIdentity {
        let key = try SigningKey.generate()
        return try PartyIdentity(
            key: key, certificate: authority.issueParty(publicKey: key.publicKey, name: "site", now: time),
            authorities: authority.authorities)
    }

    private func answer(to site: PartyIdentity, of authority: CertificateAuthority) throws -> PartyIdentity? {
        let now = someTime + Self.day
        let answer = try RenewalAuthority(issuer: CertificateIssuer(authority: authority)).answer(
            requestBytes: RenewalClient(site).requestBytes(), key: site.key.publicKey,
            member: .init(publicKey: site.key.publicKey, name: "site", certificate: site.certificate), now: now)
        return try RenewalClient(site).identity(responseBytes: answer.response.encoded(), now: now)
    }

    @Test func eachCertifiesTheKeyOfTheOther() throws {
        let succession = try #require(new.authorities.succession)
        #expect(succession.previous == old.certificate && new.certificate != old.certificate)
        #expect(new.certificate.uris == old.certificate.uris)
        #expect(succession.newWithOld.isSigned(by: old.certificate))
        #expect(succession.oldWithNew.isSigned(by: new.certificate))
        #expect(try Authorities(list: new.authorities.list) == new.authorities)
        #expect(throws: IdentityError.authorityChanging) { try new.successor(now: someTime) }
        #expect(try new.alone.successor(now: someTime).authorities.succession?.previous == new.certificate)
    }

    /// The authorities have a path length of 0. What lies between two of one name is self-issued and does not count.
    @Test func openSSLFindsItsWayBothWaysUnderStrictRules() throws {
        let directory = try TemporaryDirectory()
        let succession = try #require(new.authorities.succession)
        let leaves = [
            "new": try party(of: new).certificate, "old": try party(of: old).certificate,
        ]
        let files = [
            "old-ca.pem": old.certificate, "new-ca.pem": new.certificate, "new-with-old.pem": succession.newWithOld,
            "old-with-new.pem": succession.oldWithNew, "new.pem": leaves["new"], "old.pem": leaves["old"],
        ]
        for (name, certificate) in files { try PrivateFile.write(#require(certificate).pem, to: directory.path(name)) }
        for (anchor, between, leaf) in [
            ("old-ca.pem", "new-with-old.pem", "new.pem"), ("new-ca.pem", "old-with-new.pem", "old.pem"),
        ] {
            let text = try directory.openssl(
                "verify", "-x509_strict", "-attime", "\(someTime + 2 * Self.day)", "-CAfile", anchor, "-untrusted",
                between, leaf)
            #expect(text.contains("OK"))
        }
    }

    @Test func aSiteGoesOverToTheNewAuthorityAndKeepsTheOldOneUntilItIsRetired() throws {
        let site = try party(of: old)
        let moved = try #require(try answer(to: site, of: new))
        #expect(moved.certificate.isSigned(by: new.certificate) && moved.id == site.id)
        #expect(moved.authorities == new.authorities)
        #expect(moved.authorities.anchors == [new.certificate, old.certificate])
        let retired = try #require(try answer(to: moved, of: new.alone))
        #expect(retired.certificate == moved.certificate)
        #expect(retired.authorities.anchors == [new.certificate])
        #expect(try answer(to: retired, of: new.alone) == nil)
    }

    @Test func aNewcomerUnderTheNewAuthorityComesToKnowTheOldOne() throws {
        let newcomer = try party(of: new.alone)
        let told = try #require(try answer(to: newcomer, of: new))
        #expect(told.certificate == newcomer.certificate)
        #expect(told.authorities.anchors == [new.certificate, old.certificate])
    }

    @Test func noCoordinatorMakesASiteAcceptAnAuthorityThatNoneVouchesFor() throws {
        let site = try party(of: old)
        let foreign = try CertificateAuthority.create(federation: federation(), now: someTime)
        let foreignNext = try foreign.successor(now: someTime)
        func take(_ site: PartyIdentity, _ certificate: Certificate, _ list: [Certificate]) throws -> PartyIdentity? {
            try RenewalClient(site).identity(
                responseBytes: RenewalResponse.granted(certificate, authorities: list).encoded(), now: someTime)
        }
        let certificate = try foreign.issueParty(publicKey: site.key.publicKey, name: "site", now: someTime)
        let next = try foreignNext.issueParty(publicKey: site.key.publicKey, name: "site", now: someTime)
        let own = new.authorities.list
        let unknown = RenewalError.authorityUnknown(fingerprint: foreign.certificate.fingerprint)
        #expect(throws: unknown) { try take(site, certificate, [foreign.certificate]) }
        #expect(throws: RenewalError.authorityUnknown(fingerprint: foreignNext.certificate.fingerprint)) {
            try take(site, next, foreignNext.authorities.list)
        }
        // The foreign authority in the place of the new one, of the old one, and certified by neither.
        for list in [
            [foreign.certificate, own[1], own[2], own[3]], [foreign.certificate, own[2]],
            [foreign.certificate, foreignNext.authorities.list[1], own[2], own[3]],
        ] {
            #expect(throws: unknown) { try take(site, certificate, list) }
        }
        let present = try new.issueParty(publicKey: site.key.publicKey, name: "site", now: someTime)
        #expect(throws: RenewalError.authorityUnknown(fingerprint: new.certificate.fingerprint)) {
            try take(site, present, [own[0], own[1], foreign.certificate, own[3]])
        }
        // Nothing leads from an authority into another federation, not even with its own key.
        #expect(throws: IdentityError.authoritiesUnrelated) {
            try CertificateAuthority(federation: federation("other"), authorities: old.authorities, key: old.key)
                .successor(now: someTime)
        }
    }

    /// What lies between two authorities counts only with the signature of the one that it speaks for: names and keys are public.
    @Test func whatLiesBetweenMustBeSignedByTheOneThatVouches() throws {
        let foreign = try CertificateAuthority.create(federation: federation(), now: someTime)
        func certify(_ authority: CertificateAuthority) throws -> Certificate {
            try Certificate.issue(
                CertificateTemplate(
                    subject: authority.certificate.subjectCommonName, uris: authority.certificate.uris,
                    isAuthority: true, notBefore: someTime, notAfter: authority.certificate.notAfter),
                publicKey: authority.key.publicKey, issuer: foreign.certificate, signer: foreign.key)
        }
        // As the new authority: it vouches for the old one and for itself, and the old one for nobody.
        let asNew = [foreign.certificate, try certify(foreign), old.certificate, try certify(old)]
        // As the old one: it vouches for the new one and for itself, and the new one for nobody.
        let asOld = [new.certificate, try certify(new), foreign.certificate, try certify(foreign)]
        for list in [asNew, asOld] {
            #expect(throws: IdentityError.authoritiesUnrelated) { try Authorities(list: list) }
        }
    }

    @Test func aSiteThatHasGoneOverDoesNotGoBack() throws {
        let moved = try #require(try answer(to: party(of: old), of: new))
        let back = try old.issueParty(publicKey: moved.key.publicKey, name: "site", now: someTime + 2 * Self.day)
        #expect(throws: RenewalError.authorityUnknown(fingerprint: old.certificate.fingerprint)) {
            try RenewalClient(moved).identity(
                responseBytes: RenewalResponse.granted(back, authorities: [old.certificate]).encoded(),
                now: someTime + 2 * Self.day)
        }
    }

    /// Whatever is on disk when a process dies between two steps, the authority can be read, and it is one of the two.
    @Test func aCrashBetweenTwoStepsLeavesOneAuthorityWithItsKey() throws {
        let steps = CertificateAuthority.SuccessionStep.allCases
        for count in 0...steps.count {
            let directory = try TemporaryDirectory()
            try old.save(directory: directory.path())
            let key = try SigningKey.generate()
            try PartyIdentity(
                key: key, certificate: old.issueCoordinator(publicKey: key.publicKey, now: someTime),
                authority: old.certificate
            ).save(directory: directory.path())
            for step in steps.prefix(count) {
                try new.perform(step, directory: directory.path(), passphrase: nil)
            }
            let expected = count < 2 ? old : new
            for _ in 0..<2 {
                let loaded = try CertificateAuthority.load(directory: directory.path())
                #expect(loaded.authorities == expected.authorities, "after \(count) steps")
                let leaf = try loaded.issueParty(publicKey: key.publicKey, name: "site", now: someTime)
                #expect(leaf.isSigned(by: expected.certificate), "after \(count) steps")
                // The server's own certificate is still the one that the old authority signed.
                #expect(try PartyIdentity.load(directory: directory.path()).authorities == expected.authorities)
                try loaded.finishSuccession(directory: directory.path())
                #expect(!(try directory.names()).contains("ca-key.new.pem"), "after \(count) steps")
            }
        }
    }

    @Test func certificatesThatAreNotOfTwoAuthoritiesAreNone() throws {
        let list = new.authorities.list
        for wrong in [
            [], Array(list.prefix(2)), Array(list.prefix(3)), list + [list[0]], [list[2], list[1], list[0], list[3]],
            [list[0], list[3], list[2], list[1]], [list[0], list[1], list[0], list[3]],
            [list[0], try party(of: old).certificate, list[2], list[3]],
        ] {
            #expect(throws: IdentityError.authoritiesUnrelated) { try Authorities(list: wrong) }
        }
    }
}
