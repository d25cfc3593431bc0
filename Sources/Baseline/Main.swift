// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs
import Reporting

@main
enum Main {
    static func main() async {
        await ProgramRunner.run(FedAvgCommand.self)
    }
}

/// The same federation without secret sharing.
struct FedAvgCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fedavg", abstract: "Trains one model by plain federated averaging, to compare with.",
        discussion: """
            The same federation, data, seeds and transport as smpc-server and smpc-client, without secret sharing: \
            the server sees every client's update.

              fedavg server --state fed --rounds 15 --cohort 3
              fedavg client --state site-a --dataset fashion-mnist --part 0/3

            Exit codes: 0 done, 1 failed, 2 aborted (too few clients), 3 verification failed, 64 usage, \
            69 server not reachable, 130 or 143 interrupted.
            """,
        version: Release.version,
        subcommands: [ServerCommand.self, ClientCommand.self, LabelsCommand.self, MeasureCommand.self])
}
