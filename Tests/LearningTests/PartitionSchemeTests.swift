// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Learning

@Suite struct PartitionSchemeTests {
    static let labels = (0..<3000).map { Int32($0 * $0 % 7 % 5) }

    static func cut(_ scheme: PartitionScheme, parts: Int, seed: Digest = .zero) throws -> [[Int32]] {
        try scheme.parts(labels: labels, classCount: 5, parts: parts, seed: seed)
    }

    @Test(
        arguments: [
            PartitionScheme.iid, .dirichlet(alpha: 0.5), .dirichlet(alpha: 100), .shards(perPart: 1),
            .shards(perPart: 3),
        ], [1, 2, 7])
    func everySampleIsInOnePart(scheme: PartitionScheme, parts: Int) throws {
        let cut = try Self.cut(scheme, parts: parts)
        #expect(cut.count == parts)
        #expect(cut.flatMap { $0 }.sorted() == Array(0..<3000))
        #expect(try Self.cut(scheme, parts: parts) == cut)
        let other = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        #expect(try Self.cut(scheme, parts: parts, seed: other) != cut)
    }

    @Test func iidPartsDifferInSizeByAtMostOne() throws {
        #expect(Set(try Self.cut(.iid, parts: 7).map(\.count)) == [428, 429])
    }

    @Test(arguments: [0.1, 0.3, 1])
    func dirichletLeavesNoPartWithFewerThanTen(alpha: Double) throws {
        for seed in 0..<10 {
            let seed = TrainingPlan.partitionSeed(run: UInt64(seed))
            let sizes = try Self.cut(.dirichlet(alpha: alpha), parts: 10, seed: seed).map(\.count)
            #expect(sizes.min()! >= 10)
            #expect(sizes.max()! - sizes.min()! > 20, "parts of a skewed cut differ")
        }
    }

    @Test func smallerAlphaSkewsMore() throws {
        func skew(_ alpha: Double) throws -> Int {
            try Self.cut(.dirichlet(alpha: alpha), parts: 4).reduce(0) { sum, part in
                var histogram = [Int](repeating: 0, count: 5)
                for index in part { histogram[Int(Self.labels[Int(index)])] += 1 }
                return sum + histogram.max()! - histogram.min()!
            }
        }
        #expect(try skew(0.1) > skew(1000))
    }

    @Test func partOfTwoShardsHasAtMostTwoClasses() throws {
        let labels = (0..<2000).map { Int32($0 % 10) }
        let cut = try PartitionScheme.shards(perPart: 2).parts(
            labels: labels, classCount: 10, parts: 10, seed: .zero)
        #expect(cut.allSatisfy { Set($0.map { labels[Int($0)] }).count <= 2 }, "shards of 100 are of one class each")
    }

    @Test func impossibleCutsAreErrors() {
        #expect(throws: DataError.partition(scheme: "iid", samples: 3000, parts: 3001)) {
            try Self.cut(.iid, parts: 3001)
        }
        #expect(throws: DataError.self) { try Self.cut(.shards(perPart: 1001), parts: 3) }
        #expect(throws: DataError.self) { try Self.cut(.dirichlet(alpha: 0.5), parts: 301) }
        #expect(throws: DataError.self, "practically always one part takes a whole class") {
            try Self.cut(.dirichlet(alpha: 0.001), parts: 10)
        }
    }

    @Test(arguments: [
        ("iid", PartitionScheme.iid), ("dirichlet:0.5", .dirichlet(alpha: 0.5)), ("shards:2", .shards(perPart: 2)),
    ])
    func textNamesAScheme(text: String, scheme: PartitionScheme) throws {
        #expect(try PartitionScheme(parsing: text) == scheme)
        #expect(scheme.description == text)
    }

    @Test(arguments: [
        "", "iid:1", "dirichlet", "dirichlet:", "dirichlet:0", "dirichlet:-1", "dirichlet:nan", "dirichlet:inf",
        "shards",
        "shards:0", "shards:x", "IID",
    ])
    func faultyTextIsRefused(text: String) {
        #expect(throws: DataError.self) { try PartitionScheme(parsing: text) }
    }

    @Test func histogramsCountEveryPart() throws {
        let loader = DatasetLoader(try DatasetSource(parsing: "synthetic:500,3,4"), runSeed: 3)
        let scheme = PartitionScheme.dirichlet(alpha: 1)
        let histograms = try loader.histograms(partition: scheme, parts: 3)
        for index in 0..<3 {
            let part = try loader.load(partition: scheme, part: PartSelector(index: index, count: 3))
            #expect(part.training.labelHistogram == histograms[index])
        }
        #expect(histograms.flatMap { $0 }.reduce(0, +) == 400)
    }
}
