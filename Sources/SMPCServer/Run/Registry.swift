// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Storage
import Synchronization

/// The members that may take part, and the keys that are shut out: what handshakes ask on the event loop.
final class Registry: Sendable {
    private let store: ServerStore
    private let revoked: Mutex<Revocation>

    init(store: ServerStore) throws {
        self.store = store
        revoked = Mutex(Revocation())
        _ = try load()
    }

    /// Reads members and revocations from the database.
    func load() throws -> [EpochProposal.Member] {
        var (members, shutOut): ([EpochProposal.Member], Set<Digest>) = ([], [])
        for stored in try store.members() {
            let key = try PublicKey(spki: stored.spki)
            if stored.revokedAt == nil {
                members.append(EpochProposal.Member(key: key, name: stored.name))
            } else {
                shutOut.insert(key.spkiHash)
            }
        }
        let hashes = shutOut
        revoked.withLock { $0 = Revocation(hashes) }
        return members
    }

    /// Whether a certificate's key is shut out.
    func isRevoked(_ certificate: Certificate) -> Bool { revoked.withLock { $0.contains(certificate) } }

    /// Whether a key is shut out.
    func isRevoked(_ spkiHash: Digest) -> Bool { revoked.withLock { $0.contains(spkiHash) } }
}
