// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import Testing

@testable import SMPCClient
@testable import SMPCServer

/// Whole runs of the site's program against a server; addresses of peers come from the coordinator.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ClientRunTests {
    /// So many sites, joined.
    private func sites(_ count: Int, _ server: TestServer, port: Int) async throws -> [TestSite] {
        var sites: [TestSite] = []
        for number in 0..<count {
            let site = TestSite(part: number, of: count)
            try #require(try await site.join(server.invite("site-\(number)"), port: port) == 0)
            sites.append(site)
        }
        return sites
    }

    private func modelOfTheServer(_ server: TestServer) -> Data? {
        FileManager.default.contents(atPath: "\(server.state.directory)/model.safetensors")
    }

    @Test(arguments: [3, 4]) func everySiteEndsWithTheServersModel(count: Int) async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 3, cohort: count)
        let port = try await server.port()
        let sites = try await sites(count, server, port: port)
        let processes = try sites.map { try $0.run(port: port) }
        #expect(try await serving.value.outcome == .complete)
        for process in processes { #expect(await TestSite.exitCode(of: process) == 0) }
        let model = try #require(modelOfTheServer(server))
        for site in sites { #expect(site.model == model) }
    }

    /// Flushes of a short run, counted for each thread: the last ones need not be reached.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace")), arguments: [4, 9, 14, 19])
    func aSiteKilledInAFlushGoesOnWhereItWas(flush: Int) async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 2, cohort: 3, rejoinWait: .seconds(30))
        let port = try await server.port()
        let sites = try await sites(3, server, port: port)
        let trace = [
            "strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e",
            "inject=fsync,fdatasync:signal=SIGKILL:when=\(flush)",
        ]
        let victim = try sites[0].run(port: port, trace: trace)
        let others = try sites[1...].map { try $0.run(port: port) }
        let began = ContinuousClock.now
        let wasKilled = await TestSite.exitCode(of: victim) != 0
        let again = wasKilled ? [try sites[0].run(port: port)] : []
        #expect(try await serving.value.outcome == .complete)
        // The set-up of an epoch does not wait for its deadline of 30 s: the others learn where the site listens now.
        #expect(ContinuousClock.now - began < .seconds(29))
        for process in others + again { #expect(await TestSite.exitCode(of: process) == 0) }
        let model = try #require(modelOfTheServer(server))
        for site in sites { #expect(site.model == model) }
    }

    @Test func aTokenIsGoodForOneSiteAndAnIdentityIsNotOverwritten() async throws {
        let server = try TestServer()
        let serving = try server.start()
        let port = try await server.port()
        let token = try server.invite("site")
        let site = TestSite(part: 0, of: 1)
        #expect(try await site.join(token, port: port) == 0)
        let key = try PartyIdentity.load(directory: site.directory.path).id
        #expect(try await site.join(server.invite("other"), port: port) == 64)
        #expect(try PartyIdentity.load(directory: site.directory.path).id == key)
        #expect(try await TestSite(part: 0, of: 1).join(token, port: port) == 1)
        serving.cancel()
        _ = try? await serving.value
    }

    @Test func withoutIdentityOrServerTheExitCodeSaysSo() async throws {
        let site = TestSite(part: 0, of: 1)
        let process = try site.run(port: 9)
        #expect(await TestSite.exitCode(of: process) == 64)
    }
}
