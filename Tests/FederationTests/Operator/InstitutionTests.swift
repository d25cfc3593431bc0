// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Testing

/// A federation under an institution's authority, whose key no program of ours ever sees.
@Suite(.serialized) struct InstitutionTests {
    /// Makes the federation up to its server's certificate, and invites the sites.
    private func federation(
        _ authority: OpenSSLAuthority, _ federation: ProcessFederation,
        sign: (String) throws -> String
    ) async throws {
        let fed = federation.path("fed")
        let made = try await federation.run(
            "smpc-server", ["init", "--state", fed, "--federation", "test", "--ca-cert", authority.certificate])
        #expect(made.contains("-copy_extensions copy"))
        // Everything else has to wait, and says for what.
        for arguments in [["run"], ["invite", "site-0"], ["doctor"], ["init", "--federation", "test"]] {
            let refused = try await federation.answer("smpc-server", arguments + ["--state", fed])
            #expect(refused.code == 64, "\(arguments): \(refused.output)")
            #expect(refused.output.contains("no certificate yet"), "\(refused.output)")
            #expect(refused.output.contains("requests/coordinator.csr"), "\(refused.output)")
        }
        let own = try sign("\(fed)/requests/coordinator.csr")
        try await federation.run("smpc-server", ["certify", own, "--state", fed])
        try await federation.invite()
    }

    private func join(_ site: Int, _ federation: ProcessFederation, state: String? = nil) async throws -> (
        code: Int32?, output: String
    ) {
        try await federation.answer(
            "smpc-client",
            [
                "join", "--state", federation.path(state ?? "site-\(site)"), "--token-file",
                federation.path("tokens/site-\(site).token"), "--server", federation.address,
            ])
    }

