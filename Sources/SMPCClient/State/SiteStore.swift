// SPDX-License-Identifier: MIT

import Aggregation
import FoundationEssentials
import Identity
import Learning
import Messages
import Primitives
import Programs
import Storage

/// Keeps everything durable of a site: facts, member record, keys, the kept update, parameters, evidence.
///
/// Every call that writes returns when the bytes are on disk.
struct SiteStore: Sendable {
    let directory: SiteDirectory
    /// 16 bytes, drawn when the database was made.
    let instance: [UInt8]
    let keysFile: EpochKeysFile
    private let database: MemberStore
    private let seal: RecordSeal

    /// Makes the state of a site in an existing directory, or opens what an interrupted `join` has made.
    init(creating directory: SiteDirectory) throws {
        let database = try MemberStore(path: directory.database)
        let instance = try database.instance(orStore: SecureRandom.bytes(MemberStore.instanceCount))
        if try database.facts().isEmpty { try RecordSeal.make(directory.recordSeal, instance: instance) }
        try self.init(directory, database, instance)
    }

    /// Opens the state of a site that has joined.
    ///
    /// A database that is gone is not made anew: the site would not know under which parameters it has uploaded, and could
    /// upload under them a second time (protocol section 5, one base, one set). An older copy of it is refused for the same
    /// reason.
    ///
    /// - Throws: `ProgramError` when the record is gone, older or changed, `StorageError` when it cannot be read.
    init(_ directory: SiteDirectory) throws {
        guard PrivateFile.exists(directory.database) else { throw Self.recordGone(directory) }
        let database = try MemberStore(path: directory.database)
        guard let instance = try database.instance() else { throw Self.recordGone(directory) }
        try self.init(directory, database, instance)
    }

    private init(_ directory: SiteDirectory, _ database: MemberStore, _ instance: [UInt8]) throws {
        self.directory = directory
        self.database = database
        self.instance = instance
        keysFile = EpochKeysFile(path: directory.epochKeys, instance: instance)
        do {
            seal = try RecordSeal(path: directory.recordSeal, instance: instance) { try database.facts() }
        } catch let doubt as RecordSeal.Doubt {
            throw doubt.programError(database: directory.database, seal: directory.recordSeal)
        }
    }

    private static func recordGone(_ directory: SiteDirectory) -> ProgramError {
        ProgramError(
            .failed, "the record of what this site has sent is gone", subject: directory.database,
            remedy:
                "without it an update could be sent twice; join again as a new site, in another directory with --state")
    }

    // MARK: Facts and the member record

    /// Appends a fact, and replaces values in the same transaction.
    func append(_ fact: MemberFact, _ values: [SiteValue: [UInt8]] = [:]) throws {
        let body = [UInt8](try JSONEncoder().encode(fact))
        try database.append([(fact.kind, body)], values: values.map { ($0.key.rawValue, $0.value) })
        try seal.add([(fact.kind, body)])
    }

    /// Rebuilds what this member knows for ever.
    func ledger() throws -> MemberLedger {
        let decoder = JSONDecoder()
        return MemberLedger(
            try database.facts().map { stored in
                do {
                    return try decoder.decode(MemberFact.self, from: Data(stored.body))
                } catch {
                    throw ProgramError(
                        .failed, "fact \(stored.number) cannot be read: \(error)", subject: database.path,
                        remedy: "use the version of this program that wrote it")
                }
            })
    }

    /// Whom this site trusts to be in an epoch.
    func members() throws -> MemberRecord {
        try Self.record(database.memberRecord())
    }

    /// Changes the record as it is stored now: `members confirm` and a running client may both write. Gives what became of
    /// it.
    func updateMembers(_ change: (inout MemberRecord) -> Void) throws -> MemberRecord {
        var record = MemberRecord()
        try database.updateMemberRecord { bytes in
            record = try Self.record(bytes)
            change(&record)
            return [UInt8](try JSONEncoder().encode(record))
        }
        return record
    }

    private static func record(_ bytes: [UInt8]?) throws -> MemberRecord {
        try bytes.map { try JSONDecoder().decode(MemberRecord.self, from: Data($0)) } ?? MemberRecord()
    }

    /// A number that changes whenever another process has changed the database.
    func externalVersion() throws -> Int { try database.externalVersion() }

