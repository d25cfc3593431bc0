// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Programs
import Storage

/// Shuts a member out.
struct RevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Shuts a member's key out for ever, or takes an invitation back.",
        discussion: """
            A server that runs notices within a second, closes the member's connection and goes on without it. The \
            site can join anew only as a new member, with another key. An invitation is taken back while no member has come of \
            it, and with it a request that waits for a signature.

              smpc-server revoke hospital-a --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @Argument(help: "The name or the ID of the member, or the name of an invitation.")
    var member: String
    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        _ = try state.identity()
        let store = try state.store()
        let now = unixNow()
        let matches = try store.members().filter { $0.id.hex == member || ($0.name == member && $0.revokedAt == nil) }
        guard matches.count <= 1 else {
            throw ProgramError(
                .usage, "\(matches.count) members have this name", subject: member,
                remedy: "give the ID: \(matches.map(\.id.hex).joined(separator: " or "))")
        }
        if let match = matches.first {
            _ = try store.revoke(match.id, now: now)
            return output.progress().result(
                "\(match.name) (\(match.id.hex)) is shut out", ["revoked": match.id.hex, "name": match.name])
        }
        guard try store.withdraw(name: member, now: now) > 0 else {
            throw ProgramError(
                .usage, "no member and no invitation has this name or ID", subject: member,
                remedy: "see smpc-server members --state \(place.state)")
        }
        let folder = RequestFolder(directory: place.state)
        for (role, request) in try folder.waiting() where role != .coordinator && request.subjectCommonName == member {
            try folder.remove(role)
        }
        output.progress().result("the invitation of \(member) is taken back", ["withdrawn": member])
    }
}
