// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import Testing

/// A small disk of its own, in a mount namespace that nobody else sees: a tmpfs, made and held by a process.
final class SmallDisk {
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
        // A directory says that it is there: a file would be open for writing for a moment, and keep the disk from being
        // mounted read-only.
        let script = """
            set -e; cp -a "$0" "$0.before"; mount -t tmpfs -o size=\(kilobytes)k,mode=700 none "$0"
            cp -a "$0.before/." "$0"; mkdir "$0/is-mounted"; exec sleep 3600
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

    /// Leaves room for so many kilobytes more, a multiple of four.
    func fill(leaving kilobytes: Int = 0) throws {
        let file = open("\(seen)/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        var room = statvfs()
        try #require(fstatvfs(file, &room) == 0)
        let block = [UInt8](repeating: 1, count: 4096)
        for _ in 0..<(Int(room.f_bavail) * Int(room.f_frsize) / block.count - kilobytes / 4) {
            try #require(write(file, block, block.count) == block.count)
        }
    }

    func makeRoom() { unlink("\(seen)/ballast") }

    /// Lets nothing be written any more, or lets it again; nothing may be open for writing there.
    func remount(readOnly: Bool) async throws {
        let mount = Process()
        mount.executableURL = URL(filePath: prefix[0])
        mount.arguments = Array(prefix.dropFirst()) + ["mount", "-o", "remount,\(readOnly ? "ro" : "rw")", path]
        try mount.run()
        try #require(await TestSite.exitCode(of: mount) == 0)
    }

    /// The holder has inherited the signal mask of a test's thread, which blocks all but this one.
    func remove() { kill(holder.processIdentifier, SIGKILL) }
}
