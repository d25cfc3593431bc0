// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

@testable import Identity

/// An institution's authority, made and used with the `openssl` command as its people would.
@Suite struct CertificateIssuerTests {
    private let place: TemporaryDirectory
    private let state: String
    private let key: SigningKey
    /// A little later than the certificates that `openssl` makes meanwhile, which begin at once.
    private let now = Int64(Date.now.timeIntervalSince1970) + 3_600

    init() throws {
        place = try TemporaryDirectory()
        state = place.path("fed")
        key = try SigningKey.generate()
        try makeAuthority("ca")
    }

    private func makeAuthority(_ name: String) throws {
        _ = try place.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout",
            "\(name)-key.pem", "-subj", "/CN=institution", "-days", "30", "-addext", "keyUsage=critical,keyCertSign",
            "-out",
            "\(name).pem")
    }

    private func certificate(_ name: String) throws -> Certificate {
        try Certificate(pem: String(contentsOfFile: place.path(name), encoding: .utf8))
    }

    private func sign(_ csr: String, by authority: String = "ca", days: String = "20") throws -> Certificate {
        _ = try place.openssl(
            "x509", "-req", "-in", csr, "-CA", "\(authority).pem", "-CAkey", "\(authority)-key.pem", "-days", days,
            "-copy_extensions", "copy", "-out", "signed.pem")
        return try certificate("signed.pem")
    }

    private func established() throws -> CertificateIssuer {
        _ = try CertificateIssuer.establish(
            directory: state, federation: federation(), authority: certificate("ca.pem"), now: now)
        return try CertificateIssuer.load(directory: state)
    }

    private func request(
        _ key: SigningKey, name: String = "hospital-a", role: PartyRole? = nil
    ) throws -> CertificateRequest {
        try CertificateRequest.make(
            role ?? .party(PartyID(publicKey: key.publicKey)), name: name, federation: federation(), key: key)
    }

    private func ask(_ issuer: CertificateIssuer, endingAfter end: Int64? = nil) throws -> Issuance {
        try issuer.party(
            key.publicKey, name: "hospital-a", request: request(key), endingAfter: end, now: now)
    }

    private var csr: String { "fed/requests/\(PartyID(publicKey: key.publicKey).hex).csr" }

    @Test func anAuthorityOfTheFederationsOwnSignsAtOnce() throws {
        let authority = try CertificateAuthority.create(federation: federation(), now: now)
        let issuer = CertificateIssuer(authority: authority)
        #expect(!issuer.isLocked && !issuer.signsElsewhere)
        for request in [nil, try request(key)] {
            guard
                case .issued(let certificate) = try issuer.party(
                    key.publicKey, name: "hospital-a", request: request, now: now)
            else {
                Issue.record("not issued")
                continue
            }
            #expect(certificate.publicKey == key.publicKey)
            #expect(certificate.isSigned(by: authority.certificate))
        }
    }

    @Test func theCoordinatorBeginsWithARequest() throws {
        let path = try CertificateIssuer.establish(
            directory: state, federation: federation(), authority: certificate("ca.pem"), now: now)
        #expect(path == "\(state)/requests/coordinator.csr")
        #expect(try place.mode("fed/requests/coordinator.csr") == 0o600)
        #expect(try place.mode("fed/requests") == 0o700)
        #expect(!PrivateFile.exists("\(state)/ca-key.pem"))
        let issuer = try CertificateIssuer.load(directory: state)
        #expect(issuer.signsElsewhere)
        #expect(try issuer.federation == federation())
        #expect(try issuer.authority == certificate("ca.pem"))
        let own = try PartyIdentity.key(directory: state)
        #expect(try issuer.coordinator(key: own, now: now) == .awaitingSignature)
        let signed = try sign("fed/requests/coordinator.csr")
        #expect(try issuer.accept(signed, now: now) == .coordinator)
        #expect(try issuer.coordinator(key: own, now: now) == .issued(signed))
        #expect(try RequestFolder(directory: state).waiting().isEmpty)
    }

    @Test func aPartysRequestWaitsAndItsCertificateIsFetched() throws {
        var issuer = try established()
        #expect(try ask(issuer) == .awaitingSignature)
        #expect(try ask(issuer) == .awaitingSignature)
        let waiting = try RequestFolder(directory: state).waiting()
        #expect(waiting.map(\.role) == [.coordinator, .party(PartyID(publicKey: key.publicKey))])
        #expect(waiting.map(\.request.subjectCommonName) == ["coordinator", "hospital-a"])
        let signed = try sign(csr)
        #expect(try issuer.accept(signed, now: now) == .party(PartyID(publicKey: key.publicKey)))
        // Another process knows it too.
        issuer = try CertificateIssuer.load(directory: state)
        #expect(try ask(issuer) == .issued(signed))
        // For a renewal the present certificate is not enough, and the next one is.
        #expect(try ask(issuer, endingAfter: signed.notAfter) == .awaitingSignature)
        let longer = try sign(csr, days: "25")
        _ = try issuer.accept(longer, now: now)
        #expect(try ask(issuer, endingAfter: signed.notAfter) == .issued(longer))
    }

    @Test func aRequestMustBeThereAndFit() throws {
        let issuer = try established()
        func fails(_ error: IdentityError, _ request: CertificateRequest?) {
            #expect(throws: error) { try issuer.party(key.publicKey, name: "hospital-a", request: request, now: now) }
        }
        fails(.requestMissing, nil)
        fails(.requestMismatch, try request(key, name: "hospital-b"))
        fails(.requestMismatch, try request(key, role: .coordinator))
        fails(.requestMismatch, try request(SigningKey.generate()))
        fails(
            .requestMismatch,
            try CertificateRequest.make(
                subject: "hospital-a",
                uris: [
                    PartyRole.party(PartyID(publicKey: key.publicKey)).uri(in: federation()),
                    "spiffe://demo/coordinator",
                ],
                key: key))
        #expect(try RequestFolder(directory: state).waiting().count == 1)
    }

    @Test func whatDoesNotFitIsNotTakenIn() throws {
        let issuer = try established()
        _ = try ask(issuer)
        let owner = PartyID(publicKey: key.publicKey)
        func refused(_ certificate: Certificate, at time: Int64? = nil) -> IdentityError? {
            do throws(IdentityError) {
                _ = try issuer.accept(certificate, now: time ?? now)
                return nil
            } catch {
                return error
            }
        }
        func signed(_ request: CertificateRequest) throws -> Certificate {
            try PrivateFile.write(request.pem, to: place.path("hostile.csr"))
            return try sign("hostile.csr")
        }
        // Of the right authority, for another name in the federation, or another federation, or none.
        let other = try SigningKey.generate()
        #expect(refused(try signed(request(key, role: .coordinator))) == .requestUnknown(owner))
        #expect(
            refused(try signed(request(key, role: .party(PartyID(publicKey: other.publicKey)))))
                == .certificateRoleMismatch(named: PartyID(publicKey: other.publicKey), key: owner))
        let foreign = PartyRole.party(owner).uri(in: try federation("other"))
        #expect(
            refused(try signed(CertificateRequest.make(subject: "x", uris: [foreign], key: key)))
                == .certificateFederationMismatch(expected: try federation(), actual: try federation("other")))
        #expect(
            refused(try signed(CertificateRequest.make(subject: "x", uris: [], key: key)))
                == .certificateRoleMissing(uris: []))
        // A key that nobody asked for.
        #expect(refused(try signed(request(other))) == .requestUnknown(PartyID(publicKey: other.publicKey)))
        // An authority's, one of another authority with the same name, and at another time.
        #expect(refused(try certificate("ca.pem")) == .certificateIsAuthority)
        try makeAuthority("impostor")
        #expect(refused(try sign(csr, by: "impostor")) == .certificateUnsigned)
        let good = try sign(csr)
        for time in [good.notBefore - 1, good.notAfter + 1] {
            #expect(
                refused(good, at: time)
                    == .certificateNotValid(notBefore: good.notBefore, notAfter: good.notAfter, now: time))
        }
        // For servers only, while sites dial each other.
        let uri = PartyRole.party(owner).uri(in: try federation())
        try PrivateFile.write("subjectAltName=URI:\(uri)\nextendedKeyUsage=serverAuth\n", to: place.path("server.cnf"))
        _ = try place.openssl(
            "x509", "-req", "-in", csr, "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "20", "-extfile",
            "server.cnf",
            "-out", "server.pem")
        guard case .certificateRejected = refused(try certificate("server.pem")) else {
            Issue.record("a certificate for servers only was taken in")
            return
        }
        // Nothing of that was kept.
        #expect(try ask(issuer) == .awaitingSignature)
        #expect(refused(good) == nil)
    }

    @Test func whatLiesInTheFolderIsCheckedAgain() throws {
        let issuer = try established()
        _ = try ask(issuer)
        try makeAuthority("impostor")
        let forged = try sign(csr, by: "impostor")
        let path = "\(state)/certificates/\(PartyID(publicKey: key.publicKey).hex).pem"
        try PrivateFile.write(forged.pem, to: path)
        #expect(try ask(issuer) == .awaitingSignature)
        try PrivateFile.write(sign(csr).pem, to: path)
        #expect(try ask(issuer) != .awaitingSignature)
    }

    @Test func onlyAnAuthorityThatMaySignHeadsAFederation() throws {
        let leaf = try Certificate.issue(
            CertificateTemplate(subject: "x", notBefore: now, notAfter: now + 1_000), publicKey: key.publicKey,
            issuer: nil,
            signer: key)
        #expect(throws: IdentityError.certificateMayNotIssue) {
            try CertificateIssuer.requireSuitable(leaf, now: now)
        }
        let authority = try certificate("ca.pem")
        #expect(
            throws: IdentityError.certificateNotValid(
                notBefore: authority.notBefore, notAfter: authority.notAfter, now: authority.notAfter + 1)
        ) { try CertificateIssuer.requireSuitable(authority, now: authority.notAfter + 1) }
    }

    @Test func aKeyUnderAPassphraseIsLockedWithoutIt() throws {
        let passphrase = SecretBytes(Array("correct horse".utf8))
        let authority = try CertificateAuthority.create(federation: federation(), now: now)
        try authority.save(directory: state, passphrase: passphrase)
        #expect(try place.mode("fed/ca-key.pem") == 0o600)
        let locked = try CertificateIssuer.load(directory: state)
        #expect(locked.isLocked)
        #expect(try locked.federation == federation())
        #expect(locked.authority == authority.certificate)
        #expect(try ask(locked) == .locked)
        #expect(try locked.coordinator(key: key, now: now) == .locked)
        let path = "\(state)/ca-key.pem"
        #expect(throws: IdentityError.authorityKeyLocked(path: path)) {
            try CertificateAuthority.load(directory: state)
        }
        #expect(throws: IdentityError.authorityPassphraseWrong(path: path)) {
            try CertificateIssuer.load(directory: state, passphrase: SecretBytes(Array("wrong".utf8)))
        }
        let open = try CertificateIssuer.load(directory: state, passphrase: passphrase)
        guard case .issued = try ask(open) else { return #expect(Bool(false), "not issued") }
    }

    @Test func aMissingKeyOfTheFederationsOwnIsAnErrorStill() throws {
        try CertificateAuthority.create(federation: federation(), now: now).save(directory: state)
        try FileManager.default.removeItem(atPath: "\(state)/ca-key.pem")
        #expect(throws: IdentityError.fileMissing(path: "\(state)/ca-key.pem")) {
            try CertificateIssuer.load(directory: state)
        }
    }
}
