// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs

/// Says where a federation stands.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Says where the federation and its run stand, from the database.",
        discussion: """
            May be called while the server runs.

              smpc-server status --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        let identity = try state.identity()
        let store = try state.store()
        let members = try store.members()
        let now = unixNow()
        let history = try RunHistory(FactLog(store: store).load())
        let status = Status(
            federation: identity.federation.text, members: members.filter { $0.revokedAt == nil }.count,
            invited: try store.invitations().filter { $0.isOpen(now: now) }.count,
            revoked: members.filter { $0.revokedAt != nil }.count, phase: history.phase, epoch: history.epoch,
            round: history.openRound?.round, applied: history.chain?.appliedRounds,
            rounds: history.configuration?.rounds, model: history.configuration?.model,
            paramsHash: history.chain?.paramsHash.hex, ending: history.end?.sentence)
        output.progress().result(status.text, status)
    }

    private struct Status: Encodable {
        let federation: String
        let members: Int
        let invited: Int
        let revoked: Int
        let phase: String
        let epoch: UInt64?
        let round: UInt64?
        let applied: Int?
        let rounds: Int?
        let model: String?
        let paramsHash: String?
        let ending: String?

        enum CodingKeys: String, CodingKey {
            case federation, members, invited, revoked, phase, epoch, round, applied, rounds, model, ending
            case paramsHash = "params_hash"
        }

        var text: String {
            var lines = ["federation \(federation): \(members) members, \(invited) invited, \(revoked) revoked"]
            guard let applied, let rounds, let model else { return lines[0] + "\nno run yet" }
            lines.append("run of \(model): \(applied) of \(rounds) rounds applied, \(phase)")
            let position = [epoch.map { "epoch \($0)" }, round.map { "round \($0)" }].compactMap(\.self)
            if !position.isEmpty { lines.append(position.joined(separator: ", ")) }
            if let paramsHash { lines.append("parameters \(paramsHash)") }
            if let ending { lines.append(ending) }
            return lines.joined(separator: "\n")
        }
    }
}
