// SPDX-License-Identifier: MIT

import Glibc
import Reporting

/// Compares the room on a state directory's disk with what a run needs there.
public enum DiskSpaceCheck {
    /// What the database, its log and small files may take, in bytes.
    public static let databaseBytes = 64 << 20

    /// Checks the disk of a directory.
    ///
    /// - Parameters:
    ///   - needed: bytes; twice as many is enough not to be warned.
    ///   - what: says what needs them.
    public static func run(directory: String, needed: Int, for what: String) -> Check {
        var disk = statvfs()
        guard statvfs(directory, &disk) == 0 else {
            return .failed(
                .diskSpace, "\(directory): \(String(cString: strerror(errno)))",
                remedy: "name an existing directory with --state")
        }
        let files = disk.f_files > 0 ? Int(clamping: disk.f_favail) : nil
        return judge(
            free: Int(clamping: disk.f_bavail).multipliedClamping(by: Int(clamping: disk.f_frsize)), files: files,
            needed: needed, for: what)
    }

    /// Judges figures; `files` is how many more files the disk can hold, nil where there is no limit.
    static func judge(free: Int, files: Int?, needed: Int, for what: String) -> Check {
        let found = "\(NumberText.bytes(Double(free))) free, \(NumberText.bytes(Double(needed))) needed for \(what)"
        let figures = ["free_bytes": Double(free), "needed_bytes": Double(needed)]
        if let files, files < 64 {
            return .failed(
                .diskSpace, "\(found); the disk can hold \(files) more files",
                remedy: "remove files from that disk", figures: figures)
        }
        guard free >= needed else {
            return .failed(.diskSpace, found, remedy: "make room on that disk", figures: figures)
        }
        guard free / 2 >= needed else {
            return .warning(
                .diskSpace, found, remedy: "make room on that disk before something else fills it", figures: figures)
        }
        return .ok(.diskSpace, found, figures: figures)
    }
}

extension Int {
    /// Multiplies numbers that are not negative; what is too large becomes the largest.
    fileprivate func multipliedClamping(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
