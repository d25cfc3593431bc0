// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Storage
import Testing

/// Real processes whose certificates are renewed in the middle of a run.
@Suite(.serialized, .ownThread) struct RenewalRunTests {
    private static let rounds = ProcessFederation.manyRounds
    private static let year: Int64 = 365 * 86_400

    private static var now: Int64 { Int64(Date.now.timeIntervalSince1970) }

    /// What a run of three gives in which nothing is renewed.
    private func undisturbed() async throws -> [String] {
        let federation = try await ProcessFederation(sites: 3, rounds: Self.rounds)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        let hashes = try federation.paramsHashes()
        await federation.tearDown()
        return hashes
    }

    /// Gives a site another certificate of the federation's authority, as if it had been issued at `time`.
    private func reissue(
        _ site: Int, of federation: ProcessFederation, at time: Int64, passphrase: SecretBytes? = nil
    ) throws {
        let directory = federation.path("site-\(site)")
        let identity = try PartyIdentity.load(directory: directory)
        let authority = try CertificateAuthority.load(directory: federation.path("fed"), passphrase: passphrase)
        let certificate = try authority.issueParty(
            publicKey: identity.key.publicKey, name: "site-\(site)", now: time)
        try PartyIdentity(key: identity.key, certificate: certificate, authority: authority.certificate)
            .saveCertificates(directory: directory)
        let store = try ServerStore(path: federation.path("fed/\(ServerStore.fileName)"))
        defer { try? store.close() }
        #expect(try store.renew(identity.id, certificate: certificate.der))
    }

    private func certificate(_ site: Int, of federation: ProcessFederation) throws -> Certificate {
        try PartyIdentity.load(directory: federation.path("site-\(site)")).certificate
    }

