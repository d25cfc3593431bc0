// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

@Suite struct CertificateTests {
    private static let start: Int64 = 1_700_000_000
    private static let end: Int64 = 4_000_000_000

    private let authorityKey: SigningKey
    private let authority: Certificate
    private let leafKey: SigningKey
    private let leaf: Certificate

    init() throws {
        authorityKey = try SigningKey.generate()
        authority = try Certificate.issue(
            CertificateTemplate(
                subject: "demo authority", isAuthority: true, notBefore: Self.start, notAfter: Self.end),
            publicKey: authorityKey.publicKey, issuer: nil, signer: authorityKey)
        leafKey = try SigningKey.generate()
        leaf = try Certificate.issue(
            CertificateTemplate(
                subject: "hôpital, a", uris: ["spiffe://demo/coordinator", "spiffe://demo/b,URI:c"],
                dnsNames: ["localhost"], notBefore: Self.start, notAfter: Self.end, serial: [1, 2, 3]),
            publicKey: leafKey.publicKey, issuer: authority, signer: authorityKey)
    }

    @Test func whatWasIssuedIsRead() throws {
        for certificate in [try Certificate(der: leaf.der), try Certificate(pem: leaf.pem)] {
            #expect(certificate == leaf)
            #expect(certificate.subjectCommonName == "hôpital, a")
            #expect(certificate.uris == ["spiffe://demo/coordinator", "spiffe://demo/b,URI:c"])
            #expect(certificate.dnsNames == ["localhost"])
            #expect(certificate.publicKey == leafKey.publicKey)
            #expect(certificate.notBefore == Self.start)
            #expect(certificate.notAfter == Self.end)
            #expect(certificate.serial == [1, 2, 3])
            #expect(certificate.fingerprint == SHA256.hash(leaf.der))
            #expect(!certificate.isAuthority)
        }
        #expect(authority.isAuthority)
        #expect(authority.uris.isEmpty)
        #expect(authority.serial.count == 16)
    }

    @Test func validityIncludesBothEnds() {
        #expect(leaf.isValid(at: Self.start))
        #expect(leaf.isValid(at: Self.end))
        #expect(!leaf.isValid(at: Self.start - 1))
        #expect(!leaf.isValid(at: Self.end + 1))
    }

    @Test func aLeafIsSignedByItsAuthorityOnly() throws {
        #expect(leaf.isSigned(by: authority))
        #expect(authority.isSigned(by: authority))
        #expect(!authority.isSigned(by: leaf))
        #expect(!leaf.isSigned(by: leaf))
        let otherKey = try SigningKey.generate()
        let namesake = try Certificate.issue(
            CertificateTemplate(
                subject: "demo authority", isAuthority: true, notBefore: Self.start, notAfter: Self.end),
            publicKey: otherKey.publicKey, issuer: nil, signer: otherKey)
        #expect(!leaf.isSigned(by: namesake))
    }

    @Test func aLeafCannotSignAnother() throws {
        let below = try Certificate.issue(
            CertificateTemplate(subject: "below", notBefore: Self.start, notAfter: Self.end),
            publicKey: SigningKey.generate().publicKey, issuer: leaf, signer: leafKey)
        #expect(!below.isSigned(by: leaf))
    }

    @Test func aChangedCertificateIsNotSigned() throws {
        var der = leaf.der
        let name = Array("localhost".utf8)
        let index = try #require(der.indices.first { der[$0...].starts(with: name) })
        der[index] = UInt8(ascii: "L")
        #expect(try !Certificate(der: der).isSigned(by: authority))
    }

    @Test func onlyTheIssuersKeyIssues() throws {
        let template = CertificateTemplate(subject: "x", notBefore: Self.start, notAfter: Self.end)
        #expect(throws: PrimitiveError.issuerKeyMismatch) {
            try Certificate.issue(template, publicKey: leafKey.publicKey, issuer: authority, signer: leafKey)
        }
        #expect(throws: PrimitiveError.issuerKeyMismatch) {
            try Certificate.issue(template, publicKey: leafKey.publicKey, issuer: nil, signer: authorityKey)
        }
    }

    @Test func templatesThatX509ForbidsAreRefused() throws {
        let empty = CertificateTemplate(subject: "", notBefore: Self.start, notAfter: Self.end)
        let long = CertificateTemplate(
            subject: String(repeating: "x", count: 65), notBefore: Self.start, notAfter: Self.end)
        let negative = CertificateTemplate(subject: "x", notBefore: Self.start, notAfter: Self.end, serial: [0x80])
        for template in [empty, long, negative] {
            #expect(throws: PrimitiveError.self) {
                try Certificate.issue(template, publicKey: leafKey.publicKey, issuer: nil, signer: leafKey)
            }
        }
    }

    @Test func whatIsNoCertificateIsRefused() {
        for bytes in [[], [0x30], leaf.der + [0], Array(leaf.der.dropLast())] as [[UInt8]] {
            #expect(throws: PrimitiveError.self) { try Certificate(der: bytes) }
        }
        #expect(throws: PrimitiveError.self) { try Certificate(der: .init(repeating: 0, count: 20_000)) }
        #expect(throws: PrimitiveError.self) { try Certificate(pem: "") }
        #expect(throws: PrimitiveError.self) { try Certificate(pem: String(leaf.pem.dropLast(40))) }
    }

    @Test func aZeroByteInANameIsRefused() throws {
        var der = leaf.der
        let name = Array("spiffe://demo/coordinator".utf8)
        let index = try #require(der.indices.first { der[$0...].starts(with: name) })
        der[index + 10] = 0
        #expect(throws: PrimitiveError.certificateMalformed(reason: "subject alternative name", stack: [])) {
            try Certificate(der: der)
        }
    }

    @Test func mutatedCertificatesNeverTrap() {
        var generator = SeededGenerator()
        for _ in 0..<2_000 {
            guard let certificate = try? Certificate(der: mutated(leaf.der, using: &generator)) else { continue }
            _ = certificate.isSigned(by: authority)
        }
    }
}

