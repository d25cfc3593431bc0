// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Identity
import Learning
import Messages
import Primitives
import Programs
import Quantization
import Reporting
import Testing
import Transport

@testable import SMPCServer

@Suite(.timeLimit(.minutes(10))) struct ServerRunTests {
    /// Runs every party until its connection ends.
    private func run(_ parties: [TestParty], port: Int) async throws {
        try await withThrowingTaskGroup { group in
            for party in parties { group.addTask { try await party.run(port: port) } }
            try await group.waitForAll()
        }
    }

    @Test(arguments: [3, 5])
    func aRunEndsWithOneModelEverywhere(count: Int) async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 3, cohort: count)
        let port = try await server.port()
        let parties = try await server.parties(count, port: port)
        try await run(parties, port: port)
        #expect(try await serving.value.outcome == .complete)
        let records = try server.records()
        #expect(records.rounds.map(\.cohort) == [count, count, count])
        #expect(records.summary.outcome == .completed)
        #expect(records.summary.description.clients == count)
        let protection = try #require(records.summary.description.protection)
        #expect(protection.hasPrefix("\(count) sites, \(count) helper slots (all). The coordinator can open"))
        for party in parties {
            #expect(await party.paramsHashes.map(\.hex) == records.summary.paramsHashes)
            #expect(await party.outcome == .runEnded(try await serving.value))
        }
        // 6 of 8 right; the loss of model r is 4(r + 1)/8 per sample, as every party reports it.
        #expect(records.rounds.map(\.accuracy) == [0.75, 0.75, 0.75])
        #expect(records.rounds.map(\.loss) == [1, 1.5, 2])
        // The last record holds the closing round's bytes as well.
        #expect(records.rounds.map(\.bytesUpTotal) == [100, 100, 200])
        let model = try ModelFile(path: "\(server.state.directory)/model.safetensors").read()
        #expect(model.parameters.hash.hex == records.summary.paramsHashes.last)
    }

    @Test func whoIsMissingInASumIsNamedAndEveryModelIsKept() async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 3, cohort: 4, uploadWait: .seconds(20), keepsModels: true)
        let port = try await server.port()
        let parties = try await server.parties(4, port: port)
        await parties[2].hold(training: 2)
        try await run(parties, port: port)
        #expect(try await serving.value.outcome == .complete)
        let records = try server.records()
        #expect(records.rounds.map(\.absent) == [nil, ["site-2"], nil])
        #expect(records.rounds.map(\.dropouts) == [0, 1, 0])
        let models = KeptModels(metrics: server.metrics)
        #expect(try models.read(round: 0, paramsHash: nil).sum == nil)
        for record in records.rounds {
            let kept = try models.read(round: record.round, paramsHash: record.paramsHash)
            let sum = try #require(kept.sum)
            #expect(sum.participants.count == record.cohort && sum.members == record.members)
            #expect(Set(sum.participants).isDisjoint(with: record.absent ?? []))
            #expect(EncodingScale.name(bits: sum.bits) == record.encoding)
            #expect(!sum.isFirst, "only packed runs begin otherwise than they go on")
            #expect(kept.conditions.weightMax == 1024 && kept.conditions.model == "softmax:12-4")
        }
        #expect(throws: ProgramError.self) { try models.read(round: 4, paramsHash: nil) }
        #expect(throws: ProgramError.self) { try models.read(round: 1, paramsHash: records.rounds[1].paramsHash) }
    }

    @Test func aServerThatStopsInMidRoundGoesOnWithTheSameSum() async throws {
        let rounds = 20
        let undisturbed = try TestServer()
        let whole = try undisturbed.start(rounds: rounds)
        let wholePort = try await undisturbed.port()
        try await run(try await undisturbed.parties(3, port: wholePort), port: wholePort)
        _ = try await whole.value

        let server = try TestServer()
        var serving = try server.start(rounds: rounds)
        var port = try await server.port()
        let parties = try await server.parties(3, port: port)
        for _ in 0..<5 {
            let (present, task) = (port, serving)
            let connected = Task { try await run(parties, port: present) }
            // Some round, and any moment of it.
            try await Task.sleep(for: .microseconds(.random(in: 40_000...120_000)))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            _ = await connected.result
            serving = try server.start(rounds: rounds, mode: .resume)
            port = try await server.port()
        }
        try await run(parties, port: port)
        #expect(try await serving.value.outcome == .complete)
        #expect(try server.records().summary.paramsHashes == undisturbed.records().summary.paramsHashes)
    }

    @Test func aRevokedMemberIsShutOut() async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 2000, cohort: 4)
        let port = try await server.port()
        let parties = try await server.parties(4, port: port)
        let running = Task { try await run(parties, port: port) }
        while await parties[0].applied < 2 { try await Task.sleep(for: .milliseconds(20)) }  // until rounds go through
        _ = try server.state.store().revoke(parties[3].identity.id, now: unixNow())
        let store = try server.state.store()
        func members() throws -> Int? {
            try RunReader.readRounds(file: "\(server.metrics)/rounds.jsonl").last?.members
        }
        while try members() != 3 { try await Task.sleep(for: .milliseconds(50)) }  // until the next epoch
        await #expect(throws: (any Error).self) { try await parties[3].run(port: port) }
        #expect(try store.members().count { $0.revokedAt != nil } == 1)
        serving.cancel()
        _ = await serving.result
        _ = await running.result
    }

    @Test func aNewRunEndsTheUnfinishedOneUnlessItCannotBegin() async throws {
        let server = try TestServer()
        let first = try server.start()
        _ = try await server.port()
        first.cancel()
        _ = await first.result
        let log = FactLog(store: try server.state.store())
        let begun = try log.load()
        var broken = try server.choice(mode: .new)
        broken.initialFile = "\(server.directory)/missing"
        #expect(throws: (any Error).self) {
            try PreparedRun(
                broken, state: server.state, identity: server.state.identity(), store: server.state.store(), members: []
            )
        }
        #expect(try log.load() == begun)
        let second = try server.start(mode: .new, seed: 2)
        _ = try await server.port()
        second.cancel()
        _ = await second.result
        let facts = try log.load()
        #expect(facts.map(\.kind) == ["runBegan", "runEnded", "runBegan"])
    }

    @Test func strangersAreRefusedAndCounted() async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 1)
        let port = try await server.port()
        let parties = try await server.parties(3, port: port)
        let other = try TestServer()
        let stranger = try other.state.identity()
        await #expect(throws: (any Error).self) {
            try await dial(
                host: "127.0.0.1", port: port, identity: stranger.tlsIdentity,
                expecting: .coordinator(federation: try server.state.identity().federation))
        }
        try await run(parties, port: port)
        _ = try await serving.value
        #expect(try server.records().summary.counters.keys.contains { $0.hasPrefix("handshakes.") })
    }

    @Test func aTokenAdmitsOneKey() async throws {
        let server = try TestServer()
        let serving = try server.start()
        let port = try await server.port()
        let token = try server.invite("a")
        let key = try SigningKey.generate()
        let first = try await server.join(token, key: key, port: port)
        #expect(try await server.join(token, key: key, port: port).id == first.id)
        await #expect(throws: EnrolmentError.refused(.alreadyUsed)) {
            try await server.join(token, key: .generate(), port: port)
        }
        #expect(try server.state.store().members().map(\.id) == [first.id])
        serving.cancel()
        _ = await serving.result
    }

    @Test func aSecondRunFromTheSameParametersIsRefused() async throws {
        let server = try TestServer()
        let serving = try server.start(rounds: 1)
        let port = try await server.port()
        let parties = try await server.parties(3, port: port)
        try await run(parties, port: port)
        _ = try await serving.value
        let again = try server.start(rounds: 1)
        let error = await #expect(throws: (any Error).self) { try await again.value }
        #expect("\(String(describing: error))".contains("never upload under them again"))
        let other = try server.start(rounds: 1, seed: 2)
        let second = try await server.port()
        #expect(try RunHistory(FactLog(store: server.state.store()).load()).isUnfinished)
        other.cancel()
        _ = await other.result
        _ = second
    }
}
