// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Whole runs of real processes, whose sums the kernels or GMP compute.
@Suite(.serialized) struct ArithmeticTests {
    /// The hashes of the models of a run, in which some sites and the server compute as they are told.
    private func hashes(server: [String], sites: [[String]]) async throws -> [String] {
        let federation = try await ProcessFederation(sites: sites.count)
        federation.serverOptions = server
        try await federation.startServer()
        try await federation.joinAll()
        for (site, options) in sites.enumerated() {
            federation.clientOptions = options
            try federation.startClient(site)
        }
        let code = await federation.serverEnd()
        #expect(code == 0, "\(federation.lastWords)")
        let note = "GMP computes"
        #expect(federation.server?.output.contains(note) == server.contains("gmp"))
        for (site, options) in sites.enumerated() {
            #expect(federation.clients[site]?.output.contains(note) == options.contains("gmp"))
        }
        let hashes = try federation.paramsHashes()
        await federation.tearDown()
        return hashes
    }

    @Test func aRunByGMPGivesTheModelsOfARunByTheKernels() async throws {
        let gmp = ["--arithmetic", "gmp"]
        let expected = try await hashes(server: [], sites: [[], [], []])
        #expect(expected.count == 2)
        #expect(try await hashes(server: gmp, sites: [gmp, gmp, gmp]) == expected)
        #expect(try await hashes(server: gmp, sites: [gmp, ["--arithmetic", "field64"], []]) == expected)
    }
}
