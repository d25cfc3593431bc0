// SPDX-License-Identifier: MIT

import Primitives

/// Cuts the training samples of a simulated federation into parts.
///
/// The same labels, number of parts and seed give the same parts on every processor: `+ − × ÷ √` only, see
/// `ElementaryFunctions`.
public enum PartitionScheme: Sendable, Hashable {
    /// A random permutation cut into pieces whose sizes differ by at most one.
    case iid
    /// Each class spread over the parts in proportions drawn from a symmetric Dirichlet distribution, drawn again until
    /// every part has at least `samplesMin` samples. A small alpha makes the parts differ more.
    case dirichlet(alpha: Double)
    /// The samples sorted by class, cut into parts × perPart shards, of which each part gets `perPart` at random
    /// (McMahan et al. 2017, section 3).
    case shards(perPart: Int)

    /// The fewest samples of a part under `dirichlet`.
    public static let samplesMin = 10
    /// How often `dirichlet` draws before it gives up.
    public static let drawsMax = 1000
    private static let alphaRange = 0.001...1_000_000.0
    private static let shardsMax = 1 << 16

    /// Reads `iid`, `dirichlet:ALPHA` or `shards:K`.
    ///
    /// - Throws: `DataError.option`.
    public init(parsing text: String) throws(DataError) {
        let fields = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (fields[0], fields.count) {
        case ("iid", 1):
            self = .iid
        case ("dirichlet", 2):
            guard let alpha = Double(fields[1]), Self.alphaRange.contains(alpha) else {
                throw Self.error(text, "dirichlet:ALPHA with ALPHA from 0.001 to 1000000, such as dirichlet:0.5")
            }
            self = .dirichlet(alpha: alpha)
        case ("shards", 2):
            guard let perPart = Int(fields[1]), (1...Self.shardsMax).contains(perPart) else {
                throw Self.error(text, "shards:K with K from 1 to \(Self.shardsMax), such as shards:2")
            }
            self = .shards(perPart: perPart)
        default:
            throw Self.error(text, "iid, dirichlet:ALPHA or shards:K")
        }
    }

    private static func error(_ text: String, _ expected: String) -> DataError {
        .option("--partition", value: text, expected: expected)
    }

    /// Returns the indices of the samples of each part; every index occurs in exactly one of them.
    ///
    /// - Parameters:
    ///   - labels: The class of every sample, in 0 ..< classCount.
    ///   - parts: From 1 to `PartSelector.countMax`.
    /// - Throws: `DataError.partition` if there are too few samples, or if `drawsMax` draws leave a part with too few.
    public func parts(
        labels: [Int32], classCount: Int, parts: Int, seed: Digest
    ) throws(DataError) -> [[Int32]] {
        let impossible = DataError.partition(scheme: description, samples: labels.count, parts: parts)
        guard parts >= 1, labels.count >= parts else { throw impossible }
        var stream = SeededStream(seed: seed, label: "partition")
        let order = stream.permutation(labels.count)
        switch self {
        case .iid:
            return Self.cut(order, into: parts)
        case .dirichlet(let alpha):
            guard labels.count >= parts * Self.samplesMin else { throw impossible }
            let classes = Self.classes(order, labels: labels, classCount: classCount)
            for _ in 0..<Self.drawsMax {
                let cut = Self.spread(classes, over: parts, alpha: alpha, &stream)
                if cut.allSatisfy({ $0.count >= Self.samplesMin }) {
                    return cut
                }
            }
            throw impossible
        case .shards(let perPart):
            guard labels.count / perPart >= parts else { throw impossible }
            let sorted = Self.classes(order, labels: labels, classCount: classCount).flatMap { $0 }
            let shards = Self.cut(sorted, into: parts * perPart)
            let dealt = stream.permutation(shards.count)
            return (0..<parts).map { part in
                dealt[part * perPart..<(part + 1) * perPart].flatMap { shards[Int($0)] }
            }
        }
    }

    private static func cut(_ indices: [Int32], into parts: Int) -> [[Int32]] {
        (0..<parts).map { Array(indices[$0 * indices.count / parts..<($0 + 1) * indices.count / parts]) }
    }

    /// The samples of each class, in the given order.
    private static func classes(_ order: [Int32], labels: [Int32], classCount: Int) -> [[Int32]] {
        var classes = [[Int32]](repeating: [], count: classCount)
        for index in order {
            classes[Int(labels[Int(index)])].append(index)
        }
        return classes
    }

    /// Cuts every class at the rounded-down cumulative proportions of a draw of its own.
    private static func spread(
        _ classes: [[Int32]], over parts: Int, alpha: Double, _ stream: inout SeededStream
    ) -> [[Int32]] {
        var result = [[Int32]](repeating: [], count: parts)
        for indices in classes {
            let proportions = DirichletSampler.draw(alpha: alpha, count: parts, &stream)
            var (start, cumulative) = (0, 0.0)
            for part in 0..<parts {
                cumulative += proportions[part]
                let wanted = part == parts - 1 ? indices.count : Int(cumulative * Double(indices.count))
                let end = min(max(wanted, start), indices.count)
                result[part] += indices[start..<end]
                start = end
            }
        }
        return result
    }
}

extension PartitionScheme: CustomStringConvertible {
    /// The text that `init(parsing:)` reads.
    public var description: String {
        switch self {
        case .iid: "iid"
        case .dirichlet(let alpha): "dirichlet:\(alpha)"
        case .shards(let perPart): "shards:\(perPart)"
        }
    }
}
