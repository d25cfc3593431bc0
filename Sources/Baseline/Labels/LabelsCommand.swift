// SPDX-License-Identifier: MIT

import ArgumentParser
import Learning
import Programs
import Reporting

/// Counts the labels of every part of a data set, for whoever simulates a federation with it.
struct LabelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels", abstract: "Prints how many samples of each label every part of a data set has.",
        discussion: """
            For simulations, in which one machine has all the data: reads the data set itself, cuts it as clients with \
            the same options and --part 0/N to N-1/N do, and prints CSV lines part,label,samples, from which \
            smpc-compare draws a heat map. It asks no client, and no client ever reports this.

              fedavg labels --clients 10 --partition dirichlet:0.5 --seed 1 > metrics/latest/labels.csv

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @Option(help: "The number of clients, one part for each.")
    var clients: Int
    @Option(help: "The data: fashion-mnist, mnist, csv:PATH or synthetic[:SAMPLES,FEATURES,CLASSES].")
    var dataset = "fashion-mnist"
    @Option(
        help: "The directory of the files of an image set, where it is not the system's own.", completion: .directory)
    var data: String?
    @Option(help: "The column of a CSV file that holds the label.")
    var label: String?
    @Option(help: "How the data is divided: iid, dirichlet:ALPHA or shards:K.")
    var partition = "iid"
    @Option(help: "The seed of the run.")
    var seed: UInt64

    func validate() throws {
        guard (1...PartSelector.countMax).contains(clients) else {
            throw ValidationError("--clients must be from 1 to \(PartSelector.countMax), not \(clients)")
        }
    }

    func run() throws {
        print(try counts().csv, terminator: "")
    }

    /// Counts without printing.
    func counts() throws -> LabelCounts {
        let source = try DatasetSource(parsing: dataset, directory: data, csv: label.map { CSVOptions(label: $0) })
        let scheme = try PartitionScheme(parsing: partition)
        return LabelCounts(try DatasetLoader(source, runSeed: seed).histograms(partition: scheme, parts: clients))
    }
}
