// SPDX-License-Identifier: MIT

import Glibc
import Identity
import Primitives
import Programs
import Storage
import Synchronization

/// Tells whether a site's record of facts is whole and the newest one: how many facts were written, and a hash over all.
///
/// The database cannot tell that itself: an older copy put back, or one whose log was deleted, is a good database that has
/// forgotten what was sent. The seal is a file of its own, beside the epoch keys, which backups leave out. It is written
/// after a fact and before any byte that depends on it goes out, so that after a crash the record may be ahead of it by
/// what nobody has seen, and never behind.
///
/// The file has two places of 80 bytes, 4096 bytes apart: `sumseal1`, u64 count, 32 bytes hash, SHA-256 of these. They are
/// written in turn, so that one of them holds whatever happens to the other.
final class RecordSeal: Sendable {
    /// How many facts there are, and `H_k = H("record" ‖ H_{k-1} ‖ kind ‖ body)` over them, `H_0 = H("record" ‖ instance)`.
    struct Head: Equatable {
        private(set) var count: UInt64
        private(set) var hash: Digest

        init(instance: [UInt8]) {
            count = 0
            hash = LabeledBytes("record").variable(instance).hash
        }

        fileprivate init(count: UInt64, hash: Digest) {
            self.count = count
            self.hash = hash
        }

        mutating func add(kind: String, body: [UInt8]) {
            count += 1
            hash = LabeledBytes("record").fixed(hash).variable(Array(kind.utf8)).variable(body).hash
        }
    }

    /// Why a record is not believed.
    enum Doubt: Error, Equatable {
        /// There is no seal, or it is damaged.
        case noSeal
        /// Fewer facts than were written.
        case older(found: Int, written: UInt64)
        /// As many facts, or more, but others.
        case other(written: UInt64)
    }

    private static let magic = Array("sumseal1".utf8)
    private static let placeCount = 4096
    private static let sealCount = 80

    private let path: String
    private let head: Mutex<Head>

    /// Opens the seal of a record.
    ///
    /// - Parameter facts: read after the seal: another process may be writing both.
    /// - Throws: `Doubt` when the record is not the one that was sealed.
    init(path: String, instance: [UInt8], facts: () throws -> [StoredFact]) throws {
        guard let sealed = Self.read(path) else { throw Doubt.noSeal }
        let found = try facts()
        guard found.count >= sealed.count else { throw Doubt.older(found: found.count, written: sealed.count) }
        var head = Head(instance: instance)
        var isTheSame = sealed == head
        for fact in found {
            head.add(kind: fact.kind, body: fact.body)
            isTheSame = isTheSame || sealed == head
        }
        guard isTheSame else { throw Doubt.other(written: sealed.count) }
        self.path = path
        self.head = Mutex(head)
    }

    /// Writes the seal of a record without facts.
    static func make(_ path: String, instance: [UInt8]) throws {
        let first = encoded(Head(instance: instance))
        let padding = [UInt8](repeating: 0, count: placeCount - sealCount)
        try PrivateFile.write(first + padding + first + padding, to: path)
    }

    /// Adds facts that were just committed; the seal is on disk when this returns.
    func add(_ facts: [(kind: String, body: [UInt8])]) throws {
        try head.withLock { head in
            for fact in facts { head.add(kind: fact.kind, body: fact.body) }
            let file = open(path, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { throw failure() }
            defer { close(file) }
            let bytes = Self.encoded(head)
            let place = off_t(head.count % 2) * off_t(Self.placeCount)
            guard pwrite(file, bytes, bytes.count, place) == bytes.count, fdatasync(file) == 0 else { throw failure() }
        }
    }

    private func failure() -> IdentityError {
        .fileUnwritable(path: path, reason: String(cString: strerror(errno)))
    }

    /// The newer of the two places; nil if neither is whole.
    private static func read(_ path: String) -> Head? {
        guard let bytes = SiteDirectory.read(path) else { return nil }
        let places = [0, placeCount].compactMap { start in
            bytes.count >= start + sealCount ? decoded(Array(bytes[start..<start + sealCount])) : nil
        }
        return places.max { $0.count < $1.count }
    }

    private static func encoded(_ head: Head) -> [UInt8] {
        let count = (0..<8).map { UInt8(truncatingIfNeeded: head.count >> (8 * $0)) }
        let sealed = magic + count + head.hash.bytes
        return sealed + SHA256.hash(sealed).bytes
    }

    private static func decoded(_ bytes: [UInt8]) -> Head? {
        let sealed = Array(bytes[..<48])
        guard sealed.starts(with: magic), SHA256.hash(sealed).bytes == Array(bytes[48...]),
            let hash = Digest(bytes: Array(sealed[16...]))
        else { return nil }
        return Head(count: sealed[8..<16].reversed().reduce(0) { $0 << 8 | UInt64($1) }, hash: hash)
    }
}

extension RecordSeal.Doubt {
    /// Ends the program: says what is wrong with the record at `database`, and what to do.
    func programError(database: String, seal: String) -> ProgramError {
        let remedy =
            "put the newest one back, with its -wal file; if it is gone, join again as a new site, in another directory "
            + "with --state: without the record an update could be sent twice"
        switch self {
        case .noSeal:
            return ProgramError(
                .failed, "cannot be told from an older copy, because \(seal) is missing or damaged", subject: database,
                remedy: remedy)
        case .older(let found, let written):
            return ProgramError(
                .failed,
                "an older copy of the record of what this site has sent: it holds \(found) facts, and \(written) were "
                    + "written", subject: database, remedy: remedy)
        case .other(let written):
            return ProgramError(
                .failed, "not the record of what this site has sent: one of the \(written) facts was changed",
                subject: database, remedy: remedy)
        }
    }
}
