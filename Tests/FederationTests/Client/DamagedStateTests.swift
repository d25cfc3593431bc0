// SPDX-License-Identifier: MIT

import Foundation
import Storage
import Testing

/// Real processes whose files were damaged while they were down: a clear refusal, never a second opening, never a trap.
@Suite(.serialized, .timeLimit(.minutes(10))) struct DamagedStateTests {
    /// Starts a run of so many rounds that it is not over before the damage, however late a test sees a fact.
    private func started(
        rounds: Int = 2000, _ options: [String] = [], samples: [Int: Int] = [:]
    ) async throws -> ProcessFederation {
        let federation = try await ProcessFederation(sites: 3, rounds: rounds)
        federation.samples = samples
        federation.serverOptions = options
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        return federation
    }

    /// Kills site 1 once it has recorded a fact.
    private func killed(at step: String, _ federation: ProcessFederation) async {
        let reached = await eventually(within: .seconds(180)) { federation.siteFacts(1, step) > 0 }
        #expect(reached, "\(step): \(federation.lastWords)")
        await federation.killClient(1)
    }

    /// Flips bits in the middle of a file.
    private func damage(_ path: String, from place: (Int) -> Int = { $0 / 2 }, count: Int = 1) throws {
        var bytes = try #require(FileManager.default.contents(atPath: path), "\(path) is missing")
        let start = place(bytes.count)
        for index in start..<min(start + count, bytes.count) { bytes[index] ^= 0x55 }
        try bytes.write(to: URL(filePath: path))
    }

    /// Starts site 1, which must end by itself, with exit code 1 and this sentence.
    private func expectRefusal(_ sentence: String, _ federation: ProcessFederation) async throws {
        try federation.startClient(1)
        let site = try #require(federation.clients[1])
        #expect(await site.end(within: .seconds(60)) == 1, "\(federation.lastWords)")
        #expect(site.process.terminationReason == .exit)
        #expect(site.output.contains(sentence), "\(site.output)")
    }

    @Test func aDamagedRecordIsRefused() async throws {
        let federation = try await started()
        await killed(at: "uploaded", federation)
        let path = federation.path("site-1/\(MemberStore.fileName)")
        // The log is written back first, as after a good end; then the page behind the first is damaged.
        try MemberStore(path: path).close()
        #expect(!FileManager.default.fileExists(atPath: "\(path)-wal"))
        try damage(path, from: { _ in 4096 }, count: 64)
        try await expectRefusal("damaged", federation)
        #expect(federation.clients[1]?.output.contains("begin anew in another directory") == true)
        await federation.tearDown()
    }

    @Test func anOlderCopyOfTheRecordIsRefused() async throws {
        let federation = try await started()
        let path = federation.path("site-1/\(MemberStore.fileName)")
        let reached = await eventually(within: .seconds(180)) { federation.siteFacts(1, "epochReady") > 0 }
        #expect(reached, "\(federation.lastWords)")
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: federation.path("old\(suffix)"))
            try FileManager.default.copyItem(atPath: path + suffix, toPath: federation.path("read\(suffix)"))
        }
        let copied = try MemberStore(path: federation.path("read")).facts().count
        let hasGoneOn = await eventually(within: .seconds(60)) {
            (try? MemberStore(path: path).facts().count) ?? 0 > copied
        }
        #expect(hasGoneOn, "\(federation.lastWords)")
        await federation.killClient(1)
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: federation.path("old\(suffix)"), toPath: path + suffix)
        }
        try await expectRefusal("an older copy of the record of what this site has sent", federation)
        await federation.tearDown()
    }

    @Test func aDeletedLogIsAnOlderRecord() async throws {
        let federation = try await started()
        await killed(at: "locked", federation)
        let path = federation.path("site-1/\(MemberStore.fileName)")
        for suffix in ["-wal", "-shm"] { try FileManager.default.removeItem(atPath: path + suffix) }
        try await expectRefusal("an older copy of the record of what this site has sent", federation)
        await federation.tearDown()
    }

    @Test func damagedParametersAreRefused() async throws {
        let federation = try await started()
        await killed(at: "entered", federation)
        let models = federation.path("site-1/models")
        for name in try FileManager.default.contentsOfDirectory(atPath: models) { try damage("\(models)/\(name)") }
        try await expectRefusal("does not hold the parameters that its name promises", federation)
        await federation.tearDown()
    }

    /// Without its keys the site does nothing in the old epoch; a new one follows, with the same sums.
    @Test func withDamagedKeysASiteWaitsForTheNextEpoch() async throws {
        let rounds = 100
        let federation = try await started(rounds: rounds)
        await killed(at: "epochReady", federation)
        try damage(federation.path("site-1/keys/epoch.keys"))
        try federation.startClient(1)
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes().count == rounds)
        #expect(federation.clients[1]?.output.contains("the keys of the last epoch are damaged") == true)
        await federation.tearDown()
    }

    /// The server has lost the upload with its process and asks for it again. The site cannot make it from the damaged file
    /// and makes no other.
    @Test func aDamagedUpdateIsNotReplaced() async throws {
        // Site 2 trains for seconds, so that it is killed before it has uploaded.
        let federation = try await started(["--rejoin-wait", "40s", "--local-epochs", "100"], samples: [2: 60_000])
        let opened = await eventually(within: .seconds(180)) { federation.serverFacts("roundOpened") > 0 }
        #expect(opened, "\(federation.lastWords)")
        await federation.killClient(2)
        await killed(at: "uploaded", federation)
        await federation.killServer()
        try #require(federation.serverFacts("survivorsFixed") == 0, "site 2 was quicker than the kill")
        try damage(federation.path("site-1/update/kept.update"))
        try await federation.startServer()
        try federation.startClient(1)
        try federation.startClient(2)
        #expect(await federation.serverEnd() == 2, "\(federation.lastWords)")
        #expect(
            federation.server?.output.contains("possible second opening: site-1") == true, "\(federation.lastWords)")
        #expect(federation.clients[1]?.output.contains("the update that was kept is missing or damaged") == true)
        #expect(federation.siteFacts(1, "uploaded") == 1 && federation.siteFacts(1, "updateKept") == 1)
        await federation.tearDown()
    }
}
