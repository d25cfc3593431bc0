// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import GRDB

/// A SQLite database in WAL mode whose commits are on disk when they return.
///
/// Several processes may have it open at once. Everything that both kinds of store keep is here: facts and values.
struct DurableDatabase: Sendable {
    /// SQLite's `PRAGMA synchronous` value FULL: the log is flushed at every commit.
    static let synchronousFull = 2
    /// How long a writer waits for another process, in seconds.
    static let busySeconds = 10.0

    /// Tells the kinds of database apart: an SQLite `application_id`, and what people call it.
    struct Kind: Sendable {
        let applicationID: Int
        let name: String
        let version: Int
        /// Tables beside `facts` and `meta`.
        let schema: String

        static let server = Kind(
            applicationID: 0x534d_4656, name: "a server (smpc-server)", version: 1, schema: ServerStore.schema)
        static let member = Kind(applicationID: 0x534d_4d42, name: "a site (smpc-client)", version: 1, schema: "")
    }

    let path: String
    private let pool: DatabasePool

    /// Opens the database, or makes it with mode 0600.
    ///
    /// GRDB executes `PRAGMA synchronous = NORMAL` while it opens a pool, after `prepareDatabase`: FULL is set
    /// afterwards, on the one connection that writes, and read back.
    init(path: String, kind: Kind) throws(StorageError) {
        self.path = path
        try Self.create(path)
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(Self.busySeconds)
            configuration.label = "summand.storage"
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.write { try Self.prepare($0, path, kind) }
            // Through the writing connection: a reading one that is closed last leaves the log beside the database.
            try pool.writeWithoutTransaction { try Self.check($0, path) }
        } catch {
            throw StorageError(error, path: path)
        }
        let level = try synchronousLevel()
        guard level == Self.synchronousFull else {
            throw .notDurable(path: path, expected: Self.synchronousFull, actual: level)
        }
    }

    /// The level at which the writing connection flushes.
    func synchronousLevel() throws(StorageError) -> Int {
        try outside { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
    }

    /// A number that changes whenever another process, or another pool, has committed.
    func externalVersion() throws(StorageError) -> Int {
        try outside { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    /// Runs a transaction; when it returns, it is on disk.
    func write<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do { return try pool.write(body) } catch { throw StorageError(error, path: path) }
    }

    /// Reads one snapshot.
    func read<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do { return try pool.read(body) } catch { throw StorageError(error, path: path) }
    }

    /// Closes the database; nothing may be asked of it afterwards.
    func close() throws(StorageError) {
        do { try pool.close() } catch { throw StorageError(error, path: path) }
    }

    private func outside<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do { return try pool.writeWithoutTransaction(body) } catch { throw StorageError(error, path: path) }
    }

    /// Makes an empty file that only its owner may read: SQLite gives its log the same mode.
    private static func create(_ path: String) throws(StorageError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            if code == EROFS || code == EACCES { throw .readOnly(path: path) }
            if code == ENOSPC { throw .diskFull(path: path) }
            throw .cannotOpen(path: path, reason: String(cString: strerror(code)))
        }
        Glibc.close(descriptor)
    }

    private static func prepare(_ database: Database, _ path: String, _ kind: Kind) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard application == kind.applicationID || (application == 0 && version == 0) else {
            throw StorageError.wrongKind(path: path, expected: kind.name)
        }
        guard version <= kind.version else {
            throw StorageError.tooNew(path: path, version: version, known: kind.version)
        }
        guard version < kind.version else { return }
        try database.execute(sql: commonSchema + kind.schema)
        try database.execute(sql: "PRAGMA application_id = \(kind.applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(kind.version)")
    }

    /// Reads every page: damage in the middle of the file is found before anything rests on what is around it.
    private static func check(_ database: Database, _ path: String) throws {
        let found = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
        guard found == "ok" else { throw StorageError.corrupt(path: path, reason: found ?? "it cannot be checked") }
    }

    private static let commonSchema = """
        CREATE TABLE facts (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body BLOB NOT NULL);
        CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        """
}

extension DurableDatabase {
    func append(
        _ facts: [(kind: String, body: [UInt8])], values: [(key: String, value: [UInt8])] = []
    ) throws(StorageError) {
        try write { database in
            for entry in values { try Self.set(database, entry.key, entry.value) }
            for fact in facts {
                try database.execute(
                    sql: "INSERT INTO facts (kind, body) VALUES (?, ?)", arguments: [fact.kind, Data(fact.body)])
            }
        }
    }

    func facts() throws(StorageError) -> [StoredFact] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT id, kind, body FROM facts ORDER BY id").map { row in
                StoredFact(number: row[0], kind: row[1], body: [UInt8](row[2] as Data))
            }
        }
    }

    func value(_ key: String) throws(StorageError) -> [UInt8]? {
        try read { database in
            try Data.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
                .map { [UInt8]($0) }
        }
    }

    func set(_ key: String, to value: [UInt8]?) throws(StorageError) {
        try write { database in
            guard let value else {
                return try database.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key])
            }
            try Self.set(database, key, value)
        }
    }

    private static func set(_ database: Database, _ key: String, _ value: [UInt8]) throws {
        try database.execute(
            sql: "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            arguments: [key, Data(value)])
    }

    /// Replaces a value by what becomes of it, in one transaction: no other process writes in between.
    func update(_ key: String, _ change: ([UInt8]?) throws -> [UInt8]) throws(StorageError) {
        try write { database in
            let present = try Data.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
            try Self.set(database, key, try change(present.map { [UInt8]($0) }))
        }
    }

    /// Reads a value, or stores the one given if there is none yet: two processes get the same.
    func value(_ key: String, orStore made: [UInt8]) throws(StorageError) -> [UInt8] {
        try write { database in
            try database.execute(
                sql: "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
                arguments: [key, Data(made)])
            return try Data.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
                .map { [UInt8]($0) } ?? made
        }
    }
}
