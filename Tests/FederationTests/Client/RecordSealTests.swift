// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Identity
import Primitives
import Programs
import Storage
import Testing

@testable import SMPCClient

/// What a site makes of its record when it is older, damaged or changed.
@Suite final class RecordSealTests {
    private let url = FileManager.default.temporaryDirectory.appending(path: "seal-\(UUID().uuidString)")
    private var directory: SiteDirectory { SiteDirectory(url.path) }

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Makes a record of so many facts; the database's log is written back when it is let go.
    private func record(_ count: Int) throws {
        let store = try SiteStore(creating: directory)
        for number in 0..<count { try store.append(fact(number)) }
    }

    private func fact(_ number: Int) -> MemberFact { .updateKept(base: SHA256.hash(Array("\(number)".utf8))) }

    private func copy(_ from: String, _ to: String) throws {
        try? FileManager.default.removeItem(atPath: to)
        try FileManager.default.copyItem(atPath: from, toPath: to)
    }

    /// The first words of the refusal, or nil when the record is believed.
    private func refusal() -> String? {
        do {
            _ = try SiteStore(directory)
            return nil
        } catch {
            return (error as? ProgramError)?.what ?? "\(error)"
        }
    }

    @Test func theRecordThatWasWrittenIsBelieved() throws {
        for count in [0, 1, 2, 5] {
            try? FileManager.default.removeItem(atPath: directory.database)
            try record(count)
            #expect(refusal() == nil)
            #expect(refusal() == nil, "looking at it changes nothing")
        }
    }

    @Test func anOlderCopyIsRefused() throws {
        let store = try SiteStore(creating: directory)
        for number in 0..<3 { try store.append(fact(number)) }
        try copy(directory.database, "\(url.path)/old")
        try copy("\(directory.database)-wal", "\(url.path)/old-wal")
        for number in 3..<5 { try store.append(fact(number)) }
        let elsewhere = SiteDirectory("\(url.path)/elsewhere")
        try FileManager.default.createDirectory(atPath: elsewhere.path, withIntermediateDirectories: true)
        try copy("\(url.path)/keys", "\(elsewhere.path)/keys")
        try copy("\(url.path)/old", elsewhere.database)
        try copy("\(url.path)/old-wal", "\(elsewhere.database)-wal")
        let error = #expect(throws: ProgramError.self) { try SiteStore(elsewhere) }
        #expect(error?.what.contains("it holds 3 facts, and 5 were written") == true)
        #expect(error?.remedy?.contains("join again as a new site") == true)
        // What an abrupt end leaves, log and all, is believed.
        try copy(directory.database, elsewhere.database)
        try copy("\(directory.database)-wal", "\(elsewhere.database)-wal")
        #expect(throws: Never.self) { try SiteStore(elsewhere) }
        // Without its log the database is the one before.
        try copy(directory.database, elsewhere.database)
        try? FileManager.default.removeItem(atPath: "\(elsewhere.database)-wal")
        try? FileManager.default.removeItem(atPath: "\(elsewhere.database)-shm")
        #expect(throws: ProgramError.self) { try SiteStore(elsewhere) }
        _ = store
    }

    @Test func aFactThatWasChangedIsFound() throws {
        try record(4)
        var bytes = try #require(FileManager.default.contents(atPath: directory.database))
        let name = try #require(bytes.range(of: Data("updateKept\":{\"base\":".utf8)))
        // Another digit of the hash: the page and the JSON stay good.
        let digit = try #require(bytes[name.upperBound...].firstIndex { $0 >= 0x30 && $0 <= 0x39 })
        bytes[digit] ^= 1
        try bytes.write(to: URL(filePath: directory.database))
        #expect(refusal() == "not the record of what this site has sent: one of the 4 facts was changed")
    }

    @Test func damageInTheMiddleOfTheDatabaseIsFound() throws {
        try record(400)
        var bytes = try #require(FileManager.default.contents(atPath: directory.database))
        let middle = bytes.count / 2 / 4096 * 4096
        bytes.replaceSubrange(middle..<middle + 512, with: [UInt8](repeating: 0x5a, count: 512))
        try bytes.write(to: URL(filePath: directory.database))
        let error = #expect(throws: StorageError.self) { try SiteStore(directory) }
        guard case .corrupt(directory.database, _)? = error else {
            Issue.record("\(error as Any)")
            return
        }
    }

    @Test func withoutItsSealARecordIsNotBelieved() throws {
        try record(2)
        try FileManager.default.removeItem(atPath: directory.recordSeal)
        #expect(refusal()?.contains("cannot be told from an older copy") == true)
        try Data("no seal".utf8).write(to: URL(filePath: directory.recordSeal))
        #expect(refusal()?.contains("cannot be told from an older copy") == true)
    }

    /// The seal is written in two places in turn: one that was torn leaves the one before.
    @Test func aTornSealLeavesTheOneBefore() throws {
        for count in [4, 5] {
            try? FileManager.default.removeItem(atPath: directory.database)
            try record(count)
            var bytes = try #require(FileManager.default.contents(atPath: directory.recordSeal))
            bytes[count % 2 * 4096 + 20] ^= 1
            try bytes.write(to: URL(filePath: directory.recordSeal))
            #expect(refusal() == nil)
            try SiteStore(directory).append(fact(9))
            #expect(refusal() == nil)
        }
    }

    /// The process ended after a fact was written and before it was sealed: nothing went out in between.
    @Test func aRecordMayBeAheadOfItsSeal() throws {
        try record(3)
        let seal = try #require(FileManager.default.contents(atPath: directory.recordSeal))
        try SiteStore(directory).append(fact(3))
        try seal.write(to: URL(filePath: directory.recordSeal))
        #expect(refusal() == nil)
        try SiteStore(directory).append(fact(4))
        #expect(refusal() == nil)
    }

    @Test func theSealOfAnotherInstanceIsNone() throws {
        try record(2)
        let seal = try #require(FileManager.default.contents(atPath: directory.recordSeal))
        try FileManager.default.removeItem(atPath: directory.database)
        try record(2)
        try seal.write(to: URL(filePath: directory.recordSeal))
        #expect(refusal()?.hasPrefix("not the record of what this site has sent") == true)
    }
}
