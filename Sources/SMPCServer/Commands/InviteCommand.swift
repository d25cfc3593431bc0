// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Programs

/// Invites members.
struct InviteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Makes single-use tokens by which sites join.",
        discussion: """
            With --out, DIR/NAME.token is written for each name, readable by its owner only. Without it the token of \
            exactly one name is printed. A token is a secret: whoever has it can join in the site's place. A new \
            invitation takes back an unused earlier one of the same name.

              smpc-server invite hospital-a --state fed > token-a
              smpc-server invite site-a site-b site-c --state fed --out tokens --address fl.example.org:7443

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @Argument(help: "What people will call the site; 1 to 64 printable characters.")
    var names: [String]
    @OptionGroup var place: StateOptions
    @Option(
        help: ArgumentHelp("The directory that receives one file a name.", valueName: "dir"), completion: .directory)
    var out: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Where the server can be reached, as hints in the token. (default: server_address)", valueName: "host:port")
    )
    var address: [HostPort] = []
    @Option(help: ArgumentHelp("How long the tokens are good, from 1s to 365d.", valueName: "duration"))
    var expires = DurationOption(.seconds(86_400))
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if out == nil, names.count != 1 { throw ValidationError("several names need --out DIR") }
        if expires.duration < .seconds(1) { throw ValidationError("--expires must be at least 1s") }
        if Set(names).count != names.count { throw ValidationError("a name is given twice") }
    }

    func run() throws {
        let state = ServerState(directory: place.state)
        let identity = try state.identity()
        let store = try state.store()
        let now = unixNow()
        // A site whose certificate has ended comes back with a token under its name.
        let taken = Set(try store.members().filter { $0.revokedAt == nil && !$0.hasEnded(now: now) }.map(\.name))
        let addresses = try hints(state)
        let tokens = try names.map { name in
            try check(name, taken)
            return try InvitationToken(
                federation: identity.federation, authorityFingerprint: identity.authority.fingerprint, name: name,
                expiry: now + expires.duration.components.seconds, addresses: addresses)
        }
        try store.invite(tokens.map(\.invitation), now: now)
        guard let out else { return output.progress().result(tokens[0].exposedText(), Made(tokens[0], file: nil)) }
        for token in tokens {
            let path = "\(out)/\(token.name).token"
            try PrivateFile.write(token.exposedText() + "\n", to: path)
            output.progress().result("\(token.name): \(path)", Made(token, file: path))
        }
    }

    private func check(_ name: String, _ taken: Set<String>) throws {
        guard MemberName.isValid(name) else {
            throw ProgramError(
                .usage, "\"\(name)\" is not a name: use 1 to 64 bytes of printable text, with no space at either end",
                subject: "invite")
        }
        guard out == nil || (!name.contains("/") && !name.hasPrefix(".")) else {
            throw ProgramError(.usage, "\"\(name)\" cannot be the name of a file", subject: "invite")
        }
        guard !taken.contains(name) else {
            throw ProgramError(
                .usage, "is a member already", subject: name,
                remedy: "choose another name, or shut the member out first with revoke")
        }
    }

    private func hints(_ state: ServerState) throws -> [String] {
        guard address.isEmpty else { return address.map(\.description) }
        let setting = try state.settings().optional(HostPort?.none, .serverAddress)
        return setting.map { [$0.description] } ?? []
    }

    private struct Made: Encodable {
        let name: String
        let token: String?
        let file: String?
        let expires: Int64

        init(_ token: InvitationToken, file: String?) {
            name = token.name
            self.token = file == nil ? token.exposedText() : nil
            self.file = file
            expires = token.expiry
        }
    }
}
