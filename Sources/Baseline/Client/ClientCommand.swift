// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Programs

/// Takes part in one plain run.
struct ClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Trains on this site's data and sends its updates in the clear.",
        discussion: """
            The site is one that smpc-client join made. The server is found by multicast unless --server names it. \
            After every round the model lies in model.safetensors in the state directory.

            Settings come from the option, then SUMMAND_… in the environment, then config.toml in the state directory.

              fedavg client --state site-a --dataset fashion-mnist --part 0/3

            Exit codes: 0 done, 1 failed, 2 the run was aborted, 64 usage, 69 server not reachable, 130 or 143 \
            interrupted.
            """)

    @Option(help: ArgumentHelp("The site's state directory.", valueName: "dir"), completion: .directory)
    var state = "site"
    @OptionGroup(title: "Data") var data: DatasetOptions
    @OptionGroup(title: "Network") var network: NetworkOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    func run() async throws {
        let identity = try identity()
        let settings = try Settings(file: "\(state)/config.toml")
        let lock = try StateLock(directory: state)
        defer { withExtendedLifetime(lock) {} }
        let data = try data.resolved(settings)
        // What is mistyped is said before anybody is dialled.
        try data.check()
        let run = ClientRun(
            directory: state, identity: identity, data: data, network: try network.resolved(settings),
            progress: output.progress(), logger: output.logger(label: "fedavg"))
        try identity.requireValidCertificate(directory: state, now: unixNow(), run.progress)
        try await Interruption.exiting(
            onSignal: { _ in Console.shared.error("stopping; run it again to go on") }, { try await run.serve() })
    }

    private func identity() throws -> PartyIdentity {
        guard PartyIdentity.exists(directory: state) else {
            throw ProgramError(
                .usage, "holds no identity", subject: state,
                remedy: "join first: smpc-client join --state \(state) < token, or name another directory with --state")
        }
        let identity = try PartyIdentity.load(directory: state)
        guard identity.role == .party(identity.id) else {
            throw ProgramError(
                .usage, "holds the identity of a coordinator, not of a site", subject: state,
                remedy: "name the site's directory with --state")
        }
        return identity
    }
}