/// What the `openssl` command says to our certificates, and we to its.
@Suite struct OpenSSLCommandTests {
    @Test func itsStrictVerificationAcceptsWhatWeIssue() throws {
        let directory = try TemporaryDirectory()
        let authorityKey = try SigningKey.generate()
        let now = Int64(Date().timeIntervalSince1970)
        let authority = try Certificate.issue(
            CertificateTemplate(
                subject: "demo authority", isAuthority: true, notBefore: now - 60, notAfter: now + 86_400),
            publicKey: authorityKey.publicKey, issuer: nil, signer: authorityKey)
        let leaf = try Certificate.issue(
            CertificateTemplate(
                subject: "leaf", uris: ["spiffe://demo/coordinator"], dnsNames: ["localhost"], notBefore: now - 60,
                notAfter: now + 3_600),
            publicKey: SigningKey.generate().publicKey, issuer: authority, signer: authorityKey)
        try directory.write(authority.pem, to: "ca.pem")
        try directory.write(leaf.pem, to: "leaf.pem")
        for purpose in ["sslserver", "sslclient"] {
            let output = try directory.openssl(
                "verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose, "-CAfile", "ca.pem", "leaf.pem")
            #expect(output == "leaf.pem: OK\n")
        }
        let text = try directory.openssl("x509", "-in", "leaf.pem", "-noout", "-ext", "subjectAltName,keyUsage")
        #expect(text.contains("URI:spiffe://demo/coordinator, DNS:localhost"))
        #expect(text.contains("Digital Signature"))
    }

    @Test func signaturesVerifyBothWays() throws {
        let directory = try TemporaryDirectory()
        try directory.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem")
        try directory.openssl("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
        let key = try SigningKey(pem: String(decoding: directory.read("key.pem"), as: UTF8.self))
        try directory.write("message", to: "message")
        try directory.openssl("dgst", "-sha256", "-sign", "key.pem", "-out", "theirs", "message")
        #expect(key.publicKey.isValid(signature: try directory.read("theirs"), for: Array("message".utf8)))
        try directory.write(key.sign(Array("message".utf8)), to: "ours")
        let verdict = try directory.openssl(
            "dgst", "-sha256", "-verify", "public.pem", "-signature", "ours", "message")
        #expect(verdict == "Verified OK\n")
    }

    @Test func keysOfOtherKindsAreUnsupported() throws {
        let directory = try TemporaryDirectory()
        try directory.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "p384.pem")
        try directory.openssl("genpkey", "-algorithm", "ED25519", "-out", "ed25519.pem")
        for name in ["p384", "ed25519"] {
            #expect(throws: PrimitiveError.keyUnsupported) {
                try SigningKey(pem: String(decoding: directory.read("\(name).pem"), as: UTF8.self))
            }
            try directory.openssl(
                "req", "-x509", "-new", "-key", "\(name).pem", "-subj", "/CN=other", "-days", "2", "-out", "other.pem")
            let certificate = try Certificate(pem: String(decoding: directory.read("other.pem"), as: UTF8.self))
            #expect(certificate.publicKey == nil)
            #expect(certificate.subjectCommonName == "other")
            #expect(certificate.isSigned(by: certificate))
        }
    }

    @Test func anEncryptedKeyIsRefusedWithoutAsking() throws {
        let directory = try TemporaryDirectory()
        try directory.openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes128", "-pass", "pass:secret",
            "-out", "key.pem")
        #expect(throws: PrimitiveError.keyEncrypted) { try SigningKey(pem: directory.text("key.pem")) }
    }
}

/// A directory that goes with its last reference, and the `openssl` command run in it.
final class TemporaryDirectory {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "summand-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: url.appending(path: name))
    }

    func write(_ text: String, to name: String) throws {
        try write(Array(text.utf8), to: name)
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: url.appending(path: name)))
    }

    func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    /// Runs `openssl` with the arguments, expects it to succeed, and returns what it printed.
    @discardableResult
    func openssl(_ arguments: String...) throws -> String { try openssl(arguments) }

    @discardableResult
    func openssl(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = url
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " ")): \(text)")
        return text
    }
}
