// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Identity

/// The server's records of tokens, as a database would keep them.
private final class TokenRecords {
    var invitations: [TokenID: Invitation] = [:]
    var users: [TokenID: PublicKey] = [:]

    func invite(_ token: InvitationToken) {
        invitations[token.id] = token.invitation
    }

    func consume(_ id: TokenID, _ key: PublicKey) -> Bool {
        if let user = users[id] { return user == key }
        users[id] = key
        return true
    }
}

@Suite struct EnrolmentTests {
    private let authority: CertificateAuthority
    private let token: InvitationToken
    private let key: SigningKey
    private let records = TokenRecords()
    private let exporter = [UInt8](repeating: 5, count: Enrolment.exporterCount)

    init() throws {
        authority = try CertificateAuthority.create(federation: federation(), now: someTime)
        token = try InvitationToken(
            federation: federation(), authorityFingerprint: authority.certificate.fingerprint, name: "hospital-a",
            expiry: someTime + 3_600)
        key = try SigningKey.generate()
        records.invite(token)
    }

    private func answer(
        _ request: [UInt8], exporter: [UInt8]? = nil, now: Int64 = someTime, revoked: Set<Digest> = []
    ) throws -> EnrolmentAuthority.Answer {
        try EnrolmentAuthority(issuer: CertificateIssuer(authority: authority)).answer(
            requestBytes: request, exporter: exporter ?? self.exporter, now: now,
            isRevoked: { revoked.contains($0) }, lookup: { records.invitations[$0] }, consume: records.consume)
    }

    private func request(_ token: InvitationToken? = nil, key: SigningKey? = nil) throws -> [UInt8] {
        try EnrolmentClient(token: token ?? self.token, key: key ?? self.key).requestBytes(exporter: exporter)
    }

