// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Testing

@Suite struct CertificateAuthorityTests {
    private let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority.create(federation: federation(), now: someTime)
    }

    @Test func issuesACoordinator() throws {
        let key = try SigningKey.generate()
        let certificate = try authority.issueCoordinator(publicKey: key.publicKey, now: someTime)
        let identity = try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
        #expect(identity.federation == (try federation()))
        #expect(identity.role == .coordinator)
    }

    @Test func issuesAMemberUnderTheIDOfItsKey() throws {
        let key = try SigningKey.generate()
        let certificate = try authority.issueParty(publicKey: key.publicKey, name: "hospital-a", now: someTime)
        #expect(certificate.subjectCommonName == "hospital-a")
        let identity = try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
        #expect(identity.role == .party(PartyID(publicKey: key.publicKey)))
        #expect(identity.id == PartyID(publicKey: key.publicKey))
    }

    @Test func certificatesLastAsLongAsStated() throws {
        let key = try SigningKey.generate().publicKey
        let leaf = try authority.issueCoordinator(publicKey: key, now: someTime)
        #expect(leaf.notBefore == someTime - 3_600)
        #expect(leaf.notAfter == someTime + 365 * 86_400)
        #expect(authority.certificate.notAfter == someTime + 3_652 * 86_400)
        let late = try authority.issueCoordinator(publicKey: key, now: authority.certificate.notAfter - 10)
        #expect(late.notAfter == authority.certificate.notAfter)
    }

    @Test func namesThatDoNotPrintAreRefused() throws {
        let key = try SigningKey.generate().publicKey
        #expect(throws: IdentityError.nameInvalid) {
            try authority.issueParty(publicKey: key, name: "a\u{1b}[2J", now: someTime)
        }
    }

    @Test func strictVerificationByTheOpenSSLCommandPasses() throws {
        let directory = try TemporaryDirectory()
        let now = Int64(Date().timeIntervalSince1970)
        let authority = try CertificateAuthority.create(federation: federation(), now: now)
        try authority.save(directory: directory.path())
        let key = try SigningKey.generate().publicKey
        let coordinator = try authority.issueCoordinator(publicKey: key, now: now)
        let party = try authority.issueParty(publicKey: key, name: "hospital-a", now: now)
        for certificate in [coordinator, party] {
            try PrivateFile.write(certificate.pem, to: directory.path("leaf.pem"))
            for purpose in ["sslserver", "sslclient"] {
                let output = try directory.openssl(
                    "verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose, "-CAfile", "ca.pem", "leaf.pem")
                #expect(output == "leaf.pem: OK\n")
            }
        }
    }

    @Test func isTheSameAfterSavingAndLoading() throws {
        let directory = try TemporaryDirectory()
        let state = directory.path("new/state")
        try authority.save(directory: state)
        let loaded = try CertificateAuthority.load(directory: state)
        #expect(loaded.certificate == authority.certificate)
        #expect(loaded.federation == authority.federation)
        let leaf = try loaded.issueCoordinator(publicKey: SigningKey.generate().publicKey, now: someTime)
        #expect(leaf.isSigned(by: authority.certificate))
        #expect(try directory.mode("new/state/ca-key.pem") == 0o600)
        #expect(try directory.mode("new/state") == 0o700)
        // No temporary file is left.
        #expect(try FileManager.default.contentsOfDirectory(atPath: state).sorted() == ["ca-key.pem", "ca.pem"])
    }

    @Test func faultyFilesAreNamed() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: IdentityError.fileMissing(path: directory.path("ca.pem"))) {
            try CertificateAuthority.load(directory: directory.path())
        }
        try authority.save(directory: directory.path())
        try PrivateFile.write("nonsense", to: directory.path("ca-key.pem"))
        #expect {
            try CertificateAuthority.load(directory: directory.path())
        } throws: { error in
            guard case .fileMalformed(directory.path("ca-key.pem"), _) = error as? IdentityError else { return false }
            return true
        }
        let other = try CertificateAuthority.create(federation: federation(), now: someTime)
        try other.save(directory: directory.path())
        try PrivateFile.write(authority.certificate.pem, to: directory.path("ca.pem"))
        #expect {
            try CertificateAuthority.load(directory: directory.path())
        } throws: { error in
            guard case .certificateKeyMismatch = error as? IdentityError else { return false }
            return true
        }
    }

    @Test func aLeafIsNoAuthority() throws {
        let directory = try TemporaryDirectory()
        let key = try SigningKey.generate()
        let leaf = try authority.issueCoordinator(publicKey: key.publicKey, now: someTime)
        try PrivateFile.write(leaf.pem, to: directory.path("ca.pem"))
        try PrivateFile.write(key.pem().exposedBytes(), to: directory.path("ca-key.pem"))
        #expect {
            try CertificateAuthority.load(directory: directory.path())
        } throws: { error in
            guard case .fileMalformed(directory.path("ca.pem"), _) = error as? IdentityError else { return false }
            return true
        }
    }
}

