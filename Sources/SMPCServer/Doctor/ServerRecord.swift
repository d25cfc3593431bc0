// SPDX-License-Identifier: MIT

import Identity
import Messages
import Programs
import Storage

/// Reads what a server's database says that the checks need; of one that cannot be read only why.
struct ServerRecord: Sendable {
    let check: Check
    private(set) var members: Set<PartyID> = []
    /// Members, and those who may still use an invitation.
    private(set) var sites = 0
    /// The configuration of the last run; nil before the first.
    private(set) var configuration: RunConfiguration?

    /// Opens the database as `status` does, beside a server that runs.
    init(_ state: ServerState) {
        guard PrivateFile.exists(state.databasePath) else {
            check = .failed(
                .record, "\(state.databasePath) is gone",
                remedy: "put the newest copy back: it says who is a member and which rounds were applied")
            return
        }
        do {
            let store = try state.store()
            let present = try store.members().filter { $0.revokedAt == nil }
            let now = unixNow()
            let invited = try store.invitations().count { $0.isOpen(now: now) }
            configuration = try RunHistory(FactLog(store: store).load()).configuration
            members = Set(present.map(\.id))
            sites = present.count + invited
            let figures = ["members": Double(present.count), "invited": Double(invited)]
            let found = "\(present.count) members, \(invited) invited"
            check =
                sites >= Limits.membersMin
                ? .ok(.record, found, figures: figures)
                : .warning(
                    .record, "\(found); an epoch has \(Limits.membersMin) members at least",
                    remedy: "invite more: smpc-server invite NAME --state \(state.directory)", figures: figures)
        } catch {
            check = .failed(.record, error: error, otherwise: "see to the files in \(state.directory)")
        }
    }
}
