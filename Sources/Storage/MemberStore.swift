// SPDX-License-Identifier: MIT

/// Keeps what a site must not forget: its facts, its record of members, the identity of this instance of its state.
///
/// Every call that writes returns when the bytes are on disk.
public final class MemberStore: Sendable {
    /// The name of the database in a state directory.
    public static let fileName = "site.sqlite"
    /// Bytes of an instance's identity.
    public static let instanceCount = 16

    /// The database's file.
    public var path: String { database.path }
    private let database: DurableDatabase

    /// Opens the database of a site, or makes it; its directory must exist.
    public init(path: String) throws(StorageError) {
        database = try DurableDatabase(path: path, kind: .member)
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

    /// The site's record of members, as it was stored; nil before the first.
    public func memberRecord() throws(StorageError) -> [UInt8]? { try database.value("member_record") }

    /// Replaces the site's record of members by what becomes of it, nil before the first, in one transaction.
    public func updateMemberRecord(_ change: ([UInt8]?) throws -> [UInt8]) throws(StorageError) {
        try database.update("member_record", change)
    }

    /// The identity of this instance of the state, 16 bytes, made at the first call.
    ///
    /// - Parameter random: 16 fresh random bytes, used if there is none yet.
    public func instance(orStore random: [UInt8]) throws(StorageError) -> [UInt8] {
        precondition(random.count == Self.instanceCount, "an instance has \(Self.instanceCount) bytes")
        return try database.value("instance", orStore: random)
    }

    /// The identity of this instance of the state; nil if none was made.
    public func instance() throws(StorageError) -> [UInt8]? { try database.value("instance") }

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
}
