// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs

/// Checks everything that a run of this server rests on.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks everything that a run rests on, one line each with what to do.",
        discussion: """
            Disk and flushes, keys and certificates, the clock, the port to listen on, the limit of open files, multicast, \
            and who announces itself. Takes the options of run. Changes nothing: may be called before a run and while \
            the server runs.

              smpc-server doctor --state fed --listen 0.0.0.0:7443

            Lines begin with ok, warning, failed or not checked; --json prints one object (docs/DOCTOR.md).

            Exit codes: 0 nothing failed, 1 something failed, 64 usage, 130 or 143 interrupted.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup(title: "Network") var network: ListenOptions
    @Option(
        help: ArgumentHelp(
            "The model of the run to come. (default: that of the present run, or mlp:784-128-10)",
            valueName: "specification"))
    var model: String?
    @Option(
        help: ArgumentHelp("How many sites there will be. (default: everyone invited)", valueName: "count"))
    var cohort: Int?
    @Option(help: ArgumentHelp("Rounds before the keys are exchanged anew. (default: 100)", valueName: "count"))
    var roundsPerEpoch: Int?
    @OptionGroup(title: "Output") var output: OutputOptions

    func run() async throws {
        raiseOpenFileLimit()
        let state = ServerState(directory: place.state)
        let settings = try state.settings()
        let progress = output.progress()
        let doctor = ServerDoctor(
            state: state, network: try network.resolved(settings), model: try settings.optional(model, .model),
            cohort: try settings.optional(cohort, .cohort),
            roundsPerEpoch: max(1, try settings.value(roundsPerEpoch, .roundsPerEpoch, default: 100)),
            progress: progress, logger: output.logger(label: "smpc-server"))
        try doctor.requireFederation()
        try await Diagnosis.report(on: progress) { await doctor.examine() }
    }
}
