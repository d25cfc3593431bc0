// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Primitives
import Programs
import Storage

/// Replaces a federation's authority by another one, while its members go on.
struct AuthorityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority", abstract: "Shows the federation's authority, or puts another one in its place.",
        discussion: """
            `roll` makes another authority with a key of its own; the two certify each other, and the old key is removed. \
            Both are accepted until `retire`. A server that runs takes it up within seconds, sites within minutes or when \
            they next connect; `members` says who still has a certificate of the old one. Tokens made before `roll` are \
            to be made anew.

              smpc-server authority show --state fed
              smpc-server authority roll --state fed
              smpc-server authority retire --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """,
        subcommands: [AuthorityShowCommand.self, AuthorityRollCommand.self, AuthorityRetireCommand.self])
}

/// Shows the authorities.
struct AuthorityShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows the authority, and the one before it until that is retired.",
        discussion: """
              smpc-server authority show --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        let authorities = try state.identity().authorities
        let behind = try state.store().membersBehind(authorities.current).map(\.name)
        output.progress().result(
            AuthorityReport(authorities, behind: behind).text, AuthorityReport(authorities, behind: behind))
    }
}

/// Puts a new authority into the place of the present one.
struct AuthorityRollCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roll", abstract: "Puts a new authority, with a new key, into the place of the present one.",
        discussion: """
            May be called while the server runs, and again after an interruption.

              smpc-server authority roll --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup(title: "Authority") var authority: PassphraseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        guard !RequestFolder(directory: place.state).exists else {
            throw ProgramError(
                .usage, "the authority's key is elsewhere", subject: place.state,
                remedy: "an institution's authority is not replaced: make another federation with smpc-server init")
        }
        let passphrase = try authority.passphrase()
        try PartyIdentity.requireFederation(directory: place.state)
        let lock = try StateLock(directory: place.state, for: .authority)
        defer { withExtendedLifetime(lock) {} }
        _ = try state.identity(passphrase: passphrase)
        let present = try CertificateAuthority.load(directory: place.state, passphrase: passphrase)
        // The new key is kept as the old one was.
        let isEncrypted = passphrase != nil && (try? CertificateAuthority.load(directory: place.state)) == nil
        let kept = isEncrypted ? passphrase : nil
        try present.finishSuccession(directory: place.state, passphrase: kept)
        guard present.authorities.succession == nil else {
            throw ProgramError(
                .usage, "has taken another authority's place, which is not retired yet", subject: place.state,
                remedy: "smpc-server authority retire --state \(place.state)")
        }
        let next = try present.successor(now: unixNow())
        try next.succeed(directory: place.state, passphrase: kept)
        // The server's own certificate is the first that the new authority issues.
        let authorities = try state.identity(passphrase: passphrase).authorities
        let behind = try state.store().membersBehind(authorities.current).map(\.name)
        let report = AuthorityReport(authorities, behind: behind)
        output.progress().result(report.text, report)
    }
}

/// Forgets the authority whose place was taken.
struct AuthorityRetireCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Accepts the old authority no longer.",
        discussion: """
            Members that still have a certificate of the old authority could connect no more, and would have to join \
            again with a new token: while there are any it refuses, unless --force is given.

              smpc-server authority retire --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @Flag(help: "Leave members behind that still have a certificate of the old authority.")
    var force = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        try PartyIdentity.requireFederation(directory: place.state)
        let lock = try StateLock(directory: place.state, for: .authority)
        defer { withExtendedLifetime(lock) {} }
        let identity = try state.identity()
        guard identity.authorities.succession != nil else {
            throw ProgramError(
                .usage, "has one authority only", subject: place.state, remedy: "there is nothing to retire")
        }
        let behind = try state.store().membersBehind(identity.authority).map(\.name)
        guard behind.isEmpty || force else {
            throw ProgramError(
                .failed, "still have a certificate of the old authority", subject: behind.joined(separator: ", "),
                remedy: "have them connect once, or leave them behind with --force")
        }
        let alone = Authorities(identity.authority)
        try alone.save(in: place.state)
        let report = AuthorityReport(alone, behind: behind)
        output.progress().result(report.text, report)
    }
}

/// What the commands print.
private struct AuthorityReport: Encodable {
    let authority: String
    let ends: Int64
    let previous: String?
    let behind: [String]

    init(_ authorities: Authorities, behind: [String]) {
        authority = authorities.current.fingerprint.hex
        ends = authorities.current.notAfter
        previous = authorities.succession?.previous.fingerprint.hex
        self.behind = behind
    }

    var text: String {
        var lines = ["authority \(authority), until \(UTCTime(ends))"]
        if let previous { lines.append("before it \(previous), accepted until smpc-server authority retire") }
        if !behind.isEmpty { lines.append("of the old one: \(behind.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }
}

extension ServerStore {
    /// The members whose last certificate the present authority has not issued.
    func membersBehind(_ authority: Certificate) throws -> [StoredMember] {
        try members().filter { $0.revokedAt == nil && $0.parsedCertificate?.isSigned(by: authority) != true }
    }
}
