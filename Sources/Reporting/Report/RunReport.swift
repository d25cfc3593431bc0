// SPDX-License-Identifier: MIT

/// Lays several runs side by side and says which of them is compared with which.
public struct RunReport: Sendable {
    /// Joins a run with the one that it is measured against.
    public struct Pair: Equatable, Sendable {
        /// The index of the run that ratios divide by.
        public let reference: Int
        /// The index of the run that is compared with it.
        public let run: Int
        /// Both, compared.
        public let comparison: Comparison
    }

    /// Holds the label counts of a partition with the runs that trained on it.
    public struct Partition: Equatable, Sendable {
        /// The indices of the runs.
        public let runs: [Int]
        /// The counts.
        public let labels: LabelCounts
    }

    /// The runs, in the order in which they were named.
    public let runs: [RunRecords]
    /// What each run is called: by its arm and by what tells it from the others.
    public let names: [String]
    /// The pairs that are compared, in the order of their second runs.
    public let pairs: [Pair]
    /// The partitions whose labels are known.
    public let partitions: [Partition]

    /// Sets runs side by side.
    ///
    /// Two runs are always compared, the second with the first. Of more runs each is compared with the nearest one
    /// before it that has the same clients, data, model and seed, one of the other arm first.
    ///
    /// - Parameter labels: the label counts of each run's data, where they are known; one entry for each run.
    public init(_ runs: [RunRecords], labels: [LabelCounts?] = []) {
        self.runs = runs
        names = Self.names(runs)
        pairs = runs.indices.compactMap { index in
            Self.reference(of: index, in: runs).map {
                Pair(reference: $0, run: index, comparison: Comparison(runs[$0], runs[index]))
            }
        }
        var found: [(runs: [Int], labels: LabelCounts)] = []
        for (index, counts) in labels.enumerated() where index < runs.count {
            guard let counts else { continue }
            if let known = found.firstIndex(where: { $0.labels == counts }) {
                found[known].runs.append(index)
            } else {
                found.append(([index], counts))
            }
        }
        partitions = found.map { Partition(runs: $0.runs, labels: $0.labels) }
    }

    private static func reference(of index: Int, in runs: [RunRecords]) -> Int? {
        if runs.count == 2 { return index == 1 ? 0 : nil }
        let fair = (0..<index).reversed().filter { Comparison(runs[$0], runs[index]).unequalConditions.isEmpty }
        let arm = runs[index].summary.description.arm
        return fair.first { runs[$0].summary.description.arm != arm } ?? fair.first
    }

    /// Names every run by its arm, then by the conditions that are not the same in all of them; if that does not tell
    /// them apart, by its directory.
    private static func names(_ runs: [RunRecords]) -> [String] {
        let conditions: [(RunDescription) -> String] = [
            { "\($0.clients) clients" }, \.dataset, \.partition, \.model, { "seed \($0.seed)" },
        ]
        let descriptions = runs.map(\.summary.description)
        let varying = conditions.filter { Set(descriptions.map($0)).count > 1 }
        let short = descriptions.map { description in
            ([description.arm.word] + varying.map { $0(description) }).joined(separator: ", ")
        }
        if Set(short).count == runs.count { return short }
        let encoded = zip(short, descriptions).map { "\($0), \($1.encodingWord)" }
        if Set(encoded).count == runs.count { return encoded }
        return zip(encoded, runs).map { name, run in "\(name) (\(run.directory))" }
    }

    /// The largest number of rounds that a run applied.
    var roundsMax: Int { runs.map(\.rounds.count).max() ?? 0 }

    /// The pair in which a run is the one compared, if there is one.
    func pair(of run: Int) -> Pair? { pairs.first { $0.run == run } }
}

extension Arm {
    /// What people call it.
    public var word: String {
        switch self {
        case .normal: "plain"
        case .smpc: "secure"
        }
    }
}
