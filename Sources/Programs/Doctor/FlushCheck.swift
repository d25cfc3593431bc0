// SPDX-License-Identifier: MIT

import Glibc
import Primitives
import Reporting

/// Writes and flushes a small file of its own in a state directory, as every durable record is, and removes it.
public enum FlushCheck {
    /// How often the file is written and flushed.
    public static let flushes = 8
    /// The bytes written before each flush.
    static let blockBytes = 4096
    /// A median above this is warned about: a site flushes some tens of times in a round.
    public static let medianMax = Duration.milliseconds(100)

    /// Gives the checks `state` (files can be written there) and `fsync`.
    public static func run(directory: String) -> [Check] {
        let path = "\(directory)/.doctor-\(Hexadecimal.encode(SecureRandom.bytes(6)))"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return unwritable(directory, errno) }
        defer {
            close(file)
            unlink(path)
        }
        var times: [Duration] = []
        let block = [UInt8](repeating: 0x5a, count: blockBytes)
        for _ in 0..<flushes {
            let began = ContinuousClock.now
            guard write(file, block, block.count) == block.count else { return unwritable(directory, errno) }
            guard fsync(file) == 0 else {
                let reason = String(cString: strerror(errno))
                return [
                    .ok(.state, "files can be written in \(directory)"),
                    .failed(
                        .fsync, "a flush failed: \(reason)",
                        remedy: "see to the disk: no run goes on where what is written may be lost"),
                ]
            }
            times.append(.now - began)
        }
        return [.ok(.state, "files can be written in \(directory)"), judge(times)]
    }

    /// Judges the times of flushes; there is at least one.
    static func judge(_ times: [Duration]) -> Check {
        let sorted = times.sorted()
        let (median, slowest) = (milliseconds(sorted[sorted.count / 2]), milliseconds(sorted[sorted.count - 1]))
        let found =
            "\(times.count) flushes took \(NumberText.fixed(median, 2)) ms (median), "
            + "\(NumberText.fixed(slowest, 2)) ms at the most"
        let figures = ["median_ms": median, "slowest_ms": slowest]
        guard sorted[sorted.count / 2] <= medianMax else {
            return .warning(
                .fsync, "\(found); the limit is \(NumberText.fixed(milliseconds(medianMax), 0)) ms",
                remedy: "put the state directory on a faster disk, or end what keeps this one busy", figures: figures)
        }
        return .ok(.fsync, found, figures: figures)
    }

    private static func unwritable(_ directory: String, _ code: Int32) -> [Check] {
        let remedy =
            switch code {
            case ENOSPC, EDQUOT: "make room on that disk"
            case EROFS: "mount the disk for writing, or name another directory with --state"
            default: "see to its permissions, or name another directory with --state"
            }
        return [
            .failed(
                .state, "nothing can be written in \(directory): \(String(cString: strerror(code)))", remedy: remedy),
            .notChecked(.fsync, "nothing can be written there", remedy: "mend that first"),
        ]
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
