// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Storage
import Testing

/// A directory that is removed at the end of a test.
final class TemporaryDirectory {
    let path = FileManager.default.temporaryDirectory.appending(path: "storage-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit {
        try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

@Suite struct ServerStoreTests {
    private let directory: TemporaryDirectory
    private let store: ServerStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try ServerStore(path: directory.file("federation.sqlite"))
    }

    private func invitation(_ name: String) -> Invitation {
        Invitation(secret: SecretBytes(randomCount: 32), name: name, expiry: 1000)
    }

    private func member(_ name: String) throws -> StoredMember {
        let key = try SigningKey.generate().publicKey
        return StoredMember(
            id: PartyID(publicKey: key), name: name, spki: key.spki, certificate: [1, 2, 3], enrolledAt: 7)
    }

    @Test func commitsAreFlushed() throws {
        #expect(try store.synchronousLevel() == 2)
        let site = try MemberStore(path: directory.file("site.sqlite"))
        #expect(try site.synchronousLevel() == 2)
    }

    @Test func factsKeepTheirOrder() throws {
        try store.append(kind: "a", body: [1])
        try store.append([("b", []), ("c", [3, 3])])
        let facts = try store.facts()
        #expect(facts.map(\.kind) == ["a", "b", "c"])
        #expect(facts.map(\.body) == [[1], [], [3, 3]])
        #expect(facts.map(\.number) == [1, 2, 3])
    }

    /// What another process finds when the first was killed: the files as they are, nothing closed.
    @Test func factsSurviveAnAbruptEnd() throws {
        for number in 0..<20 { try store.append(kind: "\(number)", body: [UInt8(number)]) }
        let copy = try TemporaryDirectory()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: store.path + suffix, toPath: copy.file("federation.sqlite") + suffix)
        }
        let reopened = try ServerStore(path: copy.file("federation.sqlite"))
        #expect(try reopened.facts().map(\.body) == (0..<20).map { [UInt8($0)] })
    }

    @Test func twoPoolsWriteAtOnce() async throws {
        let other = try ServerStore(path: store.path)
        try await withThrowingTaskGroup { group in
            for writer in [store, other] {
                group.addTask { for _ in 0..<50 { try writer.append(kind: "x", body: [0]) } }
            }
            try await group.waitForAll()
        }
        #expect(try store.facts().count == 100)
        #expect(try store.facts() == other.facts())
    }

    @Test func theVersionTellsOfOthersWritesOnly() throws {
        let other = try ServerStore(path: store.path)
        let before = try store.externalVersion()
        try store.append(kind: "own", body: [])
        #expect(try store.externalVersion() == before)
        try other.append(kind: "other", body: [])
        #expect(try store.externalVersion() != before)
    }

    @Test func aTokenIsUsedByOneKeyOnly() throws {
        let token = invitation("a")
        try store.invite([token], now: 1)
        #expect(try store.use(token.id, spki: [1], now: 2))
        #expect(try !store.use(token.id, spki: [2], now: 3))
        #expect(try store.use(token.id, spki: [1], now: 4))
        #expect(try store.invitations().map(\.usedAt) == [2])
    }

    @Test func ofTwoKeysThatComeAtOnceOneWins() async throws {
        let other = try ServerStore(path: store.path)
        for round in 0..<10 {
            let token = invitation("site \(round)")
            try store.invite([token], now: 1)
            let wins = try await withThrowingTaskGroup { group in
                for key in 0..<8 {
                    let pool = key % 2 == 0 ? store : other
                    group.addTask { try pool.use(token.id, spki: [UInt8(key)], now: 2) }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(wins == 1)
        }
    }

    @Test func aNewInvitationWithdrawsTheUnusedOneOfItsName() throws {
        let (first, second, other) = (invitation("a"), invitation("a"), invitation("b"))
        try store.invite([first, other], now: 1)
        try store.invite([second], now: 2)
        #expect(try store.invitation(first.id) == nil)
        #expect(try !store.use(first.id, spki: [1], now: 3))
        #expect(try store.invitation(second.id) == second)
        #expect(try store.invitations().filter { $0.isOpen(now: 3) }.map(\.invitation) == [other, second])
        #expect(try store.invitations().filter { $0.isOpen(now: 1001) }.isEmpty)
        #expect(try store.withdraw(name: "b", now: 4) == 1)
        #expect(try store.invitation(other.id) == nil)
    }

    @Test func aMemberIsRevokedForEver() throws {
        let (a, b) = (try member("a"), try member("b"))
        try store.enrol(a)
        try store.enrol(b)
        #expect(try store.members() == [a, b])
        #expect(try store.revoke(a.id, now: 9))
        #expect(try store.revoke(a.id, now: 10))
        #expect(try !store.revoke(try member("c").id, now: 9))
        try store.enrol(a)
        #expect(try store.members().map(\.revokedAt) == [9, nil])
    }

    @Test func factsAndValuesGoTogether() throws {
        try store.append([("a", [1])], values: [("k", [2])])
        #expect(try store.value("k") == [2])
        #expect(try store.facts().count == 1)
    }

    @Test func valuesAreReplacedAndRemoved() throws {
        #expect(try store.value("k") == nil)
        try store.set("k", to: [1])
        try store.set("k", to: [2])
        #expect(try store.value("k") == [2])
        try store.set("k", to: nil)
        #expect(try store.value("k") == nil)
    }
}
