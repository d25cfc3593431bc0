// SPDX-License-Identifier: MIT

import Aggregation
import Glibc
import Identity

/// Keeps an epoch's keys in a file of their own, bound to this instance of the state directory (protocol section 4).
///
/// The file is to be left out of backups: a copy that is restored beside another instance is not used.
struct EpochKeysFile: Sendable {
    let path: String
    /// 16 bytes that begin the file.
    let instance: [UInt8]

    /// What the file holds.
    enum Content {
        case nothing
        case keys(EpochKeys)
        /// The file is torn or changed.
        case damaged
        /// The keys are those of another copy of this state directory.
        case anotherInstance
    }

    /// Looks at the file.
    var content: Content {
        guard let bytes = SiteDirectory.read(path) else { return PrivateFile.exists(path) ? .damaged : .nothing }
        guard bytes.count >= instance.count else { return .damaged }
        guard bytes.starts(with: instance) else { return .anotherInstance }
        return EpochKeys(encoded: Array(bytes.dropFirst(instance.count))).map { .keys($0) } ?? .damaged
    }

    /// Reads the keys; nil without a file, or with one that cannot be used.
    func read() -> EpochKeys? {
        if case .keys(let keys) = content { keys } else { nil }
    }

    /// Replaces the file durably, then wipes the blocks of the old one.
    func write(_ keys: EpochKeys) throws {
        let old = open(path, O_WRONLY | O_CLOEXEC)
        defer { if old >= 0 { close(old) } }
        try PrivateFile.write(instance + keys.encoded(), to: path)
        wipe(old)
    }

    /// Overwrites the keys and removes the file.
    func remove() throws {
        let old = open(path, O_WRONLY | O_CLOEXEC)
        defer { if old >= 0 { close(old) } }
        try SiteDirectory.remove(path)
        wipe(old)
    }

    /// Overwrites a file that no name leads to any more. On a file system that writes elsewhere (copy-on-write, flash)
    /// the old blocks may outlive this: the disk itself has to be encrypted against whoever steals it.
    private func wipe(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 0, lseek(descriptor, 0, SEEK_SET) == 0 else { return }
        let zeros = [UInt8](repeating: 0, count: Int(size))
        _ = Glibc.write(descriptor, zeros, zeros.count)
        fsync(descriptor)
    }
}
