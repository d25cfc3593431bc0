// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Real processes whose helper slots were drawn: one killed while it answers, a slot lost whole, pinned slots.
@Suite(.serialized, .ownThread) struct StandbyProcessTests {
    private static let rounds = 4

    private func started(
        sites: Int = 5, rounds: Int = Self.rounds, options: [String] = [], isPinned: Bool = false
    ) async throws -> ProcessFederation {
        let federation = try await ProcessFederation(sites: sites, rounds: rounds)
        try await federation.startServer()
        try await federation.joinAll()
        if isPinned { try await pin(federation) }
        if !options.isEmpty {
            // The pairs of --pinned are sites that have joined.
            await federation.killServer()
            federation.serverOptions = options
            try await federation.startServer()
        }
        try federation.startClients()
        return federation
    }

    private func undisturbed(
        _ options: [String] = [], isPinned: Bool = false
    ) async throws -> (hashes: [String], output: String) {
        let federation = try await started(options: options, isPinned: isPinned)
        let code = await federation.serverEnd()
        #expect(code == 0, "\(federation.lastWords)")
        let found = (try federation.paramsHashes(), federation.server?.output ?? "")
        await federation.tearDown()
        return found
    }

    /// Writes the pairs of `--pinned site-0+site-1,site-2+site-3` into every site's policy.
    private func pin(_ federation: ProcessFederation) async throws {
        let list = try await federation.run("smpc-server", ["members", "--state", federation.path("fed")])
        let ids = try (0..<4).map { site in
            let line = try #require(list.split(separator: "\n").first { $0.hasPrefix("site-\(site) ") })
            return try #require(line.split(separator: " ").dropFirst().first)
        }
        let line = "pinned_slots = [[\"\(ids[0])\", \"\(ids[1])\"], [\"\(ids[2])\", \"\(ids[3])\"]]\n"
        for site in 0..<federation.sites {
            let path = federation.path("site-\(site)/policy.toml")
            let policy = try String(contentsOfFile: path, encoding: .utf8)
            try (policy + line).write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    /// The sites that hold a slot, by what they said themselves: primary and standby.
    private func holders(_ slot: Int, _ federation: ProcessFederation) async -> [Int] {
        var found: [Int] = []
        _ = await eventually(within: .seconds(120)) {
            found = ["primary", "standby"].compactMap { part in
                (0..<federation.sites).first {
                    federation.clients[$0]?.output.contains("this site is the \(part) of slot \(slot)") == true
                }
            }
            return found.count == 2
        }
        return found
    }

    @Test func allPinnedAndSampledSlotsGiveTheSameModel() async throws {
        let sampled = try await undisturbed()
        #expect(sampled.hashes.count == Self.rounds)
        #expect(sampled.output.contains("5 sites, 2 helper slots with standby."))
        #expect(sampled.output.contains("2 slots, f = 1, a certificate of 4 votes, sums over at least 4 sites"))
        let all = try await undisturbed(["--slots", "all"])
        #expect(all.output.contains("5 sites, 5 helper slots (all)."))
        #expect(all.hashes == sampled.hashes)
        let pinned = try await undisturbed(
            ["--slots", "pinned", "--pinned", "site-0+site-1,site-2+site-3"], isPinned: true)
        #expect(pinned.output.contains("5 sites, 2 helper slots with standby."))
        #expect(pinned.hashes == sampled.hashes)
    }

    /// Killed when it has voted, so that its answer never comes, and where it has answered before: in the last round of
    /// training, as the rounds behind it would lack its data.
    @Test func aPrimaryKilledWhileItAnswersCostsNoRound() async throws {
        let expected = try await undisturbed().hashes
        for step in ["locked", "answered"] {
            let federation = try await started()
            let primary = try #require(await holders(0, federation).first)
            let reached = await eventually(within: .seconds(180)) {
                federation.siteFacts(primary, "locked") >= Self.rounds && federation.siteFacts(primary, step) > 0
            }
            #expect(reached, "\(step): \(federation.lastWords)")
            await federation.killClient(primary)
            let code = await federation.serverEnd()
            #expect(code == 0, "killed at \(step):\n\(federation.lastWords)")
            #expect(try federation.paramsHashes() == expected, "killed at \(step)")
            await federation.tearDown()
        }
    }

    /// Three of five are left, too few for another epoch.
    @Test func aSlotThatIsLostWholeEndsTheRunWithinAMinuteAndIsNamed() async throws {
        let federation = try await started(sites: 5, rounds: 2000)
        let pair = await holders(1, federation)
        try #require(pair.count == 2, "\(federation.lastWords)")
        let reached = await eventually(within: .seconds(180)) { federation.siteFacts(pair[0], "uploaded") > 1 }
        #expect(reached, "\(federation.lastWords)")
        let died = ContinuousClock.now
        for site in pair { await federation.killClient(site) }
        let code = await federation.serverEnd(within: .seconds(90))
        let took = ContinuousClock.now - died
        #expect(code == 2, "\(federation.lastWords)")
        #expect(took <= .seconds(60), "\(took)")
        let output = federation.server?.output ?? ""
        #expect(output.contains("slot 1 is lost: its primary site-\(pair[0]) and its standby site-\(pair[1])"))
        let others = (0..<5).filter { !pair.contains($0) }
        for site in others {
            #expect(await federation.clients[site]?.end(within: .seconds(30)) == 2, "\(federation.lastWords)")
        }
        // What it lacked comes back: the run is taken up where it stopped.
        let applied = federation.serverFacts("applied")
        federation.serverOptions = ["--resume"]
        try await federation.startServer()
        try federation.startClients()
        let goesOn = await eventually(within: .seconds(180)) { federation.serverFacts("applied") > applied + 1 }
        #expect(goesOn, "\(federation.lastWords)")
        await federation.tearDown()
    }
}
