// SPDX-License-Identifier: MIT

import ArgumentParser
import Reporting

/// The coordinator of a federation.
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "smpc-server",
        abstract: "Coordinates a federation that trains one model and shows nobody a single update.",
        discussion: """
            A federation begins with three commands:

              smpc-server init --state fed --federation demo
              smpc-server invite site-a site-b site-c --state fed --out tokens
              smpc-server run --state fed --rounds 15 --cohort 3

            Each site then joins with its token (smpc-client join) and takes part (smpc-client run).

            Exit codes: 0 done, 1 failed, 2 aborted (too few sites), 3 verification failed, 64 usage, 130 \
            or 143 interrupted.
            """,
        version: Release.version,
        subcommands: [
            InitCommand.self, InviteCommand.self, MembersCommand.self, RevokeCommand.self, RunCommand.self,
            StatusCommand.self, RoundsCommand.self, DoctorCommand.self, RequestsCommand.self, CertifyCommand.self,
            PassphraseCommand.self, AuthorityCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}

/// Names the directory that holds everything of one federation.
struct StateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The directory that holds this federation: authority, identity, database.", valueName: "dir"),
        completion: .directory)
    var state = "fed"
}
