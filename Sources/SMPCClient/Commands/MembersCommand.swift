// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials
import Identity
import Primitives
import Programs

/// Shows and confirms the members that this site trusts.
struct MembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "Shows whom this site trusts to be in the federation, and confirms newcomers.",
        subcommands: [List.self, Confirm.self], defaultSubcommand: List.self)

    /// Lists the record.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the members with their fingerprints and what this site has said about them.",
            discussion: """
                The members of the first epoch are recorded on trust. Compare fingerprints, or the roster fingerprint, \
                which stands for all of them, with the other sites by telephone.

                  smpc-client members --state site-a

                Exit codes: 0 done, 1 failed, 64 usage.
                """)

        @OptionGroup var state: StateOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            _ = try state.directory.identity()
            MemberList(try SiteStore(state.directory).members()).show(on: output.progress())
        }
    }

    /// Confirms pending members.
    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "confirm",
            abstract: "Confirms newcomers, so that this site takes part in epochs with them.",
            discussion: """
                Without a name, ID or --all it shows who waits to be confirmed. Ask the member for its fingerprint \
                before confirming: the coordinator's word does not count. A running client notices at once. A site whose \
                helper slots were drawn too often without a result goes on when a member, an old one too, is confirmed.

                  smpc-client members confirm --state site-a
                  smpc-client members confirm hospital-d --state site-a

                Exit codes: 0 done, 1 failed, 64 usage.
                """)

        @Argument(help: "Names or IDs (or the first 8 or more digits of an ID) of the members to confirm.")
        var members: [String] = []
        @Flag(help: "Confirm all that wait.")
        var all = false
        @OptionGroup var state: StateOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if all && !members.isEmpty { throw ValidationError("--all cannot be combined with names") }
        }

        func run() async throws {
            _ = try state.directory.identity()
            let store = try SiteStore(state.directory)
            let record = try store.members()
            let pending = record.sorted.filter { $0.state == .pending }
            let chosen = all ? pending : try members.map { try choose($0, among: record.sorted) }
            guard !chosen.isEmpty else {
                return MemberList(record).showPending(on: output.progress(), footer: Self.hint(pending, state.state))
            }
            let now = Int64(Date().timeIntervalSince1970)
            let confirmed = try store.updateMembers { record in
                for member in chosen { _ = record.confirm(member.id, now: now) }
                record.renew()
            }
            let names = chosen.map(\.name).joined(separator: ", ")
            MemberList(confirmed).showPending(on: output.progress(), footer: "confirmed: \(names)")
        }

        private static func hint(_ pending: [RecordedMember], _ state: String) -> String {
            guard let first = pending.first else { return "nobody waits to be confirmed" }
            return "confirm with: smpc-client members confirm \(first.name) --state \(state), or --all"
        }

        private func choose(_ text: String, among members: [RecordedMember]) throws -> RecordedMember {
            let found = members.filter {
                $0.name == text || (text.count >= 8 && $0.id.hex.hasPrefix(text.lowercased()))
            }
            let waiting = found.filter { $0.state == .pending }
            let candidates = waiting.isEmpty ? found : waiting
            guard let member = candidates.first else {
                throw ProgramError(
                    .usage, "no member has this name or ID", subject: text,
                    remedy: "see: smpc-client members --state \(state.state)")
            }
            guard candidates.count == 1 else {
                throw ProgramError(
                    .usage, "\(candidates.count) members have this name", subject: text,
                    remedy: "give the ID: \(candidates.map(\.id.hex).joined(separator: " or "))")
            }
            return member
        }
    }
}

/// Renders a member record.
struct MemberList: Encodable {
    /// One member.
    struct Entry: Encodable {
        let name: String
        let id: String
        let fingerprint: String
        let state: String
        let confirmedAt: String?

        enum CodingKeys: String, CodingKey {
            case name, id, fingerprint, state
            case confirmedAt = "confirmed_at"
        }
    }

    let members: [Entry]
    /// Over the confirmed members; nil without any.
    let roster: String?

    init(_ record: MemberRecord) {
        members = record.sorted.map { member in
            Entry(
                name: member.name, id: member.id.hex, fingerprint: member.spkiHash.hex, state: member.state.rawValue,
                confirmedAt: member.confirmedAt.map {
                    Date(timeIntervalSince1970: TimeInterval($0)).formatted(.iso8601)
                })
        }
        let confirmed = record.sorted.filter { $0.state == .confirmed }
        roster = confirmed.isEmpty ? nil : Roster.fingerprint(spkiHashes: confirmed.map(\.spkiHash))
    }

    /// Shows everybody.
    func show(on progress: Progress) {
        show(members, on: progress, footer: nil)
    }

    /// Shows those that wait to be confirmed.
    func showPending(on progress: Progress, footer: String) {
        show(members.filter { $0.state == RecordedMember.State.pending.rawValue }, on: progress, footer: footer)
    }

    private func show(_ shown: [Entry], on progress: Progress, footer: String?) {
        var lines = shown.map { "\($0.state)  \($0.name)\n  id           \($0.id)\n  fingerprint  \($0.fingerprint)" }
        if members.isEmpty {
            lines = ["no members are recorded yet: those of this site's first epoch will be, on trust"]
        }
        if let roster {
            lines.append("roster of the \(members.count { $0.state == "confirmed" }) confirmed: \(roster)")
        }
        if let footer { lines.append(footer) }
        progress.result(lines.joined(separator: "\n"), self)
    }
}
