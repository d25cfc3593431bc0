// SPDX-License-Identifier: MIT

import Primitives
import Testing

@Suite struct CertificateRequestTests {
    private let key: SigningKey
    private let request: CertificateRequest

    init() throws {
        key = try SigningKey.generate()
        request = try CertificateRequest.make(
            subject: "hôpital, a", uris: ["spiffe://demo/coordinator", "spiffe://demo/b,URI:c"], key: key)
    }

    @Test func whatWasMadeIsRead() throws {
        for read in [try CertificateRequest(der: request.der), try CertificateRequest(pem: request.pem)] {
            #expect(read == request)
            #expect(read.subjectCommonName == "hôpital, a")
            #expect(read.uris == ["spiffe://demo/coordinator", "spiffe://demo/b,URI:c"])
            #expect(read.publicKey == key.publicKey)
        }
    }

    @Test func aSubjectThatX509CannotHoldIsRefused() {
        for subject in ["", String(repeating: "x", count: 65)] {
            #expect(throws: PrimitiveError.self) {
                try CertificateRequest.make(subject: subject, uris: [], key: key)
            }
        }
    }

    @Test func opensslReadsAndSignsIt() throws {
        let place = try TemporaryDirectory()
        try place.write(request.pem, to: "a.csr")
        let text = try place.openssl("req", "-in", "a.csr", "-noout", "-text", "-verify", "-nameopt", "utf8,-esc_msb")
        #expect(text.contains("verify OK"))
        #expect(text.contains("hôpital, a"))
        #expect(text.contains("URI:spiffe://demo/coordinator"))
        #expect(text.contains("TLS Web Server Authentication, TLS Web Client Authentication"))
        #expect(text.contains("CA:FALSE"))
        #expect(text.contains("Digital Signature"))
        try place.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "ca-key.pem",
            "-subj", "/CN=institution", "-days", "30", "-addext", "keyUsage=critical,keyCertSign", "-out", "ca.pem")
        try place.openssl(
            "x509", "-req", "-in", "a.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "30", "-copy_extensions",
            "copy", "-out", "a.pem")
        let certificate = try Certificate(pem: place.text("a.pem"))
        #expect(certificate.publicKey == key.publicKey)
        #expect(certificate.uris == request.uris)
        #expect(try certificate.isSigned(by: Certificate(pem: place.text("ca.pem"))))
    }

    @Test func whatOpensslMakesIsRead() throws {
        let place = try TemporaryDirectory()
        try place.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "b-key.pem",
            "-subj", "/O=demo/CN=site b", "-addext", "subjectAltName=URI:spiffe://demo/x,DNS:b.example", "-out", "b.csr"
        )
        let read = try CertificateRequest(pem: place.text("b.csr"))
        #expect(read.subjectCommonName == "site b")
        #expect(read.uris == ["spiffe://demo/x"])
        #expect(try read.publicKey == SigningKey(pem: place.text("b-key.pem")).publicKey)
        try place.openssl("req", "-new", "-key", "b-key.pem", "-subj", "/", "-out", "bare.csr")
        let bare = try CertificateRequest(pem: place.text("bare.csr"))
        #expect(bare.subjectCommonName.isEmpty)
        #expect(bare.uris.isEmpty)
    }

    @Test func otherKeysAndOtherHashesAreRefused() throws {
        let place = try TemporaryDirectory()
        try place.openssl(
            "req", "-new", "-newkey", "rsa:2048", "-noenc", "-keyout", "r-key.pem", "-subj", "/CN=r", "-out", "r.csr")
        try place.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-noenc", "-keyout", "p-key.pem",
            "-subj", "/CN=p", "-out", "p.csr")
        for name in ["r.csr", "p.csr"] {
            #expect(throws: PrimitiveError.keyUnsupported) { try CertificateRequest(pem: place.text(name)) }
        }
        try place.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "s-key.pem",
            "-subj", "/CN=s", "-sha512", "-out", "s.csr")
        #expect(throws: PrimitiveError.requestUnsigned) { try CertificateRequest(pem: place.text("s.csr")) }
    }

    @Test func aChangedRequestIsNotSigned() throws {
        for text in ["demo/b", "hôpital"] {
            var der = request.der
            let index = try #require(der.indices.first { der[$0...].starts(with: Array(text.utf8)) })
            der[index] ^= 0x01
            #expect(throws: PrimitiveError.requestUnsigned) { try CertificateRequest(der: der) }
        }
        // Another key in place of the one that signed.
        let other = try SigningKey.generate().publicKey
        var der = request.der
        let index = try #require(der.indices.first { der[$0...].starts(with: key.publicKey.spki) })
        der.replaceSubrange(index..<index + PublicKey.spkiCount, with: other.spki)
        #expect(throws: PrimitiveError.requestUnsigned) { try CertificateRequest(der: der) }
    }

    @Test func bytesBehindItAndTooManyAreRefused() throws {
        #expect(throws: PrimitiveError.self) { try CertificateRequest(der: request.der + [0]) }
        #expect(throws: PrimitiveError.self) { try CertificateRequest(der: request.der.dropLast()) }
        #expect(throws: PrimitiveError.self) { try CertificateRequest(der: []) }
        #expect(throws: PrimitiveError.self) { try CertificateRequest(pem: "") }
        let many = (0..<60).map { "spiffe://demo/party/\($0)-aaaaaaaaaaaaaaaaaaaaaaaa" }
        #expect(
            throws: PrimitiveError.requestMalformed(
                reason: "more than \(CertificateRequest.derCountMax) bytes", stack: [])
        ) { try CertificateRequest.make(subject: "a", uris: many, key: key) }
    }

    @Test func aCertificateIsNoRequest() throws {
        let certificate = try Certificate.issue(
            CertificateTemplate(subject: "a", notBefore: 1_700_000_000, notAfter: 4_000_000_000),
            publicKey: key.publicKey, issuer: nil, signer: key)
        #expect(throws: PrimitiveError.self) { try CertificateRequest(der: certificate.der) }
        #expect(throws: PrimitiveError.self) { try CertificateRequest(pem: certificate.pem) }
    }

    @Test func mutatedRequestsNeverTrapAndNeverSayAnythingElse() {
        var generator = SeededGenerator()
        for _ in 0..<1_000 {
            guard let read = try? CertificateRequest(der: mutated(request.der, using: &generator)) else { continue }
            #expect(read.publicKey == request.publicKey && read.uris == request.uris)
        }
    }
}
