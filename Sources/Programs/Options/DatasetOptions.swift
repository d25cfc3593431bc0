// SPDX-License-Identifier: MIT

import ArgumentParser
import Learning

/// Says which data a client trains on.
public struct DatasetOptions: ParsableArguments {
    /// The name of the data set.
    @Option(
        help: ArgumentHelp(
            "The data: fashion-mnist, mnist, csv:PATH or synthetic[:SAMPLES,FEATURES,CLASSES]. (default: fashion-mnist)",
            valueName: "name")
    )
    public var dataset: String?

    /// The place of its files.
    @Option(
        help: ArgumentHelp(
            "The directory of the files of an image set, where it is not the system's own.", valueName: "dir"),
        completion: .directory)
    public var data: String?

    /// The column to predict.
    @Option(help: ArgumentHelp("The column of a CSV file that holds the label.", valueName: "column"))
    public var label: String?

    /// The way the data is divided among the clients.
    @Option(
        help: ArgumentHelp(
            "How the data is divided: iid, dirichlet:ALPHA or shards:K. (default: iid)", valueName: "scheme"))
    public var partition: String?

    /// The share of this client.
    @Option(
        help: ArgumentHelp(
            "The part of the divided data that this client trains on, from 0/N to N-1/N. (default: 0/1)",
            valueName: "k/n"))
    public var part: PartOption?

    /// Makes the options with nothing set.
    public init() {}

    /// Holds the choices after the environment and the configuration file have been asked.
    public struct Resolved: Equatable, Sendable {
        /// The name of the data set.
        public var dataset: String
        /// The place of its files; nil for the system's own copy.
        public var data: String?
        /// The column of a CSV file that holds the label.
        public var label: String?
        /// The way the data is divided.
        public var partition: String
        /// The share of this client.
        public var part: PartOption

        /// Takes choices that are made already.
        public init(dataset: String, data: String?, label: String?, partition: String, part: PartOption) {
            self.dataset = dataset
            self.data = data
            self.label = label
            self.partition = partition
            self.part = part
        }

        /// Says where the samples come from.
        public func source() throws(DataError) -> DatasetSource {
            try DatasetSource(parsing: dataset, directory: data, csv: label.map { CSVOptions(label: $0) })
        }

        /// Reads as much of the data as shows that they are there and can be divided: before anybody is dialled.
        public func check() throws(DataError) {
            _ = try PartSelector(index: part.index, count: part.count)
            try DatasetLoader(try source(), runSeed: 0).check(partition: try scheme(), parts: part.count)
        }

        /// Says how the samples are divided.
        public func scheme() throws(DataError) -> PartitionScheme {
            try PartitionScheme(parsing: partition)
        }
    }

    /// Completes what the command line leaves open.
    public func resolved(_ settings: Settings) throws(ProgramError) -> Resolved {
        Resolved(
            dataset: try settings.value(dataset, .dataset, default: "fashion-mnist"),
            data: try settings.optional(data, .data), label: try settings.optional(label, .label),
            partition: try settings.value(partition, .partition, default: "iid"),
            part: try settings.optional(part, .part) ?? PartOption.whole)
    }
}

extension PartOption {
    /// All of the data.
    public static let whole = PartOption()

    private init() {
        self.index = 0
        self.count = 1
    }
}
