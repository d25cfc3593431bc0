// SPDX-License-Identifier: MIT

import Primitives
import Testing

/// An authority as an institution has it, made by `openssl`, and what TLS will say of its certificates.
@Suite struct CertificateChainTests {
    private let directory: TemporaryDirectory
    /// Within the thirty days of everything that is made here.
    private let now: Int64

    init() throws {
        directory = try TemporaryDirectory()
        let key = try SigningKey.generate()
        let request = try CertificateRequest.make(subject: "site", uris: ["spiffe://demo/coordinator"], key: key)
        try directory.write(request.pem, to: "site.csr")
        let text = try directory.openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", "t.pem", "-subj", "/CN=t", "-days", "2")
        now =
            try Certificate(pem: String(text[(text.range(of: "-----BEGIN CERT")?.lowerBound ?? text.startIndex)...]))
            .notBefore + 3_600
    }

    private func authority(
        _ name: String, _ key: [String], _ more: [String] = ["-addext", "keyUsage=critical,keyCertSign"]
    ) throws -> Certificate {
        try directory.openssl(
            ["req", "-x509", "-newkey"] + key + [
                "-noenc", "-keyout", "\(name)-key.pem", "-subj", "/CN=\(name)", "-days", "30", "-out", "\(name).pem",
            ] + more)
        return try Certificate(pem: directory.text("\(name).pem"))
    }

    private func signed(by name: String, _ more: [String] = ["-copy_extensions", "copy"]) throws -> Certificate {
        try directory.openssl(
            [
                "x509", "-req", "-in", "site.csr", "-CA", "\(name).pem", "-CAkey", "\(name)-key.pem", "-days", "20",
                "-out",
                "site.pem",
            ] + more)
        return try Certificate(pem: directory.text("site.pem"))
    }

    @Test(arguments: [
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ed25519"],
        ["rsa:2048"], ["rsa:3072", "-sha384"],
    ])
    func theAuthoritysKeyNeedNotBeLikeOurs(_ key: [String]) throws {
        let authority = try authority("ca", key)
        #expect(authority.mayIssue)
        let leaf = try signed(by: "ca")
        #expect(leaf.isSigned(by: authority))
        #expect(leaf.chainFailure(under: authority, at: now) == nil)
    }

    @Test func weakKeysAndHashesAreRefused() throws {
        let weak = try authority("weak", ["rsa:1024"])
        #expect(weak.isAuthority)
        #expect(!weak.mayIssue)
        #expect(try signed(by: "weak").chainFailure(under: weak, at: now)?.description == "CA certificate key too weak")
        let strong = try authority("ca", ["rsa:2048"])
        let leaf = try signed(by: "ca", ["-copy_extensions", "copy", "-sha1"])
        #expect(leaf.chainFailure(under: strong, at: now)?.description == "CA signature digest algorithm too weak")
    }

    @Test func anAuthorityMustBeMeantToSign() throws {
        let key = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        #expect(try !authority("bare", key, []).mayIssue)
        #expect(try !authority("other", key, ["-addext", "keyUsage=critical,digitalSignature"]).mayIssue)
        let leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,keyCertSign"]
        #expect(try !authority("leaf", key, leaf).mayIssue)
    }

    @Test func anIntermediateAuthorityIsAnAnchor() throws {
        let root = try authority("root", ["rsa:2048"])
        try directory.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout",
            "middle-key.pem",
            "-subj", "/CN=middle", "-out", "middle.csr", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0",
            "-addext", "keyUsage=critical,keyCertSign")
        try directory.openssl(
            "x509", "-req", "-in", "middle.csr", "-CA", "root.pem", "-CAkey", "root-key.pem", "-days", "25",
            "-copy_extensions", "copy", "-out", "middle.pem")
        let middle = try Certificate(pem: directory.text("middle.pem"))
        #expect(middle.mayIssue)
        let leaf = try signed(by: "middle")
        #expect(leaf.chainFailure(under: middle, at: now) == nil)
        #expect(leaf.chainFailure(under: root, at: now) != nil)
        #expect(try signed(by: "root").chainFailure(under: middle, at: now) != nil)
    }

    @Test func whatTLSWouldRefuseIsRefused() throws {
        let authority = try authority("ca", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        let leaf = try signed(by: "ca")
        #expect(leaf.chainFailure(under: authority, at: now + 40 * 86_400)?.description == "certificate has expired")
        #expect(leaf.chainFailure(under: authority, at: now - 86_400)?.description == "certificate is not yet valid")
        try directory.write("extendedKeyUsage=serverAuth\n", to: "server.cnf")
        let server = try signed(by: "ca", ["-extfile", "server.cnf"])
        #expect(server.chainFailure(under: authority, at: now) != nil)
    }
}
