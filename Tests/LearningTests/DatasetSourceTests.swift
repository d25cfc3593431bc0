// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct DatasetSourceTests {
    @Test func textNamesASource() throws {
        #expect(
            try DatasetSource(parsing: "fashion-mnist")
                == .images(name: "fashion-mnist", directory: "/usr/share/datasets/fashion-mnist"))
        #expect(try DatasetSource(parsing: "mnist", directory: "d") == .images(name: "mnist", directory: "d"))
        let options = CSVOptions(label: "y")
        #expect(try DatasetSource(parsing: "csv:a:b.csv", csv: options) == .csv(path: "a:b.csv", options: options))
        #expect(try DatasetSource(parsing: "synthetic") == .synthetic(.standard))
        #expect(
            try DatasetSource(parsing: "synthetic:100,3,2")
                == .synthetic(SyntheticShape(samples: 100, features: 3, classes: 2)))
    }

    @Test(arguments: [
        "", "mnist", "cifar", "csv", "csv:", "csv:x.csv", "synthetic:", "synthetic:1,2", "synthetic:9,1,2",
        "synthetic:10,0,2", "synthetic:10,1,1", "synthetic:10,99999999999,2", "synthetic:10,1,2,3", "fashion-mnist:x",
    ])
    func faultyTextIsRefused(text: String) {
        #expect(throws: DataError.self) { try DatasetSource(parsing: text) }
    }

    @Test(.enabled(if: DatasetSourceTests.hasFashion, "dataset-fashion-mnist is not installed"))
    func oneHundredthOfFashionMNISTIsLoaded() throws {
        let loader = DatasetLoader(try DatasetSource(parsing: "fashion-mnist"), runSeed: 1)
        let data = try loader.load(part: try PartSelector(index: 99, count: 100))
        #expect(data.training.count == 600 && data.trainingTotal == 60_000)
        #expect(data.test.count == 100 && data.testTotal == 10_000)
        #expect(data.featureCount == 784 && data.classCount == 10)
        // The constants are the mean and deviation of the pixels.
        let mean = data.training.features.reduce(0.0) { $0 + Double($1) } / Double(data.training.features.count)
        #expect(abs(mean) < 0.05)
    }

    static let hasFashion: Bool = {
        guard let source = try? DatasetSource(parsing: "fashion-mnist") else { return false }
        return (try? DatasetLoader(source, runSeed: 1).histograms(partition: .iid, parts: 1)) != nil
    }()
}
