// SPDX-License-Identifier: MIT

import Foundation
import GRDB
public import Identity

extension ServerStore {
    /// Records a member that was let in; one that is known keeps the time it was let in and whether it is revoked.
    public func enrol(_ member: StoredMember) throws(StorageError) {
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO members (id, name, spki, certificate, enrolled_at) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name, certificate = excluded.certificate
                    """,
                arguments: [
                    Data(member.id.bytes), member.name, Data(member.spki), Data(member.certificate),
                    member.enrolledAt,
                ])
        }
    }

    /// Records the certificate that a member was given; false if there is no such member or it is revoked.
    @discardableResult
    public func renew(_ id: PartyID, certificate: [UInt8]) throws(StorageError) -> Bool {
        try database.write { database in
            try database.execute(
                sql: "UPDATE members SET certificate = ? WHERE id = ? AND revoked_at IS NULL",
                arguments: [Data(certificate), Data(id.bytes)])
            return database.changesCount == 1
        }
    }

    /// Every member, revoked ones included, by name.
    public func members() throws(StorageError) -> [StoredMember] {
        try database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT id, name, spki, certificate, enrolled_at, revoked_at FROM members ORDER BY name, id"
            ).compactMap(Self.member)
        }
    }

    /// Shuts a member's key out for ever; false if no member has this ID. The first time stays.
    public func revoke(_ id: PartyID, now: Int64) throws(StorageError) -> Bool {
        try database.write { database in
            try database.execute(
                sql: "UPDATE members SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?",
                arguments: [now, Data(id.bytes)])
            return database.changesCount == 1
        }
    }

    private static func member(_ row: Row) -> StoredMember? {
        guard let id = PartyID(bytes: [UInt8](row[0] as Data)) else { return nil }
        return StoredMember(
            id: id, name: row[1], spki: [UInt8](row[2] as Data), certificate: [UInt8](row[3] as Data),
            enrolledAt: row[4], revokedAt: row[5])
    }
}
