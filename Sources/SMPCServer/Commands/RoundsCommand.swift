// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs

/// Lists the rounds of the last run.
struct RoundsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rounds", abstract: "Lists the rounds of the last run that are over.",
        discussion: """
            One line a round: its number, which counts over all runs, its epoch, kind and outcome, the hash of the \
            parameters after it, and why it was not applied if it was not. May be called while the server runs.

              smpc-server rounds --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let state = ServerState(directory: place.state)
        _ = try state.identity()
        let history = try RunHistory(FactLog(store: try state.store()).load())
        let progress = output.progress()
        if history.rounds.isEmpty { progress.note("no round is over yet") }
        for round in history.rounds {
            progress.result(
                "round \(round.round)  epoch \(round.epoch)  \(round.kind)  \(round.outcome)  \(round.paramsHash)"
                    + (round.reason.map { "  \($0)" } ?? ""),
                round)
        }
    }
}