    @Test func certificatesAreRenewedInTheMiddleOfARunWithoutALostRound() async throws {
        let expected = try await undisturbed()
        #expect(expected.count == Self.rounds)
        let federation = try await ProcessFederation(sites: 3, rounds: Self.rounds)
        federation.serverOptions = ["--rejoin-wait", "600s"]
        federation.clientOptions = ["--rejoin-wait", "600s"]
        try await federation.startServer()
        try await federation.joinAll()
        // Due in ten seconds, when the run has begun on most machines; on a slower one a little earlier in it.
        let end = Self.now + 10 + Renewal.leadSecondsMax
        for site in 0..<3 { try reissue(site, of: federation, at: end - Self.year) }
        let before = try (0..<3).map { try certificate($0, of: federation) }
        #expect(before.allSatisfy { $0.notAfter == end })
        try federation.startClients()
        let began = await eventually(within: .seconds(180)) { federation.siteFacts(2, "applied") >= 2 }
        #expect(began, "\(federation.lastWords)")
        // The third site keeps the run where it is until the two others are renewed.
        federation.stop(2)
        let renewed = try await eventually(within: .seconds(180)) {
            try (0..<2).allSatisfy { try certificate($0, of: federation).notAfter > end + 86_400 }
        }
        #expect(renewed, "\(federation.lastWords)")
        // What they connect with from now on is the new one.
        await federation.killServer()
        try await federation.startServer()
        federation.resume(2)
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes() == expected)
        for site in 0..<2 {
            let present = try certificate(site, of: federation)
            #expect(present.publicKey == before[site].publicKey && present.uris == before[site].uris)
            let output = try #require(federation.clients[site]).output
            #expect(output.ranges(of: "the certificate is renewed").count == 1, "\(output)")
            #expect(!output.contains("is not renewed"), "\(output)")
        }
        await federation.tearDown()
    }

    /// The plain arm does it in the same way.
    @Test func certificatesOfAPlainRunAreRenewed() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 100_000)
        federation.isPlain = true
        try await federation.startServer()
        try await federation.joinAll()
        let end = Self.now + 600
        for site in 0..<3 { try reissue(site, of: federation, at: end - Self.year) }
        try federation.startClients()
        let areRenewed = try await eventually(within: .seconds(180)) {
            try (0..<3).allSatisfy { try certificate($0, of: federation).notAfter > end }
        }
        #expect(areRenewed, "\(federation.lastWords)")
        // The new ones are what the sites come back with.
        await federation.killServer()
        try await federation.startServer()
        try await federation.waitForRounds(3)
        for client in federation.clients.values {
            #expect(client.output.ranges(of: "the certificate is renewed").count == 1, "\(client.output.suffix(2_000))")
        }
        await federation.tearDown()
    }

    /// Gives the server another certificate, as if it had been issued at `time`.
    private func reissueServer(of federation: ProcessFederation, at time: Int64, passphrase: SecretBytes) throws {
        let directory = federation.path("fed")
        let identity = try PartyIdentity.load(directory: directory)
        let authority = try CertificateAuthority.load(directory: directory, passphrase: passphrase)
        try PartyIdentity(
            key: identity.key, certificate: authority.issueCoordinator(publicKey: identity.key.publicKey, now: time),
            authority: authority.certificate
        ).saveCertificate(directory: directory)
    }

    /// A server that was started without the passphrase renews nobody, nor itself, and says so; started with it, it does. The
    /// run goes on.
    @Test func aLockedAuthorityRenewsWhenItIsOpened() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000, isMade: false)
        let passphrase = federation.path("passphrase")
        let opened = SecretBytes(Array("correct horse".utf8))
        try Data("correct horse".utf8).write(to: URL(filePath: passphrase))
        try await federation.run(
            "smpc-server",
            ["init", "--state", federation.path("fed"), "--federation", "test", "--ca-passphrase-file", passphrase])
        try await federation.invite()
        federation.serverOptions = ["--ca-passphrase-file", passphrase]
        try await federation.startServer()
        try await federation.joinAll()
        await federation.killServer()
        let end = Self.now + 600
        for site in 0..<3 {
            try reissue(site, of: federation, at: end - Self.year, passphrase: opened)
        }
        try reissueServer(of: federation, at: end - Self.year, passphrase: opened)
        federation.serverOptions = []
        try await federation.startServer()
        try federation.startClients()
        let areTold = await eventually(within: .seconds(180)) {
            federation.clients.values.allSatisfy { $0.output.contains("is not renewed yet: ") }
        }
        #expect(areTold, "\(federation.lastWords)")
        try await federation.waitForRounds(2)
        let isSaid = await eventually(within: .seconds(30)) {
            let words = federation.server?.output ?? ""
            return words.contains("the own certificate is not renewed yet")
                && words.contains("the authority is locked; start with --ca-passphrase-file")
        }
        #expect(isSaid, "\(federation.lastWords)")
        await federation.killServer()
        federation.serverOptions = ["--ca-passphrase-file", passphrase]
        try await federation.startServer()
        let areRenewed = try await eventually(within: .seconds(180)) {
            try (0..<3).allSatisfy { try certificate($0, of: federation).notAfter > end }
        }
        #expect(areRenewed, "\(federation.lastWords)")
        #expect(try PartyIdentity.load(directory: federation.path("fed")).certificate.notAfter > end)
        try await federation.waitForRounds(3)
        await federation.tearDown()
    }

    /// One authority takes another's place in the middle of a run. A site is off meanwhile, and comes back knowing only the old
    /// one; then that is retired, before the run is over.
    @Test func anAuthorityIsReplacedInTheMiddleOfARun() async throws {
        let expected = try await undisturbed()
        let federation = try await ProcessFederation(sites: 3, rounds: Self.rounds)
        federation.serverOptions = ["--rejoin-wait", "600s"]
        federation.clientOptions = ["--rejoin-wait", "600s"]
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        let began = await eventually(within: .seconds(180)) { federation.siteFacts(2, "applied") >= 2 }
        #expect(began, "\(federation.lastWords)")
        await federation.killClient(2)
        let old = try #require(Authorities.stored(in: federation.path("fed"))).current
        try await federation.run("smpc-server", ["authority", "roll", "--state", federation.path("fed")])
        let new = try #require(Authorities.stored(in: federation.path("fed")))
        #expect(new.succession?.previous == old)
        // The server that runs shows the new authority's certificate; whoever connects to it is led on.
        let isNoticed = await eventually(within: .seconds(60)) {
            federation.server?.output.contains("the authorities have changed") ?? false
        }
        #expect(isNoticed, "\(federation.lastWords)")
        await federation.killServer()
        try await federation.startServer()
        #expect(try await hasGoneOver(0, to: new, federation))
        #expect(try await hasGoneOver(1, to: new, federation))
        let early = try RunningProgram(
            "smpc-server", ["authority", "retire", "--state", federation.path("fed")], log: federation.log("early"))
        #expect(await early.end(within: .seconds(60)) == 1)
        #expect(early.output.contains("site-2"), "\(early.output)")
        // The first site keeps the run where it is.
        federation.stop(0)
        #expect(Authorities.stored(in: federation.path("site-2")) == Authorities(old))
        try federation.startClient(2)
        #expect(try await hasGoneOver(2, to: new, federation))
        try await federation.run("smpc-server", ["authority", "retire", "--state", federation.path("fed")])
        #expect(Authorities.stored(in: federation.path("fed")) == Authorities(new.current))
        await federation.killServer()
        try await federation.startServer()
        federation.resume(0)
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes() == expected)
        await federation.tearDown()
    }

    /// Waits until a site has a certificate of the new authority and accepts both.
    private func hasGoneOver(_ site: Int, to new: Authorities, _ federation: ProcessFederation) async throws -> Bool {
        let hasGone = try await eventually(within: .seconds(180)) {
            let identity = try PartyIdentity.load(directory: federation.path("site-\(site)"))
            return identity.authorities == new && identity.certificate.isSigned(by: new.current)
        }
        if !hasGone { Issue.record("site-\(site): \(federation.lastWords)") }
        return hasGone
    }

    @Test func aSiteWhoseCertificateHasEndedComesBackWithItsKeyAndRecords() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 1)
        try await federation.startServer()
        try await federation.joinAll()
        let before = try PartyIdentity.load(directory: federation.path("site-1"))
        try reissue(1, of: federation, at: Self.now - Self.year - 60)
        let facts = federation.siteFacts(1, "epochTaken")
        // A run says what to do.
        let refused = try RunningProgram(
            "smpc-client",
            [
                "run", "--state", federation.path("site-1"), "--server", federation.address, "--discovery", "off",
                "--dataset", "synthetic:600,32,10", "--part", "1/3",
            ], log: federation.log("refused"))
        #expect(await refused.end(within: .seconds(60)) == 1)
        #expect(refused.output.contains("join with it in the same directory"), "\(refused.output)")
        // The old token is used up; the operator makes another one under the same name.
        try await federation.run(
            "smpc-server", ["invite", "site-1", "--state", federation.path("fed"), "--out", federation.path("tokens")])
        try await federation.join(1)
        let after = try PartyIdentity.load(directory: federation.path("site-1"))
        #expect(after.id == before.id && after.certificate.notAfter > Self.now + 86_400)
        #expect(federation.siteFacts(1, "epochTaken") == facts)
        try federation.startClients()
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        let members = try await federation.run("smpc-server", ["members", "--state", federation.path("fed")])
        #expect(members.contains("3 members"), "\(members)")
        await federation.tearDown()
    }

    @Test func anIdentityWhoseCertificateHasNotEndedIsNotOverwritten() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 1)
        try await federation.startServer()
        try await federation.join(0)
        let again = try RunningProgram(
            "smpc-client",
            [
                "join", "--state", federation.path("site-0"), "--token-file", federation.path("tokens/site-1.token"),
                "--server", federation.address,
            ], log: federation.log("again"))
        #expect(await again.end(within: .seconds(60)) == 64)
        #expect(again.output.contains("not overwritten"), "\(again.output)")
        await federation.tearDown()
    }
}
