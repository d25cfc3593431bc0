// SPDX-License-Identifier: MIT

import Glibc

/// Holds a state directory for one running process: two runs on one state would answer twice under one identity.
///
/// An advisory lock (`flock`) on a file in the directory, which the kernel releases when the process ends, however it ends.
public final class StateLock: Sendable {
    /// What a directory is held for. Different uses go on beside each other.
    public enum Use: String, Sendable {
        /// A change of the authority's key or certificates.
        case authority = "authority.lock"
        /// A run.
        case run = "lock"
    }

    /// The directory held.
    public let directory: String
    private let descriptor: Int32

    /// Takes the lock at once, or names the process that holds it.
    ///
    /// - Throws: `ProgramError` with `usage` if the directory is missing, `failed` if it is held.
    public init(directory: String, for use: Use = .run) throws(ProgramError) {
        let path = "\(directory)/\(use.rawValue)"
        // Not the property until it is held: an initialiser that throws once all properties have values runs `deinit`, which
        // would close the descriptor a second time, when another thread may have been given the number.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw ProgramError(
                errno == ENOENT ? .usage : .failed, "cannot open the state directory: \(reason)", subject: directory,
                remedy: "name an existing one with --state")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(descriptor)
            close(descriptor)
            throw ProgramError(
                .failed, "in use by \(holder.map { "process \($0)" } ?? "another process")", subject: directory,
                remedy: use == .run
                    ? "end that process first, or name another directory with --state"
                    : "it changes the authority; call this again when it has ended")
        }
        let pid = [UInt8]("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, pid, pid.count, 0) == pid.count else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw ProgramError(.failed, "cannot write: \(reason)", subject: path)
        }
        self.directory = directory
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Reads the process id that the holder wrote.
    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count], as: UTF8.self).trimmingSpaces())
    }
}
