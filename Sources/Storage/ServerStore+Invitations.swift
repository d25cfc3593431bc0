// SPDX-License-Identifier: MIT

import Foundation
import GRDB
public import Identity

extension ServerStore {
    /// Takes back what no member has come of: not used, or used by a key that still waits for its certificate.
    private static let withdrawal = """
        UPDATE invitations SET withdrawn_at = ?
        WHERE name = ? AND withdrawn_at IS NULL AND (used_by IS NULL OR used_by NOT IN (SELECT spki FROM members))
        """

    /// Records invitations in one transaction; earlier ones of the same names that no member has come of are withdrawn.
    public func invite(_ invitations: [Invitation], now: Int64) throws(StorageError) {
        try database.write { database in
            for invitation in invitations {
                try database.execute(
                    sql: Self.withdrawal, arguments: [now, invitation.name])
                try database.execute(
                    sql: """
                        INSERT INTO invitations (token_id, secret, name, created_at, expires_at) VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        Data(invitation.id.bytes), Data(invitation.secret.exposedBytes()), invitation.name, now,
                        invitation.expiry,
                    ])
            }
        }
    }

    /// Takes back the invitations of a name that no member has come of; returns how many.
    public func withdraw(name: String, now: Int64) throws(StorageError) -> Int {
        try database.write { database in
            try database.execute(
                sql: Self.withdrawal, arguments: [now, name])
            return database.changesCount
        }
    }

    /// The invitation with a token's ID, used or not; nil if there is none or it was withdrawn.
    public func invitation(_ id: TokenID) throws(StorageError) -> Invitation? {
        try database.read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT secret, name, expires_at, created_at, used_at, withdrawn_at FROM invitations
                    WHERE token_id = ? AND withdrawn_at IS NULL
                    """, arguments: [Data(id.bytes)]
            ).map { Self.invitation($0).invitation }
        }
    }

    /// Every invitation, in the order in which they were made.
    public func invitations() throws(StorageError) -> [StoredInvitation] {
        try database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT secret, name, expires_at, created_at, used_at, withdrawn_at FROM invitations
                    ORDER BY created_at, name
                    """
            ).map(Self.invitation)
        }
    }

    /// Records that a key has used a token; false if another key has, or if the invitation is gone.
    ///
    /// One statement: of two keys that come at once one wins. The same key may come again.
    public func use(_ id: TokenID, spki: [UInt8], now: Int64) throws(StorageError) -> Bool {
        try database.write { database in
            try database.execute(
                sql: """
                    UPDATE invitations SET used_at = COALESCE(used_at, ?), used_by = ?
                    WHERE token_id = ? AND withdrawn_at IS NULL AND (used_by IS NULL OR used_by = ?)
                    """, arguments: [now, Data(spki), Data(id.bytes), Data(spki)])
            return database.changesCount == 1
        }
    }

    /// Whether this key has used the token.
    public func hasUsed(_ id: TokenID, spki: [UInt8]) throws(StorageError) -> Bool {
        try database.read { database in
            try Bool.fetchOne(
                database, sql: "SELECT 1 FROM invitations WHERE token_id = ? AND used_by = ?",
                arguments: [Data(id.bytes), Data(spki)]) ?? false
        }
    }

    private static func invitation(_ row: Row) -> StoredInvitation {
        StoredInvitation(
            invitation: Invitation(
                secret: .init([UInt8](row[0] as Data)), name: row[1], expiry: row[2]),
            createdAt: row[3], usedAt: row[4], withdrawnAt: row[5])
    }
}
