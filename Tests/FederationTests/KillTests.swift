// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Real processes, killed without warning at each step that they record, and started again.
@Suite(.serialized, .ownThread) struct KillTests {
    private static let rounds = ProcessFederation.manyRounds

    /// What an undisturbed run of so many sites gives: every disturbed one must give the same.
    private func undisturbed(sites: Int, rounds: Int) async throws -> [String] {
        let federation = try await ProcessFederation(sites: sites, rounds: rounds)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        let code = await federation.serverEnd()
        #expect(code == 0, "\(federation.lastWords)")
        let hashes = try federation.paramsHashes()
        await federation.tearDown()
        return hashes
    }

    private func started(
        sites: Int, rounds: Int = Self.rounds, options: [String] = []
    ) async throws -> ProcessFederation {
        let federation = try await ProcessFederation(sites: sites, rounds: rounds)
        federation.serverOptions = options
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        return federation
    }

    @Test func aSiteKilledAtAnyStepComesBackAndSendsTheSameBytes() async throws {
        let expected = try await undisturbed(sites: 3, rounds: Self.rounds)
        #expect(expected.count == Self.rounds)
        for step in ["epochTaken", "epochReady", "entered", "updateKept", "uploaded", "locked", "answered", "applied"] {
            let federation = try await started(sites: 3)
            let reached = await eventually(within: .seconds(180)) { federation.siteFacts(1, step) > 0 }
            #expect(reached, "\(step): \(federation.lastWords)")
            await federation.killClient(1)
            try federation.startClient(1)
            let code = await federation.serverEnd()
            #expect(code == 0, "killed at \(step):\n\(federation.lastWords)")
            #expect(try federation.paramsHashes() == expected, "killed at \(step)")
            await federation.tearDown()
        }
    }

    @Test func theServerKilledAtAnyStepGoesOnWithTheSameSum() async throws {
        let expected = try await undisturbed(sites: 3, rounds: Self.rounds)
        for step in [
            "epochProposed", "epochReady", "roundOpened", "survivorsFixed", "certified", "resultMade", "applied",
        ] {
            let federation = try await started(sites: 3)
            let reached = await eventually(within: .seconds(180)) { federation.serverFacts(step) > 0 }
            #expect(reached, "\(step): \(federation.lastWords)")
            await federation.killServer()
            try await federation.startServer()
            let code = await federation.serverEnd()
            #expect(code == 0, "killed at \(step):\n\(federation.lastWords)")
            #expect(try federation.paramsHashes() == expected, "killed at \(step)")
            await federation.tearDown()
        }
    }

    @Test func threeOfFourGoOnWithoutTheOneThatIsGone() async throws {
        for step in ["epochReady", "uploaded", "locked"] {
            let federation = try await started(sites: 4, options: ["--rejoin-wait", "3s"])
            let reached = await eventually(within: .seconds(180)) { federation.siteFacts(2, step) > 0 }
            #expect(reached, "\(step): \(federation.lastWords)")
            await federation.killClient(2)
            let code = await federation.serverEnd()
            if code == 0 {
                #expect(try federation.paramsHashes().count == Self.rounds)
            } else {
                // Whoever may have answered uploads nothing under this base: of three, none may have. A kill that comes
                // late finds the site locked whatever the step was.
                #expect(
                    code == 2 && federation.siteFacts(2, "locked") > 0, "killed at \(step):\n\(federation.lastWords)")
                #expect(federation.server?.output.contains("site-2") == true)
            }
            await federation.tearDown()
        }
    }

    @Test func twoOfThreeWaitForTheThirdAndSayWhoIsMissing() async throws {
        // So many rounds that the run is not over before the kill.
        let federation = try await ProcessFederation(sites: 3, rounds: 2000)
        federation.serverOptions = ["--rejoin-wait", "3s"]
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        let reached = await eventually(within: .seconds(180)) { federation.siteFacts(0, "entered") > 0 }
        #expect(reached)
        await federation.killClient(0)
        let code = await federation.serverEnd()
        #expect(code == 2, "\(federation.lastWords)")
        #expect(federation.server?.output.contains("site-0") == true)
        for site in 1...2 {
            let code = await federation.clients[site]?.end(within: .seconds(30))
            #expect(code == 2, "\(federation.lastWords)")
        }
        await federation.tearDown()
    }
}
