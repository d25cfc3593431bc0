// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Sites that reach the coordinator and nobody else (protocol section 3, "Relay").
@Suite(.ownThread, .timeLimit(.minutes(15))) struct RelayedRunTests {
    /// Four sites, each behind a proxy that leads to the coordinator alone: every exchange of keys is relayed.
    @Test func sitesThatReachOnlyTheCoordinatorTakePart() async throws {
        let federation = try await ProcessFederation(sites: 4)
        try await federation.startServer()
        try await federation.joinAll()
        let port = try #require(federation.address.split(separator: ":").last.flatMap { Int($0) })
        let proxy = try await NarrowProxy(to: port)
        federation.clientOptions = ["--proxy", proxy.address]
        try federation.startClients()
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes().count == 2)
        for (site, client) in federation.clients.sorted(by: { $0.key < $1.key }) {
            #expect(await client.end(within: .seconds(120)) == 0)
            let ways = client.output.firstMatch(of: /connections to other sites: (.*)/)
            // Both ends of a pair may ask: what counts is that none is direct.
            #expect(ways?.1 == "3 relayed by the coordinator", "site \(site): \(client.output)")
            let status = try await federation.run(
                "smpc-client", ["status", "--state", federation.path("site-\(site)")])
            #expect(status.contains("paths       3 relayed by the coordinator"))
        }
        await proxy.close()
        await federation.tearDown()
    }

    /// The doctor takes the same way, beside relays of the run, which goes on.
    @Test func aDoctorFindsTheRelayedWay() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2_000)
        try await federation.startServer()
        try await federation.joinAll()
        let port = try #require(federation.address.split(separator: ":").last.flatMap { Int($0) })
        let proxy = try await NarrowProxy(to: port)
        federation.clientOptions = ["--proxy", proxy.address]
        try federation.startClients()
        try await federation.waitForRounds(1)
        let report = try await doctor(federation, proxy)
        let peers = report.checks.filter { $0.name == "peer" }
        #expect(peers.count == 2)
        #expect(
            peers.allSatisfy { $0.state == "ok" && $0.found.hasPrefix("relayed by the coordinator (no direct path") },
            "\(peers)")
        // The next round comes, and nobody noticed.
        let applied = federation.serverFacts("applied")
        #expect(await eventually(within: .seconds(120)) { federation.serverFacts("applied") > applied + 2 })
        for client in federation.clients.values { #expect(!client.output.contains("coordinator lost")) }
        await proxy.close()
        await federation.tearDown()
    }

    private func doctor(_ federation: ProcessFederation, _ proxy: NarrowProxy) async throws -> DoctorReport {
        let program = try RunningProgram(
            "smpc-client",
            [
                "doctor", "--json", "--state", federation.path("site-0"), "--server", federation.address, "--discovery",
                "off", "--dataset", "synthetic:600,32,10", "--part", "0/\(federation.sites)", "--proxy", proxy.address,
            ], log: federation.log("doctor"))
        _ = await program.end(within: .seconds(120))
        let line = program.output.split(separator: "\n").first { $0.hasPrefix("{") }
        return try DoctorReport(String(try #require(line, "\(program.output)")))
    }

    /// A coordinator that relays nothing says so, and the run ends as one does whose sites do not find each other.
    @Test func aCoordinatorThatRelaysNothingSaysSo() async throws {
        let federation = try await ProcessFederation(sites: 3)
        federation.serverOptions = ["--relays", "0"]
        try await federation.startServer()
        try await federation.joinAll()
        let port = try #require(federation.address.split(separator: ":").last.flatMap { Int($0) })
        let proxy = try await NarrowProxy(to: port)
        federation.clientOptions = ["--proxy", proxy.address]
        try federation.startClients()
        let isTold = await eventually(within: .seconds(300)) {
            federation.clients.values.contains { $0.output.contains("takes no relays") }
        }
        #expect(isTold, "\(federation.lastWords)")
        let report = try await doctor(federation, proxy)
        let peers = report.checks.filter { $0.name == "peer" }
        #expect(peers.count == 2)
        #expect(
            peers.allSatisfy { $0.state == "warning" && $0.found.contains("; no relayed path either: the other site") },
            "\(peers)")
        await proxy.close()
        await federation.tearDown()
    }
}
