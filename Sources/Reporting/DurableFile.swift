// SPDX-License-Identifier: MIT

import Glibc

/// Performs file operations that are on disk when they return.
enum DurableFile {
    /// Reads a whole file; nil when it does not exist.
    static func read(_ path: String) throws(ReportingError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return content }
            content += chunk[..<count]
        }
    }

    /// Replaces a file by a new one with this content: after a crash the old or the new one is there, whole.
    static func replace(_ path: String, with content: [UInt8]) throws(ReportingError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        defer { close(descriptor) }
        try write(content, to: descriptor, path: temporary)
        guard rename(temporary, path) == 0 else { throw failure("rename to \(path)", temporary) }
        try synchronizeDirectory(of: path)
    }

    /// Writes all bytes at the descriptor's position and waits until they are on disk.
    static func write(_ content: [UInt8], to descriptor: Int32, path: String) throws(ReportingError) {
        var rest = content[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, [UInt8](rest), rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("flush", path) }
    }

    /// Makes a directory and its parents.
    static func makeDirectory(_ path: String) throws(ReportingError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw failure("create the directory", path)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("create the directory", path) }
    }

    /// Waits until the entry of a file in its directory is on disk.
    static func synchronizeDirectory(of path: String) throws(ReportingError) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush", directory) }
    }

    /// Describes the failure that `errno` holds.
    static func failure(_ operation: String, _ path: String) -> ReportingError {
        .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}
