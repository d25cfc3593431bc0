// SPDX-License-Identifier: MIT

/// Says what a packed encoding may have cost a run, and what it did cost: bound and measured error of its decoded means.
///
/// Both are of the coordinate that is farthest off, in the unit of the parameters; `metrics/README.md` defines them.
public struct RoundingError: Equatable, Sendable {
    /// Pairs the two numbers of one round.
    public struct Round: Equatable, Sendable {
        /// The round, from 1.
        public let round: Int
        /// What no error can exceed while no digit was clamped.
        public let bound: Double
        /// The largest error of a coordinate; nil where it was not measured.
        public let measured: Double?
        /// How many digits were clamped, for which the bound does not account; nil where that was not measured.
        public let clamped: Int?

        /// Whether the error is larger than the bound allows, although no digit was clamped.
        public var isExceeded: Bool { (clamped ?? 0) == 0 && measured.map { !($0 <= bound) } ?? false }
    }

    /// The rounds that have a bound above 0, ascending: those with vectors in few bits.
    public let rounds: [Round]
    /// The rounds among them in the encoding of the run, not in that of a first round; all, if there are no such.
    public let ownRounds: [Round]

    /// Reads it off a run; nil for a run none of whose rounds was packed.
    public init?(_ run: RunRecords) {
        func round(_ record: RoundRecord) -> Round? {
            guard let bound = record.errorBound, bound > 0 else { return nil }
            return Round(
                round: record.round, bound: bound, measured: record.errorMeasured, clamped: record.clampedDigits)
        }
        rounds = run.rounds.compactMap(round)
        guard !rounds.isEmpty else { return nil }
        let own = run.rounds.filter { $0.encoding == run.summary.description.encoding }.compactMap(round)
        ownRounds = own.isEmpty ? rounds : own
    }

    /// The rounds whose error exceeds its bound.
    public var exceeded: [Int] { rounds.filter(\.isExceeded).map(\.round) }

    /// Whether the error of every packed round was measured.
    public var isMeasured: Bool { rounds.allSatisfy { $0.measured != nil } }

    /// The largest bound of the rounds in the encoding of the run.
    public var boundMax: Double { ownRounds.map(\.bound).max() ?? 0 }

    /// The largest error that was measured in a round in the encoding of the run; nil without any.
    public var measuredMax: Double? { ownRounds.compactMap(\.measured).max() }

    /// The largest share of its bound that an error came to, over all packed rounds; nil without a measured error.
    public var shareMax: Double? { rounds.compactMap { round in round.measured.map { $0 / round.bound } }.max() }

    /// Counts the digits that were clamped in all rounds.
    public var clampedTotal: Int { rounds.compactMap(\.clamped).reduce(0, +) }

    /// Says it in a sentence or two, of which the first begins with `subject`: "The mean", "Secure, 9: the mean".
    func words(_ subject: String) -> String {
        if !exceeded.isEmpty {
            let list = exceeded.prefix(12).map(String.init).joined(separator: ", ")
            return "\(subject) was off by MORE than its bound in \(exceeded.count) of \(rounds.count) rounds (\(list))."
        }
        let bound = NumberText.significant(boundMax)
        guard let measuredMax, let shareMax else {
            return "\(subject) can be off by \(bound) in a coordinate, no more. The error itself was not measured."
        }
        let part = isMeasured ? "" : ", in the rounds that were measured"
        let clamped =
            clampedTotal == 0
            ? "" : " \(NumberText.grouped(clampedTotal)) digits were clamped, for which no bound accounts."
        return
            "\(subject) was off by \(NumberText.significant(measuredMax)) at most in a coordinate, where the bound is "
            + "\(bound): never by more than \(NumberText.share(shareMax)) of the round's own bound\(part).\(clamped)"
    }
}
