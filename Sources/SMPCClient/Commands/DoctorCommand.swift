// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs

/// Checks everything that a run of this site rests on.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks everything that a run rests on, one line each with what to do.",
        discussion: """
            Disk and flushes, keys and certificates, the data and whether they fit the model, multicast, proxy, the \
            coordinator and its clock, and the way to every other site. Takes the options of run. Changes nothing and \
            takes part in nothing: may be called before a run and while the client runs.

              smpc-client doctor --state site-a --dataset fashion-mnist --part 0/3

            Each address is dialled once, for five seconds; --wait bounds the search by multicast, which ends after four. \
            Lines begin with ok, warning, failed or not checked; --json prints one object (docs/DOCTOR.md).

            Exit codes: 0 nothing failed, 1 something failed, 64 usage, 130 or 143 interrupted.
            """)

    @OptionGroup var state: StateOptions
    @OptionGroup(title: "Network") var network: NetworkOptions
    @OptionGroup(title: "Data") var dataset: DatasetOptions
    @Option(
        help: ArgumentHelp(
            "The model that the data should fit. (default: that of the present run)", valueName: "specification"))
    var model: String?
    @OptionGroup(title: "Output") var output: OutputOptions

    func run() async throws {
        let directory = state.directory
        guard directory.exists else { _ = try directory.identity(); return }
        let settings = try state.settings()
        let progress = output.progress()
        let doctor = SiteDoctor(
            directory: directory, network: try network.resolved(settings), dataset: try dataset.resolved(settings),
            model: try settings.optional(model, .model), progress: progress,
            logger: output.logger(label: "smpc-client"))
        try await Diagnosis.report(on: progress) { await doctor.examine() }
    }
}
