// SPDX-License-Identifier: MIT

import Foundation
import Storage
import Testing

/// Disks that fail under real processes: each ends with a sentence that says what to do, sends nothing that is not on disk, and
/// goes on when it can.
@Suite(.serialized, .ownThread, .timeLimit(.minutes(10))) struct DiskTests {
    /// Has the flushes of a program fail, each thread's from this one on.
    private static func failing(from flush: Int) -> [String] {
        [
            "/usr/bin/strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e",
            "inject=fsync,fdatasync:error=EIO:when=\(flush)+",
        ]
    }

    /// The room that a disk has left when the rounds begin, in kilobytes: a round takes 75 or so of a server or a site, so that
    /// it is full after nine, whenever this test looks.
    private static let roomForSomeRounds = 768

    private static let hasStrace = FileManager.default.isExecutableFile(atPath: "/usr/bin/strace")

    @Test(.enabled(if: SmallDisk.isPossible, "needs unshare and user namespaces"))
    func aServerWhoseDiskIsFullSaysSoAndGoesOnLater() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 30)
        let disk = try await SmallDisk(over: federation.path("fed"), kilobytes: 16_384)
        defer { disk.remove() }
        federation.serverPrefix = disk.prefix
        try await federation.startServer()
        try await federation.joinAll()
        try disk.fill(leaving: Self.roomForSomeRounds)
        try federation.startClients()
        #expect(await federation.serverEnd(within: .seconds(120)) == 1, "\(federation.lastWords)")
        let words = federation.server?.output ?? ""
        #expect(words.contains("round 2/30"), "\(words)")
        #expect(words.localizedCaseInsensitiveContains("no space") && words.contains("make room"), "\(words)")
        #expect(!words.contains("disk I/O error"), "\(words)")
        disk.makeRoom()
        try await federation.startServer()
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes().count == 30)
        await federation.tearDown()
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs unshare and user namespaces"))
    func aSiteWhoseDiskIsFullSaysSoAndGoesOnLater() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 30)
        federation.serverOptions = ["--rejoin-wait", "300s"]
        try await federation.startServer()
        try await federation.joinAll()
        let disk = try await SmallDisk(over: federation.path("site-1"), kilobytes: 16_384)
        defer { disk.remove() }
        federation.clientPrefixes[1] = disk.prefix
        try disk.fill(leaving: Self.roomForSomeRounds)
        try federation.startClients()
        let site = try #require(federation.clients[1])
        #expect(await site.end(within: .seconds(120)) == 1, "\(federation.lastWords)")
        #expect(federation.server?.output.contains("round 2/30") == true, "\(federation.lastWords)")
        #expect(
            site.output.localizedCaseInsensitiveContains("no space")
                && (site.output.contains("make room") || site.output.contains("free space")), "\(site.output)")
        disk.makeRoom()
        try federation.startClient(1)
        try await expectTheEnd(of: federation)
    }

    /// A flush that failed says nothing about what is on disk, so that nothing that rests on it may go out.
    @Test(.enabled(if: hasStrace, "needs strace")) func aServerWhoseFlushFailsSaysSoAndGoesOnLater() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 30)
        try await federation.startServer()
        try await federation.joinAll()
        await federation.killServer()
        federation.serverPrefix = Self.failing(from: 12)
        try await federation.startServer()
        try federation.startClients()
        #expect(await federation.serverEnd(within: .seconds(300)) == 1, "\(federation.lastWords)")
        expectSentence(federation.server)
        federation.serverPrefix = []
        try await federation.startServer()
        try await expectTheEnd(of: federation)
    }

    @Test(.enabled(if: hasStrace, "needs strace")) func aSiteWhoseFlushFailsSaysSoAndGoesOnLater() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 30)
        federation.serverOptions = ["--rejoin-wait", "300s"]
        try await federation.startServer()
        try await federation.joinAll()
        federation.clientPrefixes[1] = Self.failing(from: 8)
        try federation.startClients()
        #expect(await federation.clients[1]?.end(within: .seconds(300)) == 1, "\(federation.lastWords)")
        expectSentence(federation.clients[1])
        federation.clientPrefixes = [:]
        try federation.startClient(1)
        try await expectTheEnd(of: federation)
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs unshare and user namespaces"))
    func onADiskThatMayOnlyBeReadNothingBegins() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        try await federation.waitForRounds(2)
        await federation.killServer()
        await federation.killClient(1)
        let disks = [
            try await SmallDisk(over: federation.path("fed"), kilobytes: 16_384),
            try await SmallDisk(over: federation.path("site-1"), kilobytes: 16_384),
        ]
        defer { for disk in disks { disk.remove() } }
        federation.serverPrefix = disks[0].prefix
        federation.clientPrefixes[1] = disks[1].prefix
        for disk in disks { try await disk.remount(readOnly: true) }
        let facts = (federation.serverFacts("roundOpened"), federation.siteFacts(1, "entered"))
        try federation.launchServer()
        try federation.startClient(1)
        for program in [federation.server, federation.clients[1]] {
            #expect(await program?.end(within: .seconds(60)) == 1, "\(federation.lastWords)")
            let words = program?.output ?? ""
            #expect(
                words.localizedCaseInsensitiveContains("read-only") || words.contains("may only be read"), "\(words)")
        }
        #expect(facts.0 > 0 && facts.1 > 0)
        for disk in disks { try await disk.remount(readOnly: false) }
        try await federation.startServer()
        try federation.startClient(1)
        try await federation.waitForRounds(3)
        await federation.tearDown()
    }

    /// What a power failure leaves behind the last flush: a piece of a page that nobody had promised anything on.
    @Test func aTornTailOfTheLogIsPassedOver() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        try await federation.waitForRounds(2)
        await federation.killServer()
        await federation.killClient(1)
        for log in ["fed/\(ServerStore.fileName)-wal", "site-1/\(MemberStore.fileName)-wal"] {
            let handle = try FileHandle(forWritingTo: URL(filePath: federation.path(log)))
            try handle.seekToEnd()
            try handle.write(contentsOf: [UInt8](repeating: 0x5a, count: 2_500))
            try handle.close()
        }
        try await federation.startServer()
        try federation.startClient(1)
        try await federation.waitForRounds(3)
        await federation.tearDown()
    }

    // MARK: Copies

    @Test func aSecondProcessOnAStateDirectoryIsRefused() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        try await federation.waitForRounds(1)
        let (server, site) = (federation.server, federation.clients[1])
        try federation.launchServer()
        try federation.startClient(1)
        for (second, first) in [(federation.server, server), (federation.clients[1], site)] {
            #expect(await second?.end(within: .seconds(60)) == 1, "\(federation.lastWords)")
            let holder = first?.process.processIdentifier ?? 0
            #expect(second?.output.contains("in use by process \(holder); end that process first") == true)
        }
        #expect(server?.process.isRunning == true && site?.process.isRunning == true)
        for program in [server, site] { await program?.kill() }
        await federation.tearDown()
    }

    @Test func anOlderCopyOfTheServersStateIsRefused() async throws {
        let federation = try await ProcessFederation(sites: 4, rounds: 2000)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        try await federation.waitForRounds(2)
        await federation.killServer()
        let (state, backup, newest) = (federation.path("fed"), federation.path("backup"), federation.path("newest"))
        try FileManager.default.copyItem(atPath: state, toPath: backup)
        try await federation.startServer()
        try await federation.waitForRounds(3)
        await federation.killServer()
        try FileManager.default.moveItem(atPath: state, toPath: newest)
        try FileManager.default.moveItem(atPath: backup, toPath: state)
        try await federation.startServer()
        #expect(await federation.serverEnd(within: .seconds(120)) == 2, "\(federation.lastWords)")
        #expect(federation.server?.output.contains("is an older copy") == true, "\(federation.lastWords)")
        #expect(federation.server?.output.contains("put the newest one back") == true)
        // Those that it had listened to are told; the others find nobody any more.
        let told = await eventually(within: .seconds(120)) {
            federation.clients.values.count { !$0.process.isRunning && $0.process.terminationStatus == 2 } > 1
        }
        #expect(told, "\(federation.lastWords)")
        for site in 0..<4 { await federation.killClient(site) }
        // With the newest one the run goes on where it was.
        try FileManager.default.removeItem(atPath: state)
        try FileManager.default.moveItem(atPath: newest, toPath: state)
        try await federation.startServer()
        try federation.startClients()
        try await federation.waitForRounds(3)
        await federation.tearDown()
    }

    /// A copy of a whole state directory, made while the site ran, cannot tell that it is one. The coordinator has one
    /// connection for each site: the one that comes later takes it, and the other one ends and says why.
    @Test func ofASiteAndItsCopyOneEnds() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000)
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        try await federation.waitForRounds(2)
        federation.stop(1)
        try FileManager.default.copyItem(atPath: federation.path("site-1"), toPath: federation.path("copy"))
        federation.resume(1)
        let original = try #require(federation.clients[1])
        federation.homes[1] = "copy"
        try federation.startClient(1)
        #expect(await original.end(within: .seconds(120)) == 1, "\(original.output)")
        #expect(original.output.contains("another process has connected as this site"), "\(original.output)")
        await federation.tearDown()
    }

    // MARK: Support

    private func expectSentence(_ program: RunningProgram?) {
        let words = program?.output ?? ""
        #expect(
            words.contains("the disk failed") || words.contains("Input/output error"), "\(words.suffix(2_000))")
        #expect(words.contains("then run again") || words.contains("see to"), "\(words.suffix(2_000))")
    }

    private func expectTheEnd(of federation: ProcessFederation) async throws {
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes().count == federation.rounds)
        for (site, client) in federation.clients {
            #expect(await client.end(within: .seconds(60)) == 0, "site-\(site): \(client.output)")
        }
        await federation.tearDown()
    }
}
