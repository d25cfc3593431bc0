// SPDX-License-Identifier: MIT

/// Brings the phases of both arms under common names, in the order in which they happen.
enum Phases {
    /// Describes one kind of phase.
    private struct Kind {
        let keys: Set<String>
        let name: String
        let color: Int
        let meaning: String
    }

    /// The kinds that are known. Plain averaging has `setup` and `update` where the protocol has `set-up` and `upload`.
    private static let kinds = [
        Kind(keys: ["set-up", "setup"], name: "set-up", color: 4, meaning: "connecting, and the keys of an epoch"),
        Kind(
            keys: ["upload", "update"], name: "updates", color: 0,
            meaning: "the clients' updates on their way to the server"),
        Kind(keys: ["votes"], name: "votes", color: 3, meaning: "signatures under the set whose sum is opened"),
        Kind(
            keys: ["partials"], name: "aggregate shares", color: 1,
            meaning: "the vectors of masks with which helpers open the sum"),
        Kind(keys: ["result"], name: "result", color: 2, meaning: "the sum, on its way to every client"),
        Kind(keys: ["closing"], name: "closing round", color: 5, meaning: "the last round, which measures the model"),
    ]

    /// The kinds of time, in the order of a round.
    private static let timeKinds = [
        Kind(keys: ["training"], name: "training", color: 4, meaning: "until the last client has trained"),
        Kind(keys: ["upload"], name: "updates", color: 0, meaning: "until the last update is there"),
        Kind(keys: ["votes"], name: "votes", color: 3, meaning: "until all have signed the set"),
        Kind(
            keys: ["partials"], name: "aggregate shares", color: 1,
            meaning: "until helpers have sent what opens the sum"),
        Kind(keys: ["sum"], name: "sum", color: 6, meaning: "until the server has checked, applied and recorded it"),
        Kind(
            keys: ["result"], name: "result", color: 2, meaning: "until the last client has the new model on its disk"),
    ]

    /// Collects the phases of time of every round of every run; nil unless all runs have them in all rounds but a few, which
    /// are those over which a server was started anew.
    static func times(_ runs: [RunRecords], withTraining: Bool = true) -> Bytes? {
        let known = runs.allSatisfy { run in
            run.rounds.isEmpty || run.rounds.filter { $0.phaseSeconds != nil }.count * 2 > run.rounds.count
        }
        guard known, runs.contains(where: { !$0.rounds.isEmpty }) else { return nil }
        return collect(
            runs.map { run in
                run.rounds.map { ($0.phaseSeconds ?? [:]).filter { withTraining || $0.key != "training" } }
            }, kinds: timeKinds)
    }

    /// Holds the bytes, or seconds, of some runs by phase.
    struct Bytes: Sendable {
        /// The phases that occur, in order.
        let parts: [StackedBars.Part]
        /// What each of them is, where that is known.
        let meanings: [String]
        /// For each run the bytes of each round by phase.
        let values: [[[Double]]]
    }

    /// Collects the bytes of every round of every run.
    static func bytes(_ runs: [RunRecords], _ direction: (RoundRecord) -> [String: Double]) -> Bytes {
        collect(runs.map { $0.rounds.map(direction) }, kinds: kinds)
    }

    private static func collect(_ records: [[[String: Double]]], kinds: [Kind]) -> Bytes {
        let keys = Set(records.flatMap { $0 }.flatMap(\.keys))
        var groups: [(keys: Set<String>, part: StackedBars.Part, meaning: String?)] = kinds.compactMap { kind in
            keys.isDisjoint(with: kind.keys)
                ? nil : (kind.keys, StackedBars.Part(name: kind.name, color: kind.color), kind.meaning)
        }
        let others = keys.subtracting(kinds.reduce(into: Set()) { $0.formUnion($1.keys) }).sorted()
        for (index, key) in others.enumerated() {
            groups.append(([key], StackedBars.Part(name: key, color: 6 + index % 2), nil))
        }
        return Bytes(
            parts: groups.map(\.part),
            meanings: groups.compactMap { group in group.meaning.map { "\(group.part.name): \($0)" } },
            values: records.map { rounds in
                rounds.map { round in
                    groups.map { group in group.keys.sorted().reduce(0) { $0 + max(0, round[$1] ?? 0) } }
                }
            })
    }
}