    private func refusal(of answer: EnrolmentAuthority.Answer) throws -> EnrolmentRefusal {
        guard case .failure(let refusal) = answer.outcome else {
            throw EnrolmentError.responseMalformed
        }
        // The client is told the same.
        #expect(throws: EnrolmentError.refused(refusal)) {
            try EnrolmentClient(token: token, key: key).identity(responseBytes: answer.responseBytes, now: someTime)
        }
        return refusal
    }

    @Test func aTokenAndAKeyBecomeAnIdentity() throws {
        let answer = try answer(request())
        let member = try answer.outcome.get()
        #expect(member.id == PartyID(publicKey: key.publicKey))
        #expect(member.name == "hospital-a")
        #expect(member.publicKey == key.publicKey)
        let identity = try EnrolmentClient(token: token, key: key).identity(
            responseBytes: answer.responseBytes, now: someTime)
        #expect(identity.certificate == member.certificate)
        #expect(identity.role == .party(member.id))
        #expect(identity.federation == token.federation)
        #expect(identity.authority == authority.certificate)
        #expect(records.users[token.id] == key.publicKey)
    }

    @Test func aTokenServesOneKeyOnly() throws {
        _ = try answer(request()).outcome.get()
        let other = try SigningKey.generate()
        #expect(try refusal(of: answer(request(key: other))) == .alreadyUsed)
        // The first key may come again: its answer may have been lost.
        let again = try answer(request()).outcome.get()
        #expect(again.id == PartyID(publicKey: key.publicKey))
    }

    @Test func whoUsedATokenInTimeMayComeAgainLater() throws {
        let late = someTime + 3_601
        let later = { (request: [UInt8]) in
            try EnrolmentAuthority(issuer: CertificateIssuer(authority: authority)).answer(
                requestBytes: request, exporter: exporter, now: late, hasUsed: { records.users[$0] == $1 },
                lookup: { records.invitations[$0] }, consume: records.consume)
        }
        #expect(try refusal(of: later(request())) == .expired)
        _ = try answer(request()).outcome.get()
        #expect(try later(request()).outcome.get().publicKey == key.publicKey)
        #expect(try refusal(of: later(request(key: SigningKey.generate()))) == .expired)
    }

    @Test func aRequestFromBeforeThereWereCertificateRequestsIsGranted() throws {
        let old = try EnrolmentRequest.encode(
            token: token, key: key, certificateRequest: nil, exporter: exporter)
        #expect(try answer(old).outcome.get().publicKey == key.publicKey)
    }

    @Test func aCertificateRequestThatDoesNotFitIsRefusedWithoutUsingTheToken() throws {
        let id = PartyID(publicKey: key.publicKey)
        let other = try SigningKey.generate()
        let requests = try [
            CertificateRequest.make(.party(id), name: "hospital-b", federation: federation(), key: key),
            CertificateRequest.make(.coordinator, name: "hospital-a", federation: federation(), key: key),
            CertificateRequest.make(.party(id), name: "hospital-a", federation: federation("other"), key: key),
            CertificateRequest.make(
                .party(PartyID(publicKey: other.publicKey)), name: "hospital-a", federation: federation(), key: other),
        ]
        for request in requests {
            let bytes = try EnrolmentRequest.encode(
                token: token, key: key, certificateRequest: request, exporter: exporter)
            #expect(try refusal(of: answer(bytes)) == .badCertificateRequest)
        }
        let good = try WireEnrollmentPayload(
            serializedBytes: WireEnrollmentRequest(serializedBytes: request()).payload)
        #expect(good.certificateRequest.count < 500)
        for (bytes, expected) in [
            ([1, 2, 3], EnrolmentRefusal.badCertificateRequest),
            ([UInt8](good.certificateRequest) + [0], .badCertificateRequest),
            ([UInt8](repeating: 0x30, count: CertificateRequest.derCountMax + 1), .malformed),
        ] as [([UInt8], EnrolmentRefusal)] {
            var payload = good
            payload.certificateRequest = .init(bytes)
            #expect(try refusal(of: answer(signed(payload))) == expected)
        }
        #expect(records.users.isEmpty)
        _ = try answer(request()).outcome.get()
    }

    @Test func aLockedAuthorityUsesNoTokenUp() throws {
        let place = try TemporaryDirectory()
        let passphrase = SecretBytes(Array("correct horse".utf8))
        try authority.save(directory: place.path(), passphrase: passphrase)
        let locked = EnrolmentAuthority(issuer: try CertificateIssuer.load(directory: place.path()))
        let refused = try locked.answer(
            requestBytes: request(), exporter: exporter, now: someTime, lookup: { records.invitations[$0] },
            consume: records.consume)
        #expect(try refusal(of: refused) == .authorityLocked)
        #expect(records.users.isEmpty)
    }

    @Test func whileASignatureIsAwaitedTheTokenIsItsKeysAlone() throws {
        let place = try TemporaryDirectory()
        let (root, rootKey) = try institution()
        _ = try CertificateIssuer.establish(
            directory: place.path(), federation: federation(), authority: root, now: someTime)
        let issuer = try CertificateIssuer.load(directory: place.path())
        let token = try InvitationToken(
            federation: federation(), authorityFingerprint: root.fingerprint, name: "hospital-a",
            expiry: someTime + 3_600)
        records.invite(token)
        func ask(_ key: SigningKey, bare: Bool = false) throws -> EnrolmentAuthority.Answer {
            let request =
                bare
                ? try EnrolmentRequest.encode(token: token, key: key, certificateRequest: nil, exporter: exporter)
                : try EnrolmentClient(token: token, key: key).requestBytes(exporter: exporter)
            return try EnrolmentAuthority(issuer: issuer).answer(
                requestBytes: request, exporter: exporter, now: someTime, lookup: { records.invitations[$0] },
                consume: records.consume)
        }
        #expect(try refusal(of: ask(key, bare: true)) == .badCertificateRequest)
        #expect(records.users.isEmpty)
        for _ in 0..<2 { #expect(try refusal(of: ask(key)) == .awaitingSignature) }
        #expect(try refusal(of: ask(SigningKey.generate())) == .alreadyUsed)
        #expect(try RequestFolder(directory: place.path()).waiting().count == 2)
        // Somebody signs.
        let role = PartyRole.party(PartyID(publicKey: key.publicKey))
        let certificate = try Certificate.issue(
            CertificateTemplate(
                subject: "hospital-a", uris: [role.uri(in: federation())], notBefore: someTime - 60,
                notAfter: someTime + 1_000),
            publicKey: key.publicKey, issuer: root, signer: rootKey)
        #expect(try issuer.accept(certificate, now: someTime) == role)
        let answer = try ask(key)
        #expect(try answer.outcome.get().certificate == certificate)
        let identity = try EnrolmentClient(token: token, key: key).identity(
            responseBytes: answer.responseBytes, now: someTime)
        #expect(identity.authority == root)
        #expect(try refusal(of: ask(SigningKey.generate())) == .alreadyUsed)
    }

    /// The authority of an institution, which knows of no federation.
    private func institution() throws -> (Certificate, SigningKey) {
        let key = try SigningKey.generate()
        let template = CertificateTemplate(
            subject: "institution", isAuthority: true, notBefore: someTime - 60, notAfter: someTime + 100_000)
        return (try Certificate.issue(template, publicKey: key.publicKey, issuer: nil, signer: key), key)
    }

    @Test func aRequestIsGoodOnItsOwnConnectionOnly() throws {
        let other = [UInt8](repeating: 6, count: Enrolment.exporterCount)
        #expect(try refusal(of: answer(request(), exporter: other)) == .notAuthenticated)
        #expect(records.users.isEmpty)
    }

    @Test func unknownTokensAreRefused() throws {
        let stranger = try InvitationToken(
            federation: federation(), authorityFingerprint: .zero, name: "hospital-a", expiry: someTime)
        #expect(try refusal(of: answer(request(stranger))) == .unknownToken)
    }

    @Test func aTokenIDWithoutItsSecretIsRefused() throws {
        var wire = try WireEnrollmentRequest(serializedBytes: request())
        let input = Enrolment.authenticatorInput(
            payload: [UInt8](wire.payload), signature: [UInt8](wire.signature), exporter: exporter)
        wire.authenticator = .init(HMACSHA256.authenticate(input, key: token.id.bytes).bytes)
        #expect(try refusal(of: answer(wire.serializedBytes())) == .notAuthenticated)
    }

    @Test func expiredTokensAreRefused() throws {
        #expect(try refusal(of: answer(request(), now: someTime + 3_601)) == .expired)
        _ = try answer(request(), now: someTime + 3_600).outcome.get()
    }

    @Test func anotherNameIsRefused() throws {
        let renamed = try InvitationToken(
            federation: token.federation, authorityFingerprint: token.authorityFingerprint, secret: token.secret,
            name: "hospital-b", expiry: token.expiry, addresses: [])
        #expect(try refusal(of: answer(request(renamed))) == .nameMismatch)
    }

    @Test func revokedKeysAreRefusedWithoutUsingTheToken() throws {
        #expect(try refusal(of: answer(request(), revoked: [key.publicKey.spkiHash])) == .keyRevoked)
        #expect(records.users.isEmpty)
    }

    @Test func aKeyThatTheSenderDoesNotHaveIsRefused() throws {
        var payload = try WireEnrollmentPayload(
            serializedBytes: WireEnrollmentRequest(serializedBytes: request()).payload)
        payload.spki = .init(try SigningKey.generate().publicKey.spki)
        #expect(try refusal(of: answer(forged(payload))) == .badKey)
        payload.spki = .init([UInt8](repeating: 0, count: 91))
        #expect(try refusal(of: answer(forged(payload))) == .badKey)
        #expect(records.users.isEmpty)
    }

    @Test func fieldsOfTheWrongSizeAreMalformed() throws {
        let good = try WireEnrollmentPayload(
            serializedBytes: WireEnrollmentRequest(serializedBytes: request()).payload)
        var payloads: [WireEnrollmentPayload] = []
        for change in [
            { $0.tokenID.append(0) }, { $0.tokenID = .init() }, { $0.name = "" }, { $0.spki.append(0) },
            { $0.name = String(repeating: "x", count: 65) }, { $0.spki = .init() },
        ] as [(inout WireEnrollmentPayload) -> Void] {
            var payload = good
            change(&payload)
            payloads.append(payload)
        }
        for payload in payloads {
            #expect(try refusal(of: answer(forged(payload))) == .malformed)
        }
        for bytes in [[], [0xff], [UInt8](repeating: 0, count: 5_000)] as [[UInt8]] {
            #expect(try refusal(of: answer(bytes)) == .malformed)
        }
    }

    @Test func whatTheServersRecordsThrowIsThrown() throws {
        struct DiskFull: Error {}
        let request = try request()
        #expect(throws: DiskFull.self) {
            try EnrolmentAuthority(issuer: CertificateIssuer(authority: authority)).answer(
                requestBytes: request, exporter: exporter, now: someTime, lookup: { records.invitations[$0] },
                consume: { _, _ in throw DiskFull() })
        }
    }

    @Test func theClientChecksTheAuthority() throws {
        let impostor = try CertificateAuthority.create(federation: federation(), now: someTime)
        let certificate = try impostor.issueParty(publicKey: key.publicKey, name: "hospital-a", now: someTime)
        let response = try EnrolmentResponse.granted(
            certificate: certificate, authority: impostor.certificate
        ).encoded()
        #expect(
            throws: EnrolmentError.authorityMismatch(
                expected: token.authorityFingerprint, actual: impostor.certificate.fingerprint)
        ) {
            try EnrolmentClient(token: token, key: key).identity(responseBytes: response, now: someTime)
        }
        let mixed = try EnrolmentResponse.granted(
            certificate: certificate, authority: authority.certificate
        ).encoded()
        #expect(throws: EnrolmentError.certificateRejected(.certificateUnsigned)) {
            try EnrolmentClient(token: token, key: key).identity(responseBytes: mixed, now: someTime)
        }
    }

    @Test func theClientTakesNoOtherRoleAndNoOtherTime() throws {
        let client = EnrolmentClient(token: token, key: key)
        let coordinator = try authority.issueCoordinator(publicKey: key.publicKey, now: someTime)
        let promoted = try EnrolmentResponse.granted(
            certificate: coordinator, authority: authority.certificate
        ).encoded()
        #expect(
            throws: EnrolmentError.certificateRejected(
                .certificateRoleMissing(uris: ["spiffe://demo/coordinator"]))
        ) {
            try client.identity(responseBytes: promoted, now: someTime)
        }
        let answer = try answer(request())
        #expect(throws: EnrolmentError.self) {
            try client.identity(responseBytes: answer.responseBytes, now: someTime + 366 * 86_400)
        }
    }

    @Test func allReasonsSurviveTheWire() throws {
        for refusal in EnrolmentRefusal.allCases {
            let bytes = try EnrolmentResponse.refused(refusal).encoded()
            #expect(EnrolmentResponse(bytes: bytes) == .refused(refusal))
        }
        #expect(EnrolmentResponse(bytes: []) == nil)
        var unknown = WireEnrollmentResponse()
        unknown.refusal.reason = .UNRECOGNIZED(77)
        #expect(EnrolmentResponse(bytes: try unknown.serializedBytes()) == nil)
    }

    @Test func mutatedMessagesNeverTrapAndNeverEnrol() throws {
        var generator = SeededGenerator()
        let request = try request()
        let response = try answer(request).responseBytes
        let client = EnrolmentClient(token: token, key: key)
        for _ in 0..<1_000 {
            let changed = mutated(request, using: &generator)
            if case .success(let member) = try answer(changed).outcome {
                // Unknown protobuf fields are skipped; what counts is unchanged.
                #expect(member.publicKey == key.publicKey && member.name == token.name)
            }
            if let identity = try? client.identity(
                responseBytes: mutated(response, using: &generator), now: someTime)
            {
                #expect(identity.role == .party(PartyID(publicKey: key.publicKey)))
            }
        }
    }

    /// A request with another payload, authenticated by the token but signed for the first payload.
    private func forged(_ payload: WireEnrollmentPayload) throws -> [UInt8] {
        var wire = try WireEnrollmentRequest(serializedBytes: request())
        wire.payload = try payload.serializedData()
        let input = Enrolment.authenticatorInput(
            payload: [UInt8](wire.payload), signature: [UInt8](wire.signature), exporter: exporter)
        wire.authenticator = .init(HMACSHA256.authenticate(input, key: token.secret).bytes)
        return try wire.serializedBytes()
    }

    /// A request with another payload, signed by the key and authenticated by the token.
    private func signed(_ payload: WireEnrollmentPayload) throws -> [UInt8] {
        var wire = WireEnrollmentRequest()
        wire.payload = try payload.serializedData()
        wire.signature = .init(try key.sign(Enrolment.signatureInput(payload: [UInt8](wire.payload))))
        let input = Enrolment.authenticatorInput(
            payload: [UInt8](wire.payload), signature: [UInt8](wire.signature), exporter: exporter)
        wire.authenticator = .init(HMACSHA256.authenticate(input, key: token.secret).bytes)
        return try wire.serializedBytes()
    }
}
