// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import Identity
import Primitives
import Programs
import Storage

/// Lists members and invitations.
struct MembersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members", abstract: "Lists members, invitations and the roster's fingerprint.",
        discussion: """
            The fingerprint is what each site prints as well, for people to compare by telephone. It is that of all \
            members; an epoch of fewer has another.

              smpc-server members --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        let authorities = try state.identity().authorities
        let store = try state.store()
        let now = unixNow()
        let members = try store.members()
        let open = try store.invitations().filter { $0.isOpen(now: now) }
        let progress = output.progress()
        for member in members {
            progress.result(Self.line(member, authorities), Listed(member, authorities))
        }
        for entry in open {
            progress.result(
                "\(entry.invitation.name)  invited, until \(isoTime(entry.invitation.expiry))", Invited(entry))
        }
        let active = members.filter { $0.revokedAt == nil }
        let roster = Roster.fingerprint(spkiHashes: active.map { SHA256.hash($0.spki) })
        progress.result(
            "\(active.count) members, roster \(active.isEmpty ? "-" : roster)",
            Total(members: active.count, invited: open.count, roster: active.isEmpty ? nil : roster))
    }

    private static func line(_ member: StoredMember, _ authorities: Authorities) -> String {
        let standing = member.revokedAt.map { "revoked \(isoTime($0))" } ?? "since \(isoTime(member.enrolledAt))"
        let line = "\(member.name)  \(member.id.hex)  \(standing)"
        guard member.revokedAt == nil, let certificate = member.parsedCertificate else { return line }
        // While one authority takes another's place, people want to know who has gone over.
        let origin =
            authorities.succession == nil
            ? "" : certificate.isSigned(by: authorities.current) ? ", new authority" : ", old authority"
        return "\(line)  certificate until \(isoTime(certificate.notAfter))\(origin)"
    }

    private struct Listed: Encodable {
        let name: String
        let id: String
        let enrolled: Int64
        let revoked: Int64?
        let certificateEnds: Int64?
        let isOfPresentAuthority: Bool

        enum CodingKeys: String, CodingKey {
            case name, id, enrolled, revoked
            case certificateEnds = "certificate_ends"
            case isOfPresentAuthority = "of_present_authority"
        }

        init(_ member: StoredMember, _ authorities: Authorities) {
            certificateEnds = member.parsedCertificate?.notAfter
            isOfPresentAuthority = member.parsedCertificate?.isSigned(by: authorities.current) == true
            name = member.name
            id = member.id.hex
            enrolled = member.enrolledAt
            revoked = member.revokedAt
        }
    }

    private struct Invited: Encodable {
        let name: String
        let expires: Int64

        init(_ entry: StoredInvitation) {
            name = entry.invitation.name
            expires = entry.invitation.expiry
        }
    }

    private struct Total: Encodable {
        let members: Int
        let invited: Int
        let roster: String?
    }
}

/// Writes Unix seconds as ISO 8601 in UTC.
func isoTime(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(Date.ISO8601FormatStyle())
}
