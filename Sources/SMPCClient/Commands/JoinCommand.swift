// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials
import Glibc
import Identity
import Primitives
import Programs
import Transport

/// Makes this site's key and has it certified with a token.
struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Join a federation with an invitation token.",
        discussion: """
            Reads the token from standard input, or from --token-file, never from the command line, where other users \
            of this host could see it. The site's private key is made here and never leaves the state directory. \
            An identity that exists is never overwritten; after an interruption the same token works again.
            """)

    @OptionGroup var state: StateOptions
    @Option(help: "The file that holds the token. (default: standard input)", completion: .file())
    var tokenFile: String?
    @OptionGroup var network: NetworkOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let directory = state.directory
        let network = try network.resolved(try state.settings())
        guard !PartyIdentity.exists(directory: directory.path) else {
            throw ProgramError(
                .usage, "holds an identity already, which is not overwritten", subject: directory.path,
                remedy: "run with it, or name another directory with --state")
        }
        let token = try readToken()
        let now = Int64(Date().timeIntervalSince1970)
        try token.requireUnexpired(now: now)
        let key = try PartyIdentity.key(directory: directory.path)
        let locator = CoordinatorLocator(
            federation: token.federation, network: network, hints: token.addresses.compactMap { HostPort($0) },
            logger: output.logger(label: "smpc-client"))
        output.progress().status("looking for the coordinator of \(token.federation)")
        let connection = try await locator.connectToEnrol(with: token)
        let identity: PartyIdentity
        do {
            identity = try await enrol(over: connection, EnrolmentClient(token: token, key: key), now: now)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        try save(identity, token, connection, directory)
    }

    private func readToken() throws -> InvitationToken {
        let bytes: Data?
        if let tokenFile {
            bytes = FileManager.default.contents(atPath: tokenFile)
        } else {
            if isatty(STDIN_FILENO) == 1 { Console.shared.error("Paste the token, then press Enter:") }
            bytes = readLine(strippingNewline: true).map { Data($0.utf8) }
        }
        guard let bytes, !bytes.isEmpty else {
            let place = tokenFile ?? "standard input"
            throw ProgramError(
                .usage, "no token there", subject: place,
                remedy: "smpc-client join --state \(state.state) < token, or give --token-file FILE")
        }
        do {
            return try InvitationToken(text: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ProgramError(
                .usage, error.description, subject: tokenFile ?? "standard input",
                remedy: "the operator makes one with: smpc-server invite NAME")
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
        _ identity: PartyIdentity, _ token: InvitationToken, _ connection: Connection, _ directory: SiteDirectory
    ) throws {
        try PolicyFile.writeDefault(directory.policy)
        let store = try SiteStore(creating: directory)
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