    private func requests(_ federation: ProcessFederation) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: federation.path("fed/requests"))
            .filter { $0.hasSuffix(".csr") }.sorted().map { federation.path("fed/requests/\($0)") }
    }

    @Test func threeSitesEnrolThroughSigningRequestsAndRun() async throws {
        let federation = try await ProcessFederation(sites: 3, isMade: false)
        let authority = try OpenSSLAuthority(in: federation.directory, key: ["rsa:2048"])
        try await self.federation(authority, federation) { try authority.sign($0, as: "coordinator") }
        try await federation.startServer()
        for site in 0..<3 {
            let waiting = try await join(site, federation)
            #expect(waiting.code == 75, "\(waiting.output)")
            #expect(waiting.output.contains("waits for the signature"), "\(waiting.output)")
        }
        // Whoever else has the token comes too late.
        let thief = try await join(0, federation, state: "thief")
        #expect(thief.code == 1)
        #expect(thief.output.contains("has been used"), "\(thief.output)")
        await federation.killServer()
        try await federation.startServer()
        let listed = try await federation.run("smpc-server", ["requests", "--state", federation.path("fed")])
        #expect(listed.contains("3 requests wait"), "\(listed)")
        for site in 0..<3 { #expect(listed.contains("site-\(site)  ")) }
        let doctor = try await federation.answer(
            "smpc-server",
            ["doctor", "--state", federation.path("fed"), "--discovery", "off", "--listen", federation.address])
        #expect(
            doctor.output.contains("warning     authority key: the key of institution is elsewhere, 3 requests wait"),
            "\(doctor.output)")
        #expect(try await join(1, federation).code == 75)
        // One site stays and asks again by itself.
        let patient = try RunningProgram(
            "smpc-client",
            [
                "join", "--state", federation.path("site-2"), "--token-file", federation.path("tokens/site-2.token"),
                "--server", federation.address, "--signature-wait", "1h",
            ], log: federation.log("patient"))
        let signed = try requests(federation).enumerated().map { try authority.sign($1, as: "signed-\($0)") }
        #expect(signed.count == 3)
        try await federation.run("smpc-server", ["certify"] + signed + ["--state", federation.path("fed")])
        #expect(try requests(federation).isEmpty)
        #expect(await patient.end(within: .seconds(240)) == 0, "\(patient.output)")
        for site in 0..<2 {
            let joined = try await join(site, federation)
            #expect(joined.code == 0, "\(joined.output)")
        }
        #expect(try await join(0, federation, state: "thief").code == 1)
        try federation.startClients()
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(!FileManager.default.fileExists(atPath: federation.path("fed/ca-key.pem")))
        await federation.tearDown()
    }

    /// All certificates are due when the run begins; it goes on while people sign the next ones, and after.
    @Test func certificatesAreRenewedThroughSigningRequestsWhileTheRunGoesOn() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000, isMade: false)
        let authority = try OpenSSLAuthority(in: federation.directory)
        let fed = federation.path("fed")
        let now = Int64(Date.now.timeIntervalSince1970)
        // A site asks again after a twentieth of what is left.
        let end = now + 600
        func due(_ request: String, _ name: String) throws -> String {
            try authority.sign(request, as: name, from: now - 60 * 86_400, until: end)
        }
        try await self.federation(authority, federation) { try due($0, "first-coordinator") }
        try await federation.startServer()
        for site in 0..<3 { #expect(try await join(site, federation).code == 75) }
        let first = try requests(federation).enumerated().filter { !$1.hasSuffix("coordinator.csr") }
            .map { try due($1, "first-\($0)") }
        try await federation.run("smpc-server", ["certify"] + first + ["--state", fed])
        try await federation.joinAll()
        try federation.startClients()
        let areAsked = try await eventually(within: .seconds(180)) { try requests(federation).count == 4 }
        try #require(areAsked, "\(federation.lastWords)")
        let isSaid = await eventually(within: .seconds(30)) {
            federation.server?.output.contains("have the authority sign \(fed)/requests/coordinator.csr") == true
        }
        #expect(isSaid, "\(federation.lastWords)")
        let next = try requests(federation).enumerated().map { try authority.sign($1, as: "next-\($0)") }
        try await federation.run("smpc-server", ["certify"] + next + ["--state", fed])
        let isShown = await eventually(within: .seconds(30)) {
            federation.server?.output.contains("the own certificate is renewed") == true
        }
        #expect(isShown, "\(federation.lastWords)")
        let areRenewed = await eventually(within: .seconds(180)) {
            federation.clients.values.allSatisfy { $0.output.contains("the certificate is renewed") }
        }
        #expect(areRenewed, "\(federation.lastWords)")
        for state in ["fed", "site-0", "site-1", "site-2"] {
            #expect(try PartyIdentity.load(directory: federation.path(state)).certificate.notAfter > end, "\(state)")
        }
        for client in federation.clients.values { #expect(!client.output.contains("coordinator lost")) }
        #expect(try requests(federation).isEmpty)
        // What they connect with from now on.
        await federation.killServer()
        try await federation.startServer()
        try await federation.waitForRounds(3)
        await federation.tearDown()
    }

    @Test func certificatesThatDoNotFitAreRefusedByNameAndReason() async throws {
        let federation = try await ProcessFederation(sites: 3, isMade: false)
        let authority = try OpenSSLAuthority(in: federation.directory)
        try await self.federation(authority, federation) { try authority.sign($0, as: "coordinator") }
        try await federation.startServer()
        #expect(try await join(0, federation).code == 75)
        let request = try #require(try requests(federation).first)
        let other = try OpenSSLAuthority(in: federation.directory.appending(path: "other"))
        let coordinator = try authority.request("stranger", uri: "spiffe://test/coordinator")
        let nobody = try authority.request("nobody", uri: "https://example.org")
        let cases: [(file: String, reason: String)] = [
            (try authority.sign(request, as: "bare", extensions: []), "-copy_extensions copy"),
            (try authority.sign(request, as: "expired", days: "-1"), "expired on"),
            (try authority.sign(coordinator, as: "coordinator-of-another-key"), "no request waits"),
            (try authority.sign(nobody, as: "another-uri"), "exactly one URI"),
            (try other.sign(request, as: "another-authority"), "not signed by the federation's authority"),
            (authority.certificate, "authority's"),
            (request, "malformed certificate"),
            (authority.path("none.pem"), "no such file"),
        ]
        for (file, reason) in cases {
            let refused = try await federation.answer(
                "smpc-server", ["certify", file, "--state", federation.path("fed")])
            #expect(refused.code == 1, "\(file): \(refused.output)")
            #expect(refused.output.contains(file) && refused.output.contains(reason), "\(refused.output)")
        }
        #expect(try await join(0, federation).code == 75)
        // One good one among bad ones is taken in.
        let good = try authority.sign(request, as: "good")
        let mixed = try await federation.answer(
            "smpc-server", ["certify", cases[0].file, good, "--state", federation.path("fed")])
        #expect(mixed.code == 1 && mixed.output.contains("certificate of site-0"), "\(mixed.output)")
        #expect(try await join(0, federation).code == 0)
        // An invitation whose request still waits is taken back with it.
        #expect(try await join(1, federation).code == 75)
        try await federation.run("smpc-server", ["revoke", "site-1", "--state", federation.path("fed")])
        #expect(try requests(federation).isEmpty)
        let gone = try await join(1, federation)
        #expect(gone.code == 1 && gone.output.contains("does not know the token"), "\(gone.output)")
        await federation.tearDown()
    }

    @Test func onlyASuitableAuthorityHeadsAFederation() async throws {
        let federation = try await ProcessFederation(sites: 3, isMade: false)
        let authority = try OpenSSLAuthority(in: federation.directory)
        let leaf = try authority.sign(authority.request("leaf", uri: "https://example.org"), as: "leaf")
        let key = authority.path("ca-key.pem")
        for (file, reason) in [(leaf, "may not sign others"), (key, "no PEM certificate"), ("/none", "no such file")] {
            let refused = try await federation.answer(
                "smpc-server",
                ["init", "--state", federation.path("fed"), "--federation", "test", "--ca-cert", file])
            #expect(refused.code == 64 && refused.output.contains(reason), "\(refused.output)")
        }
        #expect(!FileManager.default.fileExists(atPath: federation.path("fed")))
        await federation.tearDown()
    }

    @Test func aLockedAuthorityLetsNobodyInAndUsesNoToken() async throws {
        let federation = try await ProcessFederation(sites: 3, isMade: false)
        let fed = federation.path("fed")
        func secret(_ text: String, _ name: String) throws -> String {
            try Data(text.utf8).write(to: URL(filePath: federation.path(name)))
            return federation.path(name)
        }
        let (first, second) = (try secret("correct horse\nsecond line\n", "first"), try secret("battery", "second"))
        try await federation.run(
            "smpc-server", ["init", "--state", fed, "--federation", "test", "--ca-passphrase-file", first])
        try await federation.invite()
        let wrong = try await federation.answer("smpc-server", ["run", "--state", fed, "--ca-passphrase-file", second])
        #expect(wrong.code == 1 && wrong.output.contains("the passphrase does not open it"), "\(wrong.output)")
        try await federation.startServer()
        #expect(federation.server?.output.contains("the authority is locked") == true)
        let locked = try await join(0, federation)
        #expect(locked.code == 75 && locked.output.contains("its authority is locked"), "\(locked.output)")
        await federation.killServer()
        // With another passphrase from now on, and then with none.
        try await federation.run(
            "smpc-server",
            ["passphrase", "--state", fed, "--ca-passphrase-file", first, "--new-passphrase-file", second])
        let old = try await federation.answer(
            "smpc-server", ["passphrase", "--state", fed, "--ca-passphrase-file", first, "--remove"])
        #expect(old.code == 1 && old.output.contains("the passphrase does not open it"), "\(old.output)")
        federation.serverOptions = ["--ca-passphrase-file", second]
        try await federation.startServer()
        #expect(try await join(0, federation).code == 0)
        await federation.killServer()
        try await federation.run(
            "smpc-server", ["passphrase", "--state", fed, "--ca-passphrase-file", second, "--remove"])
        federation.serverOptions = []
        try await federation.startServer()
        #expect(try await join(1, federation).code == 0)
        #expect(federation.server?.output.contains("horse") == false)
        await federation.tearDown()
    }
}
