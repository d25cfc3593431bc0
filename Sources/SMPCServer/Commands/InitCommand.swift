// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Primitives
import Programs
import Storage

/// Makes a federation.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Makes a federation: certificate authority, server identity, database.",
        discussion: """
            The directory then holds ca.pem and ca-key.pem (the authority), certificate.pem and key.pem (this server), \
            federation.sqlite (members, invitations, runs) and config.toml (settings for run). Keep it: without it the \
            federation is lost, and whoever has it can admit members.

              smpc-server init --state fed --federation demo

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @Option(help: ArgumentHelp("The federation's name: 1 to 63 letters, digits and hyphens.", valueName: "name"))
    var federation: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        guard let name = FederationName(federation) else {
            throw ProgramError(
                .usage, "\"\(federation)\" is not a name: use 1 to 63 letters, digits and hyphens",
                subject: "--federation")
        }
        guard !PartyIdentity.exists(directory: place.state) else {
            throw ProgramError(
                .usage, "holds a federation already", subject: place.state,
                remedy: "name another directory with --state")
        }
        let now = unixNow()
        let authority = try CertificateAuthority.create(federation: name, now: now)
        try authority.save(directory: place.state)
        let key = try PartyIdentity.key(directory: place.state)
        let certificate = try authority.issueCoordinator(publicKey: key.publicKey, now: now)
        let state = ServerState(directory: place.state)
        _ = try ServerStore(path: state.databasePath)
        if !PrivateFile.exists(state.configurationPath) {
            try PrivateFile.write(Self.configurationText, to: state.configurationPath)
        }
        // The identity comes last: a directory without one can be initialized again.
        try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
            .save(directory: place.state)
        output.progress().result(
            "federation \(name) in \(place.state); authority \(authority.certificate.fingerprint.hex)",
            ["federation": name.text, "state": place.state, "authority": authority.certificate.fingerprint.hex])
    }

    private static let configurationText = """
        # Settings of `smpc-server run`. An option on the command line goes before SUMMAND_… in the environment, that
        # before this file, this before the default. Keys are the options' names with underscores.

        # listen = "0.0.0.0:7443"
        # server_address = "coordinator.example.org:7443"   # what `invite` writes into tokens
        # discovery = "on"
        # rounds = 15
        # cohort_wait = "120s"
        # rejoin_wait = "60s"
        # model = "mlp:784-128-10"
        # metrics = "metrics/latest/smpc"

        """
}
