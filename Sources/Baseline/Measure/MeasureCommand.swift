// SPDX-License-Identifier: MIT

import ArgumentParser
import Learning
import Programs
import Reporting

/// Measures how far the rounds of a secure run were from the exact mean, for whoever simulates a federation.
struct MeasureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure", abstract: "Measures the error of every round of a secure run whose models were kept.",
        discussion: """
            For simulations, in which one machine has all the data. DIR is the --metrics directory of a run of \
            smpc-server run --keep-models that has ended. Trains every part of the data again from the model before \
            each round, takes the exact mean of the clipped updates and writes into rounds.jsonl how far the round was \
            from it: error_measured, beside error_bound, and clamped_digits. In an exact run every round must come out \
            to the bit.

            Data, partition and number of parts must be those of the run. Part K of them (from 0) is that of site-K+1, \
            as scripts/run.sh names its sites; --sites says otherwise.

              fedavg measure metrics/latest/smpc --parts 10

            Exit codes: 0 every error is within its bound, 1 failed, 3 an error exceeds its bound or a model is not \
            what the records say, 64 usage.
            """)

    @Argument(
        help: ArgumentHelp("The directory of the records.", valueName: "dir"), completion: .directory)
    var directory: String
    @Option(help: "How many parts the data is divided into.")
    var parts: Int
    @Option(
        help: ArgumentHelp(
            "The names of the sites in the order of their parts, separated by commas. (default: site-1,site-2,…)",
            valueName: "names"))
    var sites: String?
    @Option(help: ArgumentHelp("The data of the run. (default: as its summary says)", valueName: "name"))
    var dataset: String?
    @Option(
        help: "The directory of the files of an image set, where it is not the system's own.", completion: .directory)
    var data: String?
    @Option(help: "The column of a CSV file that holds the label.")
    var label: String?
    @Option(help: ArgumentHelp("How the data is divided. (default: as the summary says)", valueName: "scheme"))
    var partition: String?
    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard (1...PartSelector.countMax).contains(parts) else {
            throw ValidationError("--parts must be from 1 to \(PartSelector.countMax), not \(parts)")
        }
        if let sites, sites.split(separator: ",", omittingEmptySubsequences: false).count != parts {
            throw ValidationError("--sites must name \(parts) sites, one for each part")
        }
    }

    func run() async throws {
        let progress = output.progress()
        let outcome = try await measurement().measure { record in
            let (error, bound) = (record.errorMeasured ?? 0, record.errorBound ?? 0)
            let share = bound > 0 ? " (\(NumberText.percent(error / bound)))" : ""
            progress.note("round \(record.round)  error \(Float(error)) of at most \(Float(bound))\(share)")
            if let clamped = record.clampedDigits, clamped > 0 {
                progress.warning("round \(record.round): \(clamped) digits were clamped, which the bound leaves out")
            }
        }
        guard outcome.exceeded.isEmpty else {
            let rounds = outcome.exceeded.map(String.init).joined(separator: ", ")
            throw ProgramError(
                .verificationFailed, "the measured error exceeds its bound in round \(rounds)", subject: directory,
                remedy: "measure with the data, partition and parts of the run; if they are, the models are wrong")
        }
        progress.result(
            "\(directory): the errors of \(outcome.rounds.count) rounds are within their bounds",
            ["rounds": "\(outcome.rounds.count)"])
    }

    /// Reads from the summary what the options leave open.
    func measurement() throws -> RunMeasurement {
        let description = try RunReader.read(directory: directory).summary.description
        let names = sites?.split(separator: ",").map(String.init) ?? (1...parts).map { "site-\($0)" }
        return RunMeasurement(
            directory: directory,
            parts: try (0..<parts).map { index in
                guard let part = PartOption(index: index, count: parts) else {
                    throw ProgramError(.usage, "there is no part \(index)", subject: "--parts \(parts)")
                }
                return DatasetOptions.Resolved(
                    dataset: dataset ?? description.dataset, data: data, label: label,
                    partition: partition ?? description.partition, part: part)
            }, sites: names)
    }
}
