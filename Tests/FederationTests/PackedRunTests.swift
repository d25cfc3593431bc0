// SPDX-License-Identifier: MIT

import Foundation
import Reporting
import Testing

/// Whole runs of real processes whose updates travel in few bits.
@Suite(.serialized, .ownThread, .timeLimit(.minutes(10))) struct PackedRunTests {
    /// A running federation of three; such a run cannot be compared with another run:
    /// the rounding is drawn anew.
    private func started(
        _ encoding: String, rounds: Int = ProcessFederation.manyRounds
    ) async throws -> ProcessFederation {
        let federation = try await ProcessFederation(sites: 3, rounds: rounds)
        federation.encoding = encoding
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        return federation
    }

    /// Waits for the end: everybody has the server's model, and the records say how the rounds were encoded.
    private func expectOneModel(_ federation: ProcessFederation, _ encoding: String, _ comment: Comment = "")
        async throws
    {
        #expect(await federation.serverEnd() == 0, "\(comment)\n\(federation.lastWords)")
        for client in federation.clients.values { #expect(await client.end(within: .seconds(60)) == 0, comment) }
        let model = try #require(FileManager.default.contents(atPath: federation.path("fed/model.safetensors")))
        for site in 0..<federation.sites {
            let own = FileManager.default.contents(atPath: federation.path("site-\(site)/model.safetensors"))
            #expect(own == model, "site-\(site) \(comment)")
        }
        let records = try RunReader.read(directory: federation.path("metrics"))
        #expect(
            records.rounds.map(\.encoding) == ["32"] + Array(repeating: encoding, count: federation.rounds - 1), comment
        )
        #expect(records.summary.description.encoding == encoding)
        for round in records.rounds { #expect((round.errorBound ?? 0) > 0, comment) }
    }

    @Test(arguments: ["7", "8", "9", "12", "16", "21", "32"]) func everybodyEndsWithOneModel(encoding: String)
        async throws
    {
        let federation = try await started(encoding, rounds: 6)
        try await expectOneModel(federation, encoding)
        await federation.tearDown()
    }

    @Test func aSiteKilledAtAnyStepRepeatsItsRounding() async throws {
        for step in ["updateKept", "uploaded", "locked", "answered", "applied"] {
            let federation = try await started("16")
            let reached = await eventually(within: .seconds(180)) { federation.siteFacts(1, step) > 0 }
            #expect(reached, "\(step): \(federation.lastWords)")
            await federation.killClient(1)
            try federation.startClient(1)
            try await expectOneModel(federation, "16", "killed at \(step)")
            await federation.tearDown()
        }
    }

    @Test func theServerKilledAtAnyStepKnowsTheScale() async throws {
        for step in ["roundOpened", "survivorsFixed", "resultMade", "applied"] {
            let federation = try await started("9")
            let reached = await eventually(within: .seconds(180)) { federation.serverFacts(step) > 1 }
            #expect(reached, "\(step): \(federation.lastWords)")
            await federation.killServer()
            try await federation.startServer()
            try await expectOneModel(federation, "9", "killed at \(step)")
            await federation.tearDown()
        }
    }
}
