// SPDX-License-Identifier: MIT

import Foundation
import Reporting
import Testing

/// The error of every round of real processes, found by training all parts of the data again.
@Suite(.serialized, .ownThread, .timeLimit(.minutes(10))) struct MeasureTests {
    private static let rounds = 4

    /// A run of three sites that has ended, with all of its models.
    private func ended(_ encoding: String, killing: Bool = false) async throws -> ProcessFederation {
        let federation = try await ProcessFederation(
            sites: 3, rounds: killing ? ProcessFederation.manyRounds : Self.rounds)
        federation.encoding = encoding
        federation.serverOptions = ["--keep-models", "--clip", "0.05"]
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        if killing {
            let reached = await eventually(within: .seconds(180)) { federation.serverFacts("resultMade") > 3 }
            #expect(reached, "\(federation.lastWords)")
            await federation.killServer()
            try await federation.startServer()
        }
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        for client in federation.clients.values { #expect(await client.end(within: .seconds(60)) == 0) }
        return federation
    }

    /// Runs `fedavg measure` and gives its exit code and what it says.
    private func measure(
        _ federation: ProcessFederation, dataset: String = "synthetic:600,32,10", sites: String = "site-0,site-1,site-2"
    ) async throws -> (code: Int32?, output: String) {
        let program = try RunningProgram(
            "fedavg",
            [
                "measure", federation.path("metrics"), "--parts", "3", "--sites", sites, "--dataset", dataset,
                "--partition", "iid",
            ], log: federation.log("measure"))
        return (await program.end(within: .seconds(120)), program.output)
    }

    private func records(_ federation: ProcessFederation) throws -> [RoundRecord] {
        try RunReader.read(directory: federation.path("metrics")).rounds
    }

    @Test(arguments: ["16", "9"]) func everyErrorIsWithinItsBound(encoding: String) async throws {
        let federation = try await ended(encoding)
        let before = try records(federation)
        let (code, output) = try await measure(federation)
        #expect(code == 0, "\(output)")
        let measured = try records(federation)
        #expect(measured.count == Self.rounds && measured[0].clipped == 3)
        for (round, unmeasured) in zip(measured, before) {
            let (error, bound) = (try #require(round.errorMeasured), try #require(round.errorBound))
            #expect(error > 0 && error <= bound, "round \(round.round): \(error), \(bound)")
            #expect(round.clampedDigits == 0)
            var rest = round
            (rest.errorMeasured, rest.clampedDigits) = (nil, nil)
            #expect(rest == unmeasured)
        }
        // A second time finds the same.
        #expect(try await measure(federation).code == 0)
        #expect(try records(federation) == measured)
        await federation.tearDown()
    }

    @Test func anExactRunIsReproducedToTheBit() async throws {
        let federation = try await ended("exact")
        let (code, output) = try await measure(federation)
        #expect(code == 0, "\(output)")
        #expect(try records(federation).allSatisfy { $0.errorMeasured == 0 && $0.clampedDigits == 0 })
        let wrong = try await measure(federation, dataset: "synthetic:660,32,10")
        #expect(wrong.code == 3, "\(wrong.output)")
        #expect(wrong.output.contains("round 1: the updates, trained again, do not sum to the model after it"))
        await federation.tearDown()
    }

    @Test func aServerThatWasKilledKeepsEveryModel() async throws {
        let federation = try await ended("12", killing: true)
        let (code, output) = try await measure(federation)
        #expect(code == 0, "\(output)")
        #expect(try records(federation).count == federation.rounds)
        await federation.tearDown()
    }

    @Test func whatIsNotTheRunsIsRefusedAndChangesNoRecord() async throws {
        let federation = try await ended("16")
        let records = try Data(contentsOf: URL(filePath: federation.path("metrics/rounds.jsonl")))
        let stranger = try await measure(federation, sites: "site-0,site-1,site-9")
        #expect(stranger.code == 64 && stranger.output.contains("site-2: took part in round 1"), "\(stranger.output)")
        // One bit of one parameter.
        let model = URL(filePath: federation.path("metrics/models/round-0002.safetensors"))
        let good = try Data(contentsOf: model)
        var bad = good
        bad[bad.count - 2] ^= 1
        try bad.write(to: model)
        let (code, output) = try await measure(federation)
        #expect(code == 3 && output.contains("round-0002.safetensors: does not hold the parameters"), "\(output)")
        try FileManager.default.removeItem(at: model)
        let missing = try await measure(federation)
        #expect(missing.code == 1 && missing.output.contains("--keep-models"), "\(missing.output)")
        #expect(try Data(contentsOf: URL(filePath: federation.path("metrics/rounds.jsonl"))) == records)
        try good.write(to: model)
        // Other data give other updates, far from the mean that was applied.
        let other = try await measure(federation, dataset: "synthetic:660,32,10")
        #expect(other.code == 3 && other.output.contains("exceeds its bound in round"), "\(other.output)")
        await federation.tearDown()
    }
}
