// SPDX-License-Identifier: MIT

import FoundationEssentials
public import Identity
public import Primitives
public import Storage
import Synchronization

/// Knows who may take part and which keys are shut out: what a server's handshakes ask on the event loop.
///
/// Members, invitations and revocations belong to the federation, whichever arm runs; both servers keep them here.
public final class MemberRegistry: Sendable {
    /// Where members and invitations are kept.
    public let store: ServerStore
    private let state: Mutex<State>
    /// Held while the database is read, so that of two readings the later one stays.
    private let reading = Mutex(())

    private struct State {
        var version: Int
        var members: [StoredMember] = []
        var revoked = Revocation()
    }

    /// Reads the members of a database.
    public init(store: ServerStore) throws {
        self.store = store
        state = Mutex(State(version: try store.externalVersion()))
        try load()
    }

    /// The members that are not shut out, by name.
    public var members: [StoredMember] { state.withLock { $0.members.filter { $0.revokedAt == nil } } }

    /// Whether a certificate's key is shut out.
    public func isRevoked(_ certificate: Certificate) -> Bool { state.withLock { $0.revoked.contains(certificate) } }

    /// Whether a key is shut out.
    public func isRevoked(_ spkiHash: Digest) -> Bool { state.withLock { $0.revoked.contains(spkiHash) } }

    /// What people call a member; its ID if it is none.
    public func name(of party: PartyID) -> String {
        state.withLock { $0.members.first { $0.id == party }?.name } ?? party.hex
    }

    /// Whether a party is a member that is not shut out.
    public func isMember(_ party: PartyID) -> Bool { members.contains { $0.id == party } }

    /// Counts the members and those who may still use an invitation: whom a run waits for unless told otherwise.
    public func expectedMembers() throws -> Int {
        members.count + (try store.newcomers(now: unixNow()))
    }

    /// Reads the database again if another process has changed it since; says whether.
    public func refresh() throws -> Bool {
        let version = try store.externalVersion()
        guard state.withLock({ $0.version != version }) else { return false }
        try load()
        state.withLock { $0.version = version }
        return true
    }

    /// Reads members and revocations from the database.
    public func load() throws {
        try reading.withLock { _ in
            let members = try store.members()
            var revoked = Revocation()
            for member in members where member.revokedAt != nil { revoked.revoke(SHA256.hash(member.spki)) }
            let (all, shutOut) = (members, revoked)
            state.withLock { state in
                state.members = all
                state.revoked = shutOut
            }
        }
    }
}

extension ServerStore {
    /// Counts the invitations that may still make a member: one for a name that a member has renews its certificate.
    public func newcomers(now: Int64) throws -> Int {
        let names = Set(try members().filter { $0.revokedAt == nil }.map(\.name))
        return try invitations().count { $0.isOpen(now: now) && !names.contains($0.invitation.name) }
    }
}

extension StoredMember {
    /// The certificate that it was given last; nil if that cannot be read.
    public var parsedCertificate: Certificate? { try? Certificate(der: certificate) }

    /// Whether that certificate has ended.
    public func hasEnded(now: Int64) -> Bool { parsedCertificate.map { now > $0.notAfter } ?? false }
}

/// The time in Unix seconds.
public func unixNow() -> Int64 { Int64(Date.now.timeIntervalSince1970) }
