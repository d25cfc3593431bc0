// SPDX-License-Identifier: MIT

import Glibc
import Primitives

/// Reads and writes small files that only their owner may read (mode 0600), whole or not at all.
public enum PrivateFile {
    /// The most bytes that are read.
    public static let bytesMax = 4 * 1024 * 1024

    /// Replaces the file at `path` atomically: after a crash it holds the old bytes or the new ones.
    ///
    /// The directory is made if it is missing (mode 0700). Throws `fileUnwritable`.
    public static func write(_ bytes: [UInt8], to path: String) throws(IdentityError) {
        let directory = parent(of: path)
        try makeDirectory(directory)
        let temporary = "\(path).\(Hexadecimal.encode(SecureRandom.bytes(6))).new"
        do throws(IdentityError) {
            try writeDurably(bytes, to: temporary, as: path)
            guard rename(temporary, path) == 0 else { throw unwritable(path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronize(directory: directory)
    }

    /// Writes text as UTF-8.
    public static func write(_ text: String, to path: String) throws(IdentityError) {
        try write(Array(text.utf8), to: path)
    }

    /// Reads the whole file at `path`.
    ///
    /// Throws `fileMissing`, `fileUnreadable`, or `fileMalformed` for a file of more than `bytesMax`.
    public static func read(_ path: String) throws(IdentityError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw errno == ENOENT ? .fileMissing(path: path) : unreadable(path)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw unreadable(path)
            }
            bytes += piece[..<count]
            guard bytes.count <= bytesMax else {
                throw .fileMalformed(path: path, reason: "holds more than \(bytesMax) bytes")
            }
        }
    }

    /// Whether something lies at `path`.
    public static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Writes a new file, which errors call by the name that it will have.
    private static func writeDurably(
        _ bytes: [UInt8], to temporary: String, as path: String
    ) throws(IdentityError) {
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw unwritable(path) }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(file, Array(rest), rest.count)
            if count < 0, errno != EINTR { throw unwritable(path) }
            rest = rest.dropFirst(max(count, 0))
        }
        guard fsync(file) == 0 else { throw unwritable(path) }
    }

    /// Makes a directory and those above it, where they are missing (mode 0700). Throws `fileUnwritable`.
    public static func makeDirectory(_ path: String) throws(IdentityError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, parent(of: path) != path else { throw unwritable(path) }
        try makeDirectory(parent(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw unwritable(path) }
    }

    /// Makes the rename itself durable.
    private static func synchronize(directory: String) throws(IdentityError) {
        let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw unwritable(directory) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw unwritable(directory) }
    }

    private static func parent(of path: String) -> String {
        var end = path[...]
        while end.count > 1, end.last == "/" { end.removeLast() }
        guard let slash = end.lastIndex(of: "/") else { return "." }
        return slash == end.startIndex ? "/" : String(end[..<slash])
    }

    private static func unreadable(_ path: String) -> IdentityError {
        .fileUnreadable(path: path, reason: String(cString: strerror(errno)))
    }

    private static func unwritable(_ path: String) -> IdentityError {
        .fileUnwritable(path: path, reason: String(cString: strerror(errno)))
    }
}
