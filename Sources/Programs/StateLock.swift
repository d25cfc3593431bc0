// SPDX-License-Identifier: MIT

import Glibc

/// Holds a state directory for one running process: two runs on one state would answer twice under one identity.
///
/// An advisory lock of an open file description (fcntl(2), `F_OFD_SETLK`) on a file in the directory, which the kernel
/// releases when the process ends, however it ends.
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
        var range = Self.wholeFile
        guard fcntl(descriptor, Self.setLock, &range) == 0 else {
            let (code, holder) = (errno, Self.writer(descriptor))
            close(descriptor)
            guard code == EAGAIN || code == EACCES else {
                throw ProgramError(.failed, "cannot be locked: \(String(cString: strerror(code)))", subject: path)
            }
            throw ProgramError(
                .failed, "in use by \(holder)", subject: directory,
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

    /// Says who holds a directory for a run, without touching the lock: whoever took it even for a moment could keep a run
    /// that begins at that moment from beginning.
    ///
    /// - Returns: such as `process 4711`; nil if nobody does.
    public static func holder(of directory: String) -> String? {
        let descriptor = open("\(directory)/\(Use.run.rawValue)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var range = wholeFile
        guard fcntl(descriptor, getLock, &range) == 0, range.l_type != F_UNLCK else { return nil }
        return writer(descriptor)
    }

    /// `F_OFD_GETLK` and `F_OFD_SETLK` of the kernel's `asm-generic/fcntl.h`, which Swift's Glibc module lacks.
    private static let (getLock, setLock): (Int32, Int32) = (36, 37)

    /// What is locked: for writing, from the first byte to whatever end.
    private static var wholeFile: flock {
        flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }

    /// The process whose id the holder wrote, which it does as soon as it holds the lock; the kernel does not say.
    private static func writer(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return Int32(text.trimmingSpaces()).map { "process \($0)" } ?? "another process"
    }
}
