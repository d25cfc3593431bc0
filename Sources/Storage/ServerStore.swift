// SPDX-License-Identifier: MIT

/// Keeps what the coordinator must not forget: the facts of its runs, members, invitations.
///
/// `run` has it open while `invite`, `members`, `revoke`, `status` and `rounds` come and go beside it. Every call that
/// writes returns when the bytes are on disk.
public final class ServerStore: Sendable {
    /// The name of the database in a state directory.
    public static let fileName = "federation.sqlite"

    /// The database's file.
    public var path: String { database.path }
    let database: DurableDatabase

    /// Opens the database of a server, or makes it; its directory must exist.
    public init(path: String) throws(StorageError) {
        database = try DurableDatabase(path: path, kind: .server)
    }

    /// Appends facts, and sets values under keys of the caller's, in one transaction: all of them or none.
    public func append(
        _ facts: [(kind: String, body: [UInt8])], values: [(key: String, value: [UInt8])] = []
    ) throws(StorageError) {
        try database.append(facts, values: values.map { ("user.\($0.key)", $0.value) })
    }

    /// Appends a fact.
    public func append(kind: String, body: [UInt8]) throws(StorageError) { try database.append([(kind, body)]) }

    /// Every fact, in order.
    public func facts() throws(StorageError) -> [StoredFact] { try database.facts() }

    /// A value under a key of the caller's; nil if there is none.
    public func value(_ key: String) throws(StorageError) -> [UInt8]? { try database.value("user.\(key)") }

    /// Stores or, with nil, removes a value under a key of the caller's.
    public func set(_ key: String, to value: [UInt8]?) throws(StorageError) {
        try database.set("user.\(key)", to: value)
    }

    /// A number that changes whenever another process has committed.
    public func externalVersion() throws(StorageError) -> Int { try database.externalVersion() }

    /// SQLite's `PRAGMA synchronous` of the connection that writes; 2 is FULL.
    public func synchronousLevel() throws(StorageError) -> Int { try database.synchronousLevel() }

    /// Closes the database; nothing may be asked of it afterwards.
    public func close() throws(StorageError) { try database.close() }

    static let schema = """
        CREATE TABLE members (
            id BLOB PRIMARY KEY, name TEXT NOT NULL, spki BLOB NOT NULL, certificate BLOB NOT NULL,
            enrolled_at INTEGER NOT NULL, revoked_at INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE invitations (
            token_id BLOB PRIMARY KEY, secret BLOB NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL, used_at INTEGER, used_by BLOB, withdrawn_at INTEGER
        ) WITHOUT ROWID;
        """
}