    func value(_ key: SiteValue) throws -> [UInt8]? { try database.value(key.rawValue) }

    func set(_ key: SiteValue, to value: [UInt8]?) throws { try database.set(key.rawValue, to: value) }

    // MARK: Files

    /// The update that is kept, if it was computed from `base`.
    func keptUpdate(for base: Digest) -> KeptUpdate? {
        SiteDirectory.read(directory.keptUpdate).flatMap { KeptUpdate(encoded: $0) }.flatMap {
            $0.base == base ? $0 : nil
        }
    }

    func keep(_ update: KeptUpdate) throws { try PrivateFile.write(update.encoded(), to: directory.keptUpdate) }

    func deleteUpdate() throws { try SiteDirectory.remove(directory.keptUpdate) }

    /// Reads parameters of a layout by their hash.
    ///
    /// - Throws: `ProgramError` when the file is gone or holds other parameters.
    func parameters(_ hash: Digest, layout: ModelLayout) throws -> Parameters {
        let path = parametersPath(hash)
        guard let bytes = SiteDirectory.read(path) else {
            throw ProgramError(
                .failed, "the parameters of the present model are missing", subject: path,
                remedy: "restore the file, or join again with a new state directory")
        }
        guard let parameters = try? Parameters(layout: layout, littleEndianBytes: bytes), parameters.hash == hash else {
            throw ProgramError(
                .failed, "does not hold the parameters that its name promises", subject: path,
                remedy: "the disk or another program changed it; restore it")
        }
        return parameters
    }

    /// Writes parameters under their hash.
    func write(_ parameters: Parameters, hash: Digest) throws {
        try PrivateFile.write(parameters.littleEndianBytes, to: parametersPath(hash))
    }

    /// Removes the parameters of all models but these.
    func dropParameters(except kept: Set<Digest>) throws {
        let names = Set(kept.map { Self.parametersName($0) })
        let found = (try? FileManager.default.contentsOfDirectory(atPath: directory.models)) ?? []
        for name in found where !names.contains(name) { try SiteDirectory.remove("\(directory.models)/\(name)") }
    }

    /// Saves a signed statement for people to show; gives its path.
    func saveEvidence(_ name: String, _ envelope: Envelope) throws -> String {
        let hash = Primitives.SHA256.hash(envelope.encoded()).hex.prefix(16)
        let path = "\(directory.evidence)/\(name)-\(hash).envelope"
        try PrivateFile.write(envelope.encoded(), to: path)
        return path
    }

    private func parametersPath(_ hash: Digest) -> String { "\(directory.models)/\(Self.parametersName(hash))" }

    private static func parametersName(_ hash: Digest) -> String { "\(hash.hex).f32" }
}

/// Names the single values that a site keeps beside its facts.
enum SiteValue: String {
    /// What this site did in the last hours.
    case activity = "activity"
    /// Where the coordinator answered last: the first address to try, whatever multicast says.
    case coordinatorAddress = "coordinator_address"
    /// The coordinator's SubjectPublicKeyInfo, recorded at the first contact.
    case coordinatorKey = "coordinator_key"
    /// The configuration of the last run that this site took part in.
    case configuration = "configuration"
    /// The name under which the site was invited.
    case name = "name"
    /// The ways by which this site reached the others of the last epoch.
    case peerPaths = "peer_paths"
    /// The record of the last applied round, which waits for the metrics that the next sum brings.
    case pendingRecord = "pending_record"
    /// The base that the engineer has released; a running client takes it into its facts.
    case releasedBase = "released_base"
    /// The member keys of the last epoch: what the roster fingerprint is made of.
    case roster = "roster"
}

extension MemberFact {
    /// The name under which the fact is stored, for people who look.
    var kind: String {
        switch self {
        case .drawBegan: "drawBegan"
        case .revealed: "revealed"
        case .epochTaken: "epochTaken"
        case .epochReady: "epochReady"
        case .entered: "entered"
        case .updateKept: "updateKept"
        case .uploaded: "uploaded"
        case .locked: "locked"
        case .answered: "answered"
        case .closed: "closed"
        case .witnesses: "witnesses"
        case .unopenable: "unopenable"
        case .released: "released"
        case .chain: "chain"
        case .configured: "configured"
        case .applied: "applied"
        case .overflowed: "overflowed"
        case .skipped: "skipped"
        }
    }
}
