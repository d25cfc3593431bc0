// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Sites that reach the coordinator and nobody else (protocol section 3, "Relay").
@Suite(.timeLimit(.minutes(15))) struct RelayedRunTests {
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
        await proxy.close()
        await federation.tearDown()
    }
}
