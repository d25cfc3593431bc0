// SPDX-License-Identifier: MIT

import Foundation
import Storage
import Testing

@Suite struct StoreFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func onlyTheOwnerMayReadIt() throws {
        let store = try MemberStore(path: directory.file("site.sqlite"))
        try store.append(kind: "a", body: [1])
        for suffix in ["", "-wal"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: store.path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func theInstanceIsDrawnOnce() throws {
        let path = directory.file("site.sqlite")
        let (one, two) = ([UInt8](repeating: 1, count: 16), [UInt8](repeating: 2, count: 16))
        #expect(try MemberStore(path: path).instance(orStore: one) == one)
        #expect(try MemberStore(path: path).instance(orStore: two) == one)
    }

    @Test func theMemberRecordSurvivesReopening() throws {
        let path = directory.file("site.sqlite")
        let store = try MemberStore(path: path)
        #expect(try store.memberRecord() == nil)
        try store.updateMemberRecord { before in (before ?? []) + [1, 2] }
        try store.updateMemberRecord { before in before == [1, 2] ? [3] : [] }
        try store.close()
        #expect(try MemberStore(path: path).memberRecord() == [3])
    }

    @Test func aMissingDirectoryIsNamed() {
        let path = directory.file("missing/site.sqlite")
        #expect(throws: StorageError.cannotOpen(path: path, reason: "No such file or directory")) {
            try MemberStore(path: path)
        }
    }

    @Test func aFileThatIsNoDatabaseIsCorrupt() throws {
        let path = directory.file("site.sqlite")
        try Data(repeating: 0x41, count: 4096).write(to: URL(filePath: path))
        let error = #expect(throws: StorageError.self) { try MemberStore(path: path) }
        guard case .corrupt(path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func theDatabaseOfAServerIsNotThatOfASite() throws {
        let path = directory.file("federation.sqlite")
        _ = try ServerStore(path: path)
        #expect(throws: StorageError.wrongKind(path: path, expected: "a site (smpc-client)")) {
            try MemberStore(path: path)
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func aReadOnlyDirectoryIsNamed() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: directory.path)
        let path = directory.file("site.sqlite")
        #expect(throws: StorageError.readOnly(path: path)) { try MemberStore(path: path) }
    }

    @Test func everyErrorNamesItsFile() {
        let errors: [StorageError] = [
            .busy(path: "F"), .cannotOpen(path: "F", reason: "r"), .corrupt(path: "F", reason: "r"),
            .diskFull(path: "F"), .inputOutput(path: "F", reason: "r"),
            .notDurable(path: "F", expected: 2, actual: 1), .readOnly(path: "F"),
            .sqlite(path: "F", code: 1, reason: "r"), .tooNew(path: "F", version: 2, known: 1),
            .wrongKind(path: "F", expected: "x"),
        ]
        #expect(errors.allSatisfy { $0.description.hasPrefix("F: ") })
    }
}
