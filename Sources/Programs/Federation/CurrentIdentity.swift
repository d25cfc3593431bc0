// SPDX-License-Identifier: MIT

public import Identity
import Synchronization
public import TLS

/// Holds what a process shows at present: whoever dials or listens asks here, so that a renewed certificate is used from the
/// next connection on, without a restart. Connections that stand go on.
public final class CurrentIdentity: Sendable {
    private struct State {
        let party: PartyIdentity
        let tls: TLSIdentity
    }

    private let state: Mutex<State>

    /// Begins with an identity.
    public init(_ party: PartyIdentity) {
        state = Mutex(State(party: party, tls: party.tlsIdentity))
    }

    /// Who this process is; key, role and federation never change.
    public var party: PartyIdentity { state.withLock(\.party) }

    /// What the next connection shows. All copies share what OpenSSL makes of it.
    public var tls: TLSIdentity { state.withLock(\.tls) }

    /// Shows another certificate for the same key from now on.
    public func replace(with party: PartyIdentity) {
        precondition(party.id == self.party.id, "a renewed certificate is for the same key")
        let next = State(party: party, tls: party.tlsIdentity)
        state.withLock { $0 = next }
    }
}
