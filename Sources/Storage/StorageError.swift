// SPDX-License-Identifier: MIT

import GRDB
import Glibc

/// Says what is wrong with a database, always with its file.
public enum StorageError: Error, Equatable, Sendable {
    /// Another process holds the database for too long.
    case busy(path: String)
    /// The file cannot be opened or created; `reason` is the system's.
    case cannotOpen(path: String, reason: String)
    /// The file is damaged, or not a database.
    case corrupt(path: String, reason: String)
    /// No space is left.
    case diskFull(path: String)
    /// The device failed; `reason` is SQLite's.
    case inputOutput(path: String, reason: String)
    /// A commit would not be on disk when it returns: the level of synchronization is not the one that was set.
    case notDurable(path: String, expected: Int, actual: Int)
    /// The file or its directory may only be read.
    case readOnly(path: String)
    /// Another failure of SQLite.
    case sqlite(path: String, code: Int32, reason: String)
    /// The file was made by a newer version of this program.
    case tooNew(path: String, version: Int, known: Int)
    /// The file belongs to another kind of state directory.
    case wrongKind(path: String, expected: String)
}

extension StorageError: CustomStringConvertible {
    /// Says in one line what happened, to which file, and what to do.
    public var description: String {
        switch self {
        case .busy(let path): "\(path): held by another process for too long; end it, then try again"
        case .cannotOpen(let path, let reason): "\(path): cannot be opened: \(reason)"
        case .corrupt(let path, let reason):
            "\(path): damaged (\(reason)); do not put an older copy in its place, which has forgotten what was sent: begin "
                + "anew in another directory, a site with join, a server with init"
        case .diskFull(let path): "\(path): no space is left on the disk; make room, then run again"
        case .inputOutput(let path, let reason): "\(path): the disk failed (\(reason)); check it, then run again"
        case .notDurable(let path, let expected, let actual):
            "\(path): commits are not durable (synchronous is \(actual), not \(expected))"
        case .readOnly(let path): "\(path): may only be read; check the owner and mode of the file and its directory"
        case .sqlite(let path, let code, let reason): "\(path): SQLite error \(code): \(reason)"
        case .tooNew(let path, let version, let known):
            "\(path): made by a newer version (\(version), this one knows \(known)); install that one"
        case .wrongKind(let path, let expected): "\(path): not the database of \(expected)"
        }
    }
}

extension StorageError {
    /// Files an error of GRDB under the case that says most.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StorageError: self = error
        case let error as DatabaseError: self = Self.filed(error, path)
        default: self = .cannotOpen(path: path, reason: "\(error)")
        }
    }

    private static func filed(_ error: DatabaseError, _ path: String) -> StorageError {
        let reason = error.message ?? "\(error.extendedResultCode)"
        return switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: .busy(path: path)
        case .SQLITE_CANTOPEN: .cannotOpen(path: path, reason: reason)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt(path: path, reason: reason)
        case .SQLITE_FULL: .diskFull(path: path)
        // SQLite names a full disk only where a plain write met it, not where a file could not grow or be flushed.
        case .SQLITE_IOERR: isFull(path) ? .diskFull(path: path) : .inputOutput(path: path, reason: reason)
        case .SQLITE_READONLY, .SQLITE_PERM: .readOnly(path: path)
        default: .sqlite(path: path, code: error.extendedResultCode.rawValue, reason: reason)
        }
    }

    /// Whether the file system of a file has less room than the smallest thing that SQLite adds to a file, 32 KiB.
    private static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 32 * 1024
    }
}
