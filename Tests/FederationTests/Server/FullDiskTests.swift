// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import Testing

/// A small disk of its own, in a mount namespace that nobody else sees: a tmpfs, made and held by a process.
private final class SmallDisk {
    private let holder = Process()
    let path: String
    /// The disk as this process sees it.
    private var seen: String { "/proc/\(holder.processIdentifier)/root\(path)" }

    /// Whether this machine lets its users make one.
    static let isPossible: Bool = {
        let probe = Process()
        probe.executableURL = URL(filePath: "/usr/bin/env")
        probe.arguments = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return false }
        probe.waitUntilExit()
        return probe.terminationStatus == 0
    }()

    /// Mounts a disk over a directory, and copies what lies there onto it.
    init(over path: String, kilobytes: Int) async throws {
        self.path = path
        let script = """
            set -e; cp -a "$0" "$0.before"; mount -t tmpfs -o size=\(kilobytes)k,mode=700 none "$0"
            cp -a "$0.before/." "$0"; touch "$0/is-mounted"; exec sleep 3600
            """
        holder.executableURL = URL(filePath: "/usr/bin/env")
        holder.arguments = ["unshare", "-rm", "sh", "-c", script, path]
        holder.standardInput = FileHandle.nullDevice
        holder.standardOutput = FileHandle.nullDevice
        try holder.run()
        let seen = seen
        let isMounted = await eventually(within: .seconds(10)) {
            FileManager.default.fileExists(atPath: "\(seen)/is-mounted")
        }
        try #require(isMounted)
    }

    /// The words before a command that runs it there.
    var prefix: [String] {
        ["/usr/bin/nsenter", "--preserve-credentials", "-U", "-m", "-t", "\(holder.processIdentifier)"]
    }

    /// Leaves no room.
    func fill() throws {
        let file = open("\(seen)/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let block = [UInt8](repeating: 1, count: 4096)
        while write(file, block, block.count) > 0 {}
    }

    func makeRoom() { unlink("\(seen)/ballast") }

    /// The holder has inherited the signal mask of a test's thread, which blocks all but this one.
    func remove() { kill(holder.processIdentifier, SIGKILL) }
}

/// The disk of a server that is full in the middle of a run.
@Suite(.serialized, .timeLimit(.minutes(10))) struct FullDiskTests {
    @Test(.enabled(if: SmallDisk.isPossible, "needs unshare and user namespaces"))
    func aServerWhoseDiskIsFullSaysSoAndGoesOnLater() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 30)
        let disk = try await SmallDisk(over: federation.path("fed"), kilobytes: 16_384)
        defer { disk.remove() }
        federation.serverPrefix = disk.prefix
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        let applied = await eventually(within: .seconds(120)) {
            federation.server?.output.contains("round 2/30") == true
        }
        #expect(applied, "\(federation.lastWords)")
        try disk.fill()
        #expect(await federation.serverEnd(within: .seconds(60)) == 1, "\(federation.lastWords)")
        let words = federation.server?.output ?? ""
        #expect(words.localizedCaseInsensitiveContains("no space") && words.contains("make room"), "\(words)")
        #expect(!words.contains("disk I/O error"), "\(words)")
        disk.makeRoom()
        try await federation.startServer()
        #expect(await federation.serverEnd() == 0, "\(federation.lastWords)")
        #expect(try federation.paramsHashes().count == 30)
        await federation.tearDown()
    }
}
