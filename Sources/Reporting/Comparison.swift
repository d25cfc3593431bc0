// SPDX-License-Identifier: MIT

/// Sets two runs side by side: what each produced and cost, and whether they ended every round in the same model.
public struct Comparison: Equatable, Sendable {
    /// The run in the first column, the one that ratios divide by.
    public let first: RunRecords
    /// The run in the second column.
    public let second: RunRecords

    /// Compares two runs.
    public init(_ first: RunRecords, _ second: RunRecords) {
        self.first = first
        self.second = second
    }

    /// Says what the parameter hashes of two runs prove.
    public enum Verdict: Equatable, Sendable {
        /// Both are exact and these rounds, of those that both applied, end in different parameters.
        case different(rounds: [Int])
        /// Both are exact and all rounds end in the same parameters, to the bit.
        case identical
        /// Both are exact and agree as far as they go, but did not apply the same number of rounds, or none.
        case incomplete
        /// At least one is not exact: equal parameters are not to be expected.
        case notExact

        /// Names it in JSON.
        var word: String {
            switch self {
            case .different: "different"
            case .identical: "identical"
            case .incomplete: "incomplete"
            case .notExact: "not_exact"
            }
        }
    }

    /// Judges the hashes of all rounds.
    public var verdict: Verdict {
        guard [first, second].allSatisfy({ $0.summary.description.encoding == "exact" }) else { return .notExact }
        let differing = rounds.filter { $0.identical == false }.map(\.round)
        if !differing.isEmpty { return .different(rounds: differing) }
        return first.rounds.count == second.rounds.count && !first.rounds.isEmpty ? .identical : .incomplete
    }

    /// Compares one applied round; a run that did not reach it has nil.
    public struct Round: Equatable, Sendable {
        /// The round, from 1.
        public let round: Int
        /// What the first run recorded.
        public let first: RoundRecord?
        /// What the second run recorded.
        public let second: RoundRecord?

        /// Says whether both end in the same parameters; nil if one of them did not reach the round.
        public var identical: Bool? {
            guard let first, let second else { return nil }
            return first.paramsHash == second.paramsHash
        }
    }

    /// Says "yes" or "NO" where both runs are exact and reached the round; elsewhere the parameters need not be equal.
    func sameModelWord(_ round: Round) -> String? {
        verdict == .notExact ? nil : round.identical.map { $0 ? "yes" : "NO" }
    }

    /// Pairs the rounds by number.
    public var rounds: [Round] {
        (0..<max(first.rounds.count, second.rounds.count)).map { index in
            Round(
                round: index + 1, first: index < first.rounds.count ? first.rounds[index] : nil,
                second: index < second.rounds.count ? second.rounds[index] : nil)
        }
    }

    /// Names the conditions in which the runs differ although a fair comparison has them equal.
    public var unequalConditions: [String] {
        let (a, b) = (first.summary.description, second.summary.description)
        let conditions: [(name: String, equal: Bool)] = [
            ("clients", a.clients == b.clients), ("dataset", a.dataset == b.dataset), ("model", a.model == b.model),
            ("parameters", a.parameters == b.parameters), ("partition", a.partition == b.partition),
            ("seed", a.seed == b.seed),
        ]
        return conditions.filter { !$0.equal }.map(\.name)
    }
}
