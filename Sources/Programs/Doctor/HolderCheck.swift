// SPDX-License-Identifier: MIT

import FoundationEssentials
import Glibc

/// Says whether a process runs on a state directory, without touching its lock: who took the lock even for a moment could
/// keep a run that begins at that moment from beginning.
public enum HolderCheck {
    /// Reads the kernel's list of locks (proc(5), `/proc/locks`).
    public static func run(directory: String) -> Check {
        guard let holder = holder(directory: directory) else {
            return .ok(.inUse, "no run is going on with this state directory")
        }
        return .ok(.inUse, "process \(holder) runs with this state directory; nothing here disturbs it")
    }

    /// The process that holds a state directory; nil if none does.
    public static func holder(directory: String) -> Int32? {
        var status = stat()
        guard stat("\(directory)/lock", &status) == 0,
            let locks = FileManager.default.contents(atPath: "/proc/locks")
        else { return nil }
        let written = FileManager.default.contents(atPath: "\(directory)/lock").flatMap {
            Int32(String(decoding: $0.prefix(16), as: UTF8.self).trimmingSpaces().split(separator: "\n").first ?? "")
        }
        return holder(
            inLocks: String(decoding: locks, as: UTF8.self), device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            written: written)
    }

    /// Finds the holder of a file in lines such as `1: FLOCK  ADVISORY  WRITE 4711 fe:01:131090 0 EOF`.
    ///
    /// Some file systems tell stat(2) another device than they lock; there the process that wrote its number counts.
    static func holder(inLocks text: String, device: UInt64, inode: UInt64, written: Int32?) -> Int32? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", let process = Int32(fields[4]) else { continue }
            let place = fields[5].split(separator: ":")
            guard place.count == 3, UInt64(place[2]) == inode, let major = UInt64(place[0], radix: 16),
                let minor = UInt64(place[1], radix: 16)
            else { continue }
            if (major, minor) == numbers(of: device) || process == written { return process }
        }
        return nil
    }

    /// Takes a device apart as glibc's major(3) and minor(3) do.
    private static func numbers(of device: UInt64) -> (major: UInt64, minor: UInt64) {
        ((device >> 8) & 0xfff | (device >> 32) & ~0xfff, device & 0xff | (device >> 12) & ~0xff)
    }
}
