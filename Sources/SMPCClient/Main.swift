// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs
import Reporting

/// The program of a site.
@main
struct SMPCClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "smpc-client",
        abstract: "Takes part in a federation: trains on the site's own data and sends only masked updates.",
        discussion: """
            A site joins once, with a token that the operator hands over, and then runs. Its key, its policy \
            (policy.toml) and everything that it must never forget lie in the state directory.

              smpc-client join --state site-a < token-a
              smpc-client run --state site-a --dataset fashion-mnist --part 0/3
              smpc-client members confirm --state site-a

            Exit codes: 0 done, 1 failed, 2 the run was aborted, 3 a check or a signature did not hold, 64 usage, \
            69 coordinator not reachable, 130 or 143 interrupted.
            """,
        version: Release.version,
        subcommands: [
            RunCommand.self, JoinCommand.self, MembersCommand.self, StatusCommand.self, DoctorCommand.self,
            BaseCommand.self, ProbeMulticast.self,
        ],
        defaultSubcommand: RunCommand.self)

    static func main() async {
        await ProgramRunner.run(Self.self)
    }
}
