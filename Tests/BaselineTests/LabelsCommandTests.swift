// SPDX-License-Identifier: MIT

import Learning
import Reporting
import Testing

@testable import Baseline

struct LabelsCommandTests {
    @Test(arguments: ["iid", "dirichlet:0.5", "shards:2"])
    func theCountsAreThoseOfThePartsThatClientsLoad(partition: String) throws {
        let counts = try LabelsCommand.parse([
            "--clients", "3", "--dataset", "synthetic:300,4,3", "--partition", partition, "--seed", "7",
        ]).counts()
        let loader = DatasetLoader(try DatasetSource(parsing: "synthetic:300,4,3"), runSeed: 7)
        let loaded = try (0..<3).map { part in
            let data = try loader.load(
                partition: try PartitionScheme(parsing: partition), part: try PartSelector(index: part, count: 3))
            return (0..<3).map { label in data.training.labels.count { $0 == label } }
        }
        #expect(counts == LabelCounts(loaded))
        #expect(loaded.joined().reduce(0, +) == 240)
    }

    @Test func aMistypedPartitionIsRefused() throws {
        let command = try LabelsCommand.parse(["--clients", "3", "--partition", "x", "--seed", "1"])
        #expect(throws: DataError.self) { try command.counts() }
        #expect(throws: (any Error).self) { try LabelsCommand.parse(["--clients", "0", "--seed", "1"]) }
    }
}
