// SPDX-License-Identifier: MIT

import Primitives
import Storage

/// Holds what clients reported of the last round after its checkpoint was written: kept beside it in the database, as the
/// model need not be written again for it.
struct LateRecords {
    private static let key = "fedavg_records"

    /// The parameters of the checkpoint that these records go on from.
    let paramsHash: Digest
    let records: [UInt8]

    /// Stores the records in place of earlier ones.
    func write(to store: ServerStore) throws(StorageError) {
        try store.set(Self.key, to: paramsHash.bytes + records)
    }

    /// Forgets what another run may have left.
    static func remove(from store: ServerStore) throws(StorageError) {
        try store.set(key, to: nil)
    }

    /// Reads what was stored last; nil if there is nothing.
    static func read(from store: ServerStore) throws(StorageError) -> LateRecords? {
        guard let bytes = try store.value(key), let hash = Digest(bytes: Array(bytes.prefix(32))) else { return nil }
        return LateRecords(paramsHash: hash, records: Array(bytes.dropFirst(32)))
    }
}

extension Checkpoint {
    /// Takes the later records, if they go on from this checkpoint.
    func withLateRecords(from store: ServerStore) throws(StorageError) -> Checkpoint {
        guard let late = try LateRecords.read(from: store), late.paramsHash == position.paramsHash else { return self }
        var checkpoint = self
        checkpoint.records = late.records
        return checkpoint
    }
}
