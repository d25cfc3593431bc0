// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Testing

@Suite struct MemberRecordTests {
    private let first: [ProposedMember]
    private let newcomer: ProposedMember

    init() throws {
        first = try ["a", "b", "c"].map {
            ProposedMember(publicKey: try SigningKey.generate().publicKey, name: $0)
        }
        newcomer = ProposedMember(publicKey: try SigningKey.generate().publicKey, name: "d")
    }

    // Inside `#expect`, a mutating call has to be a function of its own.
    private func admit(
        _ proposed: [ProposedMember], to record: inout MemberRecord, newMembers: NewMembers, now: Int64 = someTime
    ) -> [UnconfirmedMember] {
        record.admit(proposed, newMembers: newMembers, now: now)
    }

    private func confirm(_ id: PartyID, in record: inout MemberRecord, now: Int64) -> Bool {
        record.confirm(id, now: now)
    }

    private func established() -> MemberRecord {
        var record = MemberRecord()
        _ = record.admit(first, newMembers: .ask, now: someTime)
        return record
    }

    @Test func theFirstEpochIsTakenOnTrust() {
        var record = MemberRecord()
        #expect(admit(first, to: &record, newMembers: .ask, now: someTime).isEmpty)
        #expect(record.isEstablished)
        #expect(record.members.count == 3)
        for member in first {
            #expect(record.isConfirmed(member.publicKey))
            #expect(record.members[PartyID(publicKey: member.publicKey)]?.confirmedAt == someTime)
        }
        #expect(admit(first, to: &record, newMembers: .ask, now: someTime + 1).isEmpty)
    }

    @Test func anEmptyProposalEstablishesNothing() {
        var record = MemberRecord()
        #expect(admit([], to: &record, newMembers: .ask, now: someTime).isEmpty)
        #expect(!record.isEstablished)
    }

    @Test func whatAnotherProcessConfirmedStaysConfirmed() throws {
        let id = PartyID(publicKey: newcomer.publicKey)
        var stored = established()
        _ = stored.admit(first + [newcomer], newMembers: .ask, now: someTime)
        var running = stored
        _ = stored.confirm(id, now: someTime + 1)
        _ = running.admit(first + [newcomer], newMembers: .ask, now: someTime + 2)
        #expect(running.members[id]?.state == .pending)
        running.keepConfirmations(of: stored)
        #expect(running == stored)
        var fresh = established()
        fresh.keepConfirmations(of: stored)
        #expect(fresh.members[id] == nil, "who is not in the record is not put there")
    }

    @Test func aNewcomerWaitsForConfirmation() {
        var record = established()
        let id = PartyID(publicKey: newcomer.publicKey)
        let expected = [UnconfirmedMember(member: newcomer, doubt: .newcomer)]
        #expect(admit(first + [newcomer], to: &record, newMembers: .ask, now: someTime) == expected)
        #expect(record.members[id]?.state == .pending)
        #expect(!record.isConfirmed(newcomer.publicKey))
        // Being proposed again changes nothing.
        #expect(admit([newcomer], to: &record, newMembers: .ask, now: someTime) == expected)
        #expect(confirm(id, in: &record, now: someTime + 5))
        #expect(record.members[id]?.confirmedAt == someTime + 5)
        #expect(admit(first + [newcomer], to: &record, newMembers: .ask, now: someTime).isEmpty)
    }

    @Test func acceptLetsNewcomersInAtOnce() {
        var record = established()
        #expect(admit(first + [newcomer], to: &record, newMembers: .accept, now: someTime).isEmpty)
        #expect(record.isConfirmed(newcomer.publicKey))
    }

    @Test func aKnownNameWithAnotherKeyIsSaidToBeOne() {
        var record = established()
        let changed = ProposedMember(publicKey: newcomer.publicKey, name: "a")
        let previous = PartyID(publicKey: first[0].publicKey)
        #expect(
            admit([changed], to: &record, newMembers: .ask, now: someTime)
                == [UnconfirmedMember(member: changed, doubt: .changedKey(previous: previous))])
    }

    @Test func aRecordFromAFileTrustsNobodyElse() {
        var record = MemberRecord(members: [
            RecordedMember(publicKey: first[0].publicKey, name: "a", state: .confirmed, confirmedAt: someTime)
        ])
        let refused = admit(first, to: &record, newMembers: .ask, now: someTime)
        #expect(refused.map(\.member) == Array(first[1...]))
    }

    @Test func aRemovedMemberIsANewcomer() {
        var record = established()
        record.remove(PartyID(publicKey: first[0].publicKey))
        #expect(admit(first, to: &record, newMembers: .ask, now: someTime).map(\.member) == [first[0]])
    }

    @Test func onlyRecordedMembersCanBeConfirmed() {
        var record = established()
        #expect(!confirm(PartyID(publicKey: newcomer.publicKey), in: &record, now: someTime))
        let id = PartyID(publicKey: first[0].publicKey)
        #expect(confirm(id, in: &record, now: someTime + 9))
        #expect(record.members[id]?.confirmedAt == someTime)
    }

    @Test func isTheSameAfterSavingAndLoading() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("members.json")
        var record = established()
        _ = admit([newcomer], to: &record, newMembers: .ask, now: someTime)
        try record.save(path: path)
        #expect(try MemberRecord.load(path: path) == record)
        #expect(try directory.mode("members.json") == 0o600)
        let text = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        #expect(text.contains("\"confirmed\" : \"2026-05-28T20:26:40Z\""))
        #expect(text.contains("\"state\" : \"pending\""))
        try MemberRecord().save(path: path)
        #expect(try MemberRecord.load(path: path) == MemberRecord())
    }

    @Test func faultsInTheFileAreNamed() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("members.json")
        #expect(throws: IdentityError.fileMissing(path: path)) { try MemberRecord.load(path: path) }
        var record = established()
        _ = admit([newcomer], to: &record, newMembers: .ask, now: someTime)
        let good = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        let id = PartyID(publicKey: first[0].publicKey).hex
        let faults = [
            "": "", "{}": "members is missing",
            good.replacing(id, with: String(repeating: "0", count: 32)): "not the ID of the key",
            good.replacing("\"3059", with: "\"3058"): "not a P-256 SubjectPublicKeyInfo",
            good.replacing("\"name\":\"a\"", with: "\"name\":\"\""): "not the name of a member",
            good.replacing("2026", with: "x"): "not an ISO 8601 date",
        ]
        for (text, reason) in faults {
            try PrivateFile.write(text, to: path)
            #expect {
                try MemberRecord.load(path: path)
            } throws: { error in
                guard case .fileMalformed(path, let actual) = error as? IdentityError else { return false }
                return reason.isEmpty || actual.contains(reason)
            }
        }
    }

    @Test func confirmationsAreCountedAndKept() throws {
        var record = established()
        #expect(record.renewals == 0)
        record.renew()
        record.renew()
        let read = try JSONDecoder().decode(MemberRecord.self, from: JSONEncoder().encode(record))
        #expect(read == record && read.renewals == 2)
        // A running client that writes its own record does not undo what `members confirm` did meanwhile.
        var other = established()
        other.keepConfirmations(of: record)
        #expect(other.renewals == 2)
    }

    @Test func mutatedRecordsNeverTrap() throws {
        var generator = SeededGenerator()
        let good = Array(try JSONEncoder().encode(established()))
        for _ in 0..<1_000 {
            _ = try? JSONDecoder().decode(MemberRecord.self, from: Data(mutated(good, using: &generator)))
        }
    }
}
