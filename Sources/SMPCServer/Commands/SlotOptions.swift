// SPDX-License-Identifier: MIT

import Aggregation
import Identity
import Messages
import Programs
import Storage

/// The operator's choice of helper slots, as text.
struct SlotOptions {
    /// `all`, `pinned` or `sampled`.
    let name: String
    /// `primary+standby,primary+standby`, by name or ID.
    let pinned: String?

    /// Checks the choice against the members that have joined.
    func choice(among members: [StoredMember]) throws(ProgramError) -> SlotChoice {
        guard SitePolicy.slotModes.contains(name) else {
            throw ProgramError(
                .usage, "no slot mode is named \"\(name)\"", subject: "--slots",
                remedy: "there are \(SitePolicy.slotModes.joined(separator: ", "))")
        }
        guard name == "pinned" else {
            guard pinned == nil else {
                throw ProgramError(
                    .usage, "is for --slots pinned", subject: "--pinned", remedy: "leave it out, or pin the slots")
            }
            return name == "all" ? .all : .sampled
        }
        guard let pinned else {
            throw ProgramError(
                .usage, "names no slots", subject: "--slots pinned", remedy: "add --pinned primary+standby,…")
        }
        var pairs: [EpochProposal.Pair] = []
        for text in pinned.split(separator: ",", omittingEmptySubsequences: false) {
            let names = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
            guard names.count == 2 else {
                throw ProgramError(.usage, "\"\(text)\" is not primary+standby", subject: "--pinned")
            }
            pairs.append(
                .init(primary: try party(names[0], among: members), standby: try party(names[1], among: members)))
        }
        guard Set(pairs.flatMap { [$0.primary, $0.standby] }).count == 2 * pairs.count, pairs.count > 1 else {
            throw ProgramError(
                .usage, "needs two pairs or more, and nobody in two places", subject: "--pinned \(pinned)")
        }
        return .pinned(pairs)
    }

    private func party(_ text: String, among members: [StoredMember]) throws(ProgramError) -> PartyID {
        let found = members.filter { $0.revokedAt == nil && ($0.name == text || $0.id.hex == text.lowercased()) }
        guard let member = found.first else {
            throw ProgramError(
                .usage, "no member that has joined has this name or ID", subject: "--pinned \(text)",
                remedy: "see: smpc-server members")
        }
        guard found.count == 1 else {
            throw ProgramError(
                .usage, "\(found.count) members have this name", subject: "--pinned \(text)",
                remedy: "give the ID: \(found.map(\.id.hex).joined(separator: " or "))")
        }
        return member.id
    }
}
