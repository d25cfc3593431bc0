// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import Glibc
import Identity
import Primitives
import Programs
import Transport

/// Makes this site's key and has it certified with a token.
struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Joins a federation with an invitation token.",
        discussion: """
            Reads the token from standard input, or from --token-file, never from the command line, where other users \
            of this host could see it. The site's private key is made here and never leaves the state directory. \
            An identity that exists is not overwritten; after an interruption the same token works again. Where its \
            certificate has ended, a new token brings another one for the same key: ID, member records and policy stay.

            Where an institution's authority signs elsewhere, the request waits for it: exit code 75. The same command with \
            the same token, later, fetches the certificate; --signature-wait asks again by itself.

              smpc-client join --state site-a < token-a
              smpc-client join --state site-a --token-file token-a --server fl.example.org:7443

            Exit codes: 0 done, 1 failed, 64 usage, 69 coordinator not reachable, 75 not signed yet, 130 or 143 interrupted.
            """)

    @OptionGroup var state: StateOptions
    @Option(
        help: ArgumentHelp("The file that holds the token. (default: standard input)", valueName: "file"),
        completion: .file())
    var tokenFile: String?
    @Option(
        help: ArgumentHelp(
            "How long to wait for a signature that is made elsewhere. (default: 0s)", valueName: "duration"))
    var signatureWait = DurationOption(.zero)
    @OptionGroup var network: NetworkOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let directory = state.directory
        let network = try network.resolved(try state.settings())
        let now = unixNow()
        let ended = try endedIdentity(directory, now: now)
        let lock = try ended.map { _ in try StateLock(directory: directory.path) }
        defer { withExtendedLifetime(lock) {} }
        // Who repeats a join waits perhaps for a signature, and the server knows whether the token was used in time.
        let isRepeated = PartyIdentity.keyExists(directory: directory.path)
        let token = try readToken(now: isRepeated ? nil : now)
        if let ended, ended.federation != token.federation {
            throw ProgramError(
                .usage, "is for \(token.federation), and the identity in \(directory.path) is of \(ended.federation)",
                subject: "the token", remedy: "name another directory with --state")
        }
        let key = try PartyIdentity.key(directory: directory.path)
        let locator = CoordinatorLocator(
            federation: token.federation, network: network, hints: token.addresses.compactMap { HostPort($0) },
            logger: output.logger(label: "smpc-client"))
        output.progress().status("looking for the coordinator of \(token.federation)")
        let client = EnrolmentClient(token: token, key: key)
        let (identity, connection) = try await enrol(client, with: token, locator)
        try save(identity, token, connection, directory, isNew: ended == nil)
    }

    /// The identity that lies here, if its certificate has ended: its key can get another. Nil where there is none.
    private func endedIdentity(_ directory: SiteDirectory, now: Int64) throws -> PartyIdentity? {
        guard PartyIdentity.exists(directory: directory.path) else { return nil }
        let identity = try directory.identity()
        guard now > identity.certificate.notAfter else {
            throw ProgramError(
                .usage, "holds an identity already, which is not overwritten", subject: directory.path,
                remedy: "run with it, or name another directory with --state")
        }
        return identity
    }

    /// How long to wait before asking for a certificate again that is signed elsewhere.
    private static let askAgain = Duration.seconds(5)

    /// Enrols over one connection, or over one after the other while the signature may still come.
    private func enrol(
        _ client: EnrolmentClient, with token: InvitationToken, _ locator: CoordinatorLocator
    ) async throws -> (PartyIdentity, Connection) {
        let deadline = ContinuousClock.now + signatureWait.duration
        while true {
            let connection = try await locator.connectToEnrol(with: token)
            do {
                let identity = try await enrol(over: connection, client, now: unixNow())
                await connection.close()
                return (identity, connection)
            } catch {
                await connection.close()
                guard case EnrolmentError.refused(let refusal) = error, refusal.isForNow, .now < deadline else {
                    throw error
                }
                output.progress().status("\(refusal)")
            }
            // Somebody signs elsewhere, by hand; the server answers a question and tells nobody afterwards.
            try await Task.sleep(for: Self.askAgain)
        }
    }

    /// Where the token is read from.
    private var place: String { tokenFile ?? "standard input" }

    private func readToken(now: Int64?) throws -> InvitationToken {
        let text = try tokenText().trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else {
            throw ProgramError(
                .usage, "no token there", subject: place,
                remedy: "smpc-client join --state \(state.state) < token, or give --token-file FILE")
        }
        guard !text.contains(where: \.isWhitespace) else {
            throw ProgramError(
                .usage, "holds more than one token", subject: place, remedy: "give it one token, in one line")
        }
        do {
            let token = try InvitationToken(text: text)
            if let now { try token.requireUnexpired(now: now) }
            return token
        } catch .expired(let time) {
            throw ProgramError(
                .failed, "the token expired on \(UTCTime(time))", subject: place,
                remedy: "ask the operator for a new one: smpc-server invite NAME")
        } catch {
            throw ProgramError(
                .usage, error.description, subject: place,
                remedy: "the operator makes one with: smpc-server invite NAME")
        }
    }

    private func tokenText() throws -> String {
        guard let tokenFile else {
            if isatty(STDIN_FILENO) == 1 { Console.shared.error("Paste the token, then press Enter:") }
            return readLine() ?? ""
        }
        do {
            return String(decoding: try PrivateFile.read(tokenFile), as: UTF8.self)
        } catch {
            throw ProgramError(.usage, "\(error)", remedy: "correct --token-file")
        }
    }

    private func enrol(
        over connection: Connection, _ client: EnrolmentClient, now: Int64
    ) async throws -> PartyIdentity {
        let exporter = try await connection.exporter(
            label: Enrolment.exporterLabel, context: [], count: Enrolment.exporterCount)
        try await connection.send(try client.requestBytes(exporter: exporter))
        let events = connection.events.makeAsyncIterator()
        guard case .message(let response) = try await events.next() else {
            throw ProgramError(
                .failed, "closed the connection without an answer", subject: connection.remoteAddress,
                remedy: "try again; if it goes on, look at the server's log")
        }
        return try client.identity(responseBytes: response, now: now)
    }

    private func save(
        _ identity: PartyIdentity, _ token: InvitationToken, _ connection: Connection, _ directory: SiteDirectory,
        isNew: Bool
    ) throws {
        try PolicyFile.writeDefault(directory.policy)
        // What a site that joins again has recorded must be there: it is not made anew.
        let store = isNew ? try SiteStore(creating: directory) : try SiteStore(directory)
        if !isNew, let known = try store.value(.coordinatorKey), known != connection.peer?.publicKey.spki {
            throw ProgramError(
                .failed, "has another key than the coordinator of this site's record",
                subject: connection.remoteAddress, remedy: "ask the operator; another server is another federation")
        }
        try store.set(.name, to: Array(token.name.utf8))
        if let coordinator = connection.peer?.publicKey { try store.set(.coordinatorKey, to: coordinator.spki) }
        try store.set(.coordinatorAddress, to: Array(connection.remoteAddress.utf8))
        // The certificate comes last: with it the directory counts as joined.
        try identity.save(directory: directory.path)
        let report = Report(
            federation: identity.federation.text, name: token.name, id: identity.id.hex,
            fingerprint: identity.key.publicKey.spkiHash.hex, state: directory.path)
        output.progress().result(
            """
            joined federation \(report.federation) as \(report.name)
              id           \(report.id)
              fingerprint  \(report.fingerprint)
              state        \(report.state) (policy.toml says what this site accepts)
            next: smpc-client run --state \(report.state)
            """, report)
    }

    /// What `--json` prints.
    private struct Report: Encodable {
        let federation: String
        let name: String
        let id: String
        let fingerprint: String
        let state: String
    }
}
