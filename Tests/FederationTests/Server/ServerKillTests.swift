// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import Primitives
import Reporting
import Testing

/// Kills a server process; what it promised must hold when it is started again.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ServerKillTests {
    /// So many that the run is not over before the last kill.
    private static let rounds = 20

    /// Runs every party until its connection ends.
    private func run(_ parties: [TestParty], port: Int) async {
        await withTaskGroup { group in
            for party in parties { group.addTask { try? await party.run(port: port) } }
        }
    }

    /// A federation of three with its parties enrolled; the process that enrolled them is killed.
    private func federation() async throws -> (server: TestServer, parties: [TestParty]) {
        let server = try TestServer()
        let process = try server.launch(rounds: Self.rounds)
        let parties = try await server.parties(3, port: try await server.port())
        kill(process.processIdentifier, SIGKILL)
        _ = await TestSite.exitCode(of: process)
        return (server, parties)
    }

    private func hashesOfAnUndisturbedRun() async throws -> [String] {
        let server = try TestServer()
        let serving = try server.start(rounds: Self.rounds)
        let port = try await server.port()
        await run(try await server.parties(3, port: port), port: port)
        _ = try await serving.value
        return try server.records().summary.paramsHashes
    }

    /// Runs to the end and compares.
    private func finish(_ server: TestServer, _ parties: [TestParty], expecting hashes: [String]) async throws {
        if await parties[0].outcome == nil {
            let process = try server.launch(rounds: Self.rounds)
            await run(parties, port: try await server.port())
            _ = await TestSite.exitCode(of: process)
            #expect(process.terminationStatus == 0)
        }
        let records = try server.records()
        #expect(records.summary.paramsHashes == hashes)
        #expect(records.rounds.count == Self.rounds)
        for party in parties { #expect(await party.paramsHashes.map(\.hex) == hashes) }
    }

    @Test func aServerKilledAtAnyTimeGoesOnWithTheSameSum() async throws {
        let hashes = try await hashesOfAnUndisturbedRun()
        let (server, parties) = try await federation()
        for _ in 0..<6 where await parties[0].outcome == nil {
            let process = try server.launch(rounds: Self.rounds)
            let port = try await server.port()
            let connected = Task { await run(parties, port: port) }
            // Some round, and any moment of it.
            try await Task.sleep(for: .microseconds(.random(in: 30_000...150_000)))
            kill(process.processIdentifier, SIGKILL)
            _ = await TestSite.exitCode(of: process)
            await connected.value
        }
        try await finish(server, parties, expecting: hashes)
    }

    /// strace ends the process inside its n-th flush to disk: before, between and after every durable step of a round.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/strace"), "needs strace"))
    func aServerKilledInsideAFlushGoesOnWithTheSameSum() async throws {
        let hashes = try await hashesOfAnUndisturbedRun()
        let (server, parties) = try await federation()
        for flush in stride(from: 4, through: 60, by: 3) where await parties[0].outcome == nil {
            let process = try server.launch(
                rounds: Self.rounds,
                trace: [
                    "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e",
                    "inject=fsync,fdatasync:signal=SIGKILL:when=\(flush)",
                ])
            if let port = try? await server.port(while: process) { await run(parties, port: port) }
            _ = await TestSite.exitCode(of: process)
        }
        try await finish(server, parties, expecting: hashes)
    }
}