@Suite struct CertifiedRoleTests {
    private func certificate(uris: [String], key: SigningKey) throws -> Certificate {
        try Certificate.issue(
            CertificateTemplate(subject: "x", uris: uris, notBefore: someTime, notAfter: someTime + 1),
            publicKey: key.publicKey, issuer: nil, signer: key)
    }

    @Test func nameAndKeyMustAgree() throws {
        let key = try SigningKey.generate()
        let owner = PartyID(publicKey: key.publicKey)
        let other = PartyID(publicKey: try SigningKey.generate().publicKey)
        let good = try certificate(uris: ["spiffe://demo/party/\(owner)"], key: key)
        #expect(try CertifiedRole(certificate: good).role == .party(owner))
        let bad = try certificate(uris: ["spiffe://demo/party/\(other)"], key: key)
        #expect(throws: IdentityError.certificateRoleMismatch(named: other, key: owner)) {
            try CertifiedRole(certificate: bad)
        }
    }

    @Test func exactlyOneURIMayStandThere() throws {
        let key = try SigningKey.generate()
        let none: [String] = []
        let two = ["spiffe://demo/coordinator", "spiffe://other/coordinator"]
        let foreign = ["https://demo/coordinator"]
        for uris in [none, two, foreign] {
            #expect(throws: IdentityError.certificateRoleMissing(uris: uris)) {
                try CertifiedRole(certificate: certificate(uris: uris, key: key))
            }
        }
    }

    @Test func anotherAuthoritysCertificateIsNoIdentity() throws {
        let key = try SigningKey.generate()
        let ours = try CertificateAuthority.create(federation: federation(), now: someTime)
        let theirs = try CertificateAuthority.create(federation: federation(), now: someTime)
        let certificate = try theirs.issueCoordinator(publicKey: key.publicKey, now: someTime)
        #expect(throws: IdentityError.certificateUnsigned) {
            try PartyIdentity(key: key, certificate: certificate, authority: ours.certificate)
        }
        let other = try SigningKey.generate()
        #expect(
            throws: IdentityError.certificateKeyMismatch(
                expected: other.publicKey.spkiHash, actual: key.publicKey.spkiHash)
        ) {
            try PartyIdentity(key: other, certificate: certificate, authority: theirs.certificate)
        }
    }
}

@Suite struct PartyIdentityTests {
    @Test func isTheSameAfterSavingAndLoading() throws {
        let directory = try TemporaryDirectory()
        #expect(!PartyIdentity.exists(directory: directory.path()))
        let authority = try CertificateAuthority.create(federation: federation(), now: someTime)
        let key = try PartyIdentity.key(directory: directory.path())
        #expect(try PartyIdentity.key(directory: directory.path()).publicKey == key.publicKey)
        let certificate = try authority.issueParty(publicKey: key.publicKey, name: "a", now: someTime)
        let identity = try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
        try identity.save(directory: directory.path())
        let loaded = try PartyIdentity.load(directory: directory.path())
        #expect(loaded.certificate == certificate)
        #expect(loaded.authority == authority.certificate)
        #expect(loaded.id == identity.id)
        #expect(PartyIdentity.exists(directory: directory.path()))
        #expect(try directory.names() == ["ca.pem", "certificate.pem", "key.pem"])
        for name in try directory.names() {
            #expect(try directory.mode(name) == 0o600)
        }
    }

    @Test func filesThatDoNotBelongTogetherAreNamed() throws {
        let directory = try TemporaryDirectory()
        let authority = try CertificateAuthority.create(federation: federation(), now: someTime)
        let key = try SigningKey.generate()
        let certificate = try authority.issueCoordinator(publicKey: key.publicKey, now: someTime)
        let identity = try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
        try identity.save(directory: directory.path())
        try PrivateFile.write(SigningKey.generate().pem().exposedBytes(), to: directory.path("key.pem"))
        #expect(
            throws: IdentityError.fileMalformed(
                path: directory.path("certificate.pem"), reason: "the certificate is for another key")
        ) {
            try PartyIdentity.load(directory: directory.path())
        }
    }

    @Test func aDirectoryThatCannotBeWrittenIsNamed() throws {
        let directory = try TemporaryDirectory()
        try PrivateFile.write("a file", to: directory.path("file"))
        #expect {
            try PartyIdentity.key(directory: directory.path("file"))
        } throws: { error in
            guard case .fileUnwritable(let path, _) = error as? IdentityError else { return false }
            return path.hasPrefix(directory.path("file"))
        }
    }
}
