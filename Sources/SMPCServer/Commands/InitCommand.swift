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

            With --ca-passphrase-file the authority's key is encrypted (PBES2: PBKDF2 with HMAC-SHA-256, 600000 rounds, and \
            AES-256-CBC); run then needs the same option to let sites in.

            With --ca-cert an institution's authority, which may be an intermediate one, heads the federation, and its key is \
            never here: requests wait in requests/, for somebody to sign; smpc-server certify takes the certificates in. \
            The authority must say CA:TRUE and keyCertSign. Its key may be ECDSA, Ed25519, or RSA from 2048 bits on.

              smpc-server init --state fed --federation demo --ca-cert hospital-ca.pem
              openssl x509 -req -in fed/requests/coordinator.csr -CA hospital-ca.pem -CAkey hospital-ca-key.pem \
            -days 365 -copy_extensions copy -out coordinator.pem
              smpc-server certify coordinator.pem --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @Option(help: ArgumentHelp("The federation's name: 1 to 63 letters, digits and hyphens.", valueName: "name"))
    var federation: String
    @Option(
        help: ArgumentHelp(
            "The certificate of an institution's authority, in PEM. (default: an authority of its own)",
            valueName: "file"),
        completion: .file())
    var caCert: String?
    @OptionGroup var authority: PassphraseOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if caCert != nil, authority.namesFile {
            throw ValidationError("--ca-cert and --ca-passphrase-file exclude each other: that key is not here")
        }
    }

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
        let folder = RequestFolder(directory: place.state)
        guard !folder.exists else {
            throw ProgramError(
                .usage, "holds a federation already, whose server has no certificate yet", subject: place.state,
                remedy:
                    "have \(folder.requestPath(.coordinator)) signed, then: smpc-server certify FILE --state \(place.state)"
            )
        }
        if let caCert { return try initialize(name, under: caCert) }
        let now = unixNow()
        let passphrase = try authority.passphrase()
        let authority = try CertificateAuthority.create(federation: name, now: now)
        try authority.save(directory: place.state, passphrase: passphrase)
        let key = try PartyIdentity.key(directory: place.state)
        let certificate = try authority.issueCoordinator(publicKey: key.publicKey, now: now)
        try makeRecords()
        // The identity comes last: a directory without one can be initialized again.
        try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
            .save(directory: place.state)
        output.progress().result(
            "federation \(name) in \(place.state); authority \(authority.certificate.fingerprint.hex)",
            ["federation": name.text, "state": place.state, "authority": authority.certificate.fingerprint.hex])
    }

    /// Begins a federation under an institution's authority; the request comes last.
    private func initialize(_ name: FederationName, under path: String) throws {
        let certificate: Certificate
        do {
            certificate = try Certificate(pem: String(decoding: try PrivateFile.read(path), as: UTF8.self))
        } catch {
            throw ProgramError(.usage, "\(error)", subject: path, remedy: "correct --ca-cert")
        }
        let now = unixNow()
        do {
            try CertificateIssuer.requireSuitable(certificate, now: now)
        } catch {
            throw ProgramError(.usage, "\(error)", subject: path, remedy: "name another with --ca-cert")
        }
        guard !PrivateFile.exists("\(place.state)/ca-key.pem") else {
            throw ProgramError(
                .usage, "holds the key of an authority of its own", subject: place.state,
                remedy: "name another directory with --state")
        }
        try makeRecords()
        let request = try CertificateIssuer.establish(
            directory: place.state, federation: name, authority: certificate, now: now)
        output.progress().result(
            """
            federation \(name) in \(place.state); authority \(certificate.fingerprint.hex), whose key is elsewhere
            next, where that key is:
              openssl x509 -req -in coordinator.csr -CA ca.pem -CAkey ca-key.pem -days 365 -copy_extensions copy \
            -out coordinator.pem
            with \(request) as coordinator.csr; then here:
              smpc-server certify coordinator.pem --state \(place.state)
            """,
            [
                "federation": name.text, "state": place.state, "authority": certificate.fingerprint.hex,
                "request": request,
            ])
    }

    private func makeRecords() throws {
        let state = ServerState(directory: place.state)
        try PrivateFile.makeDirectory(place.state)
        _ = try ServerStore(path: state.databasePath)
        if !PrivateFile.exists(state.configurationPath) {
            try PrivateFile.write(Self.configurationText, to: state.configurationPath)
        }
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
