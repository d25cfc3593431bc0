// SPDX-License-Identifier: MIT

import Messages
import Primitives

/// Attacks in several steps, each against one promise: random moves rarely put them together in the right order.
enum Plot: CaseIterable {
    /// Opens a sum, has the sites die and asks for another one under the same base in the next epoch.
    case answerAgain
    /// Has slots drawn over and over.
    case drawAgain
    /// Collects the word of sites that they have not voted, has a sum opened, and another one in the next epoch.
    case leaveAndOpen
    /// Opens another round under the number of one before, in the same epoch or in a new one.
    case numberAgain
    /// Has the sites die as soon as they have said EpochReady, and sets the epoch up again with other shares.
    case setUpAgain
    /// Skips a round whose set was voted for.
    case skipVoted
    /// Shows a second set in a round, before or after the sites have died, and has each holder of a slot answer for another
    /// one.
    case twoSets
}

extension AdversaryRun {
    /// Goes through one attack.
    func plot() throws {
        guard let plot = Plot.allCases.randomElement(using: &random), !alive.isEmpty else { return }
        observer.trace?("adversary plots \(plot)")
        switch plot {
        case .answerAgain: try answerAgain()
        // So many set-ups take long.
        case .drawAgain: if setting.slots == .sampled, random.happens(0.1) { try drawOverAndOver() }
        case .leaveAndOpen: try leaveAndOpen()
        case .numberAgain: try numberAgain()
        case .setUpAgain: try setUpAgain()
        case .skipVoted: try skipVoted()
        case .twoSets: try twoSets()
        }
    }

    // MARK: Steps

    /// Sets an epoch up and has its members upload: returns the round and every one that is in it.
    private func upload() throws -> (round: Int, set: SurvivorSet)? {
        try propose(properly: true)
        guard let epoch = epochs.indices.last(where: { !members(readyIn: $0).isEmpty }) else { return nil }
        try openRoundOtherwise(to: members(readyIn: epoch))
        try openRound(epoch, to: members(readyIn: epoch), properly: true)
        guard let round = rounds.indices.last, rounds[round].epoch == epoch, !rounds[round].uploads.isEmpty else {
            return nil
        }
        return properSet(round).map { (round, $0) }
    }

    private func dieAll() {
        for number in alive { if let site = sites[number] { restart(site) } }
    }

    /// A site that was started again acts in a round only once it is opened to it again.
    private func reopen(_ round: Int) throws {
        for number in alive { try deliver(.roundOpen(rounds[round].open), to: number) }
    }

    /// The set without one of its honest members, if it may be as small as that.
    private func smaller(_ set: SurvivorSet, _ round: Int) -> SurvivorSet? {
        let plan = rounds[round].plan
        let honest = set.indices.filter { index in
            numbers[plan.members[index]].map { sites[$0] != nil } ?? false
        }
        guard set.count > rounds[round].context.cohortMin, let out = honest.randomElement(using: &random) else {
            return nil
        }
        return SurvivorSet(set.indices.filter { $0 != out }, of: plan.members.count)
    }

    /// The fewest honest members whose answers open a sum: a holder of each slot of which the adversary is none.
    private func holders(_ round: Int) -> [Int] {
        rounds[round].plan.slots.compactMap { pair in
            let holders = pair.holders.compactMap { numbers[$0] }
            return holders.allSatisfy { sites[$0] != nil } ? holders.randomElement(using: &random) : nil
        }
    }

    private func open(_ round: Int, _ set: SurvivorSet, answeredBy helpers: [Int]) throws {
        try show(set, round, to: alive)
        try certify(round, set, to: helpers, properly: true)
    }

    // MARK: Attacks

    private func answerAgain() throws {
        guard let (round, set) = try upload() else { return }
        try open(round, set, answeredBy: holders(round))
        if random.happens(0.7) { dieAll() }
        if rounds[round].plan.committee.hasStandbys, random.happens(0.5) { try leave() }
        guard let (next, all) = try upload() else { return }
        try open(next, smaller(all, next) ?? all, answeredBy: alive)
    }

    private func leaveAndOpen() throws {
        guard let (round, set) = try upload(), rounds[round].plan.committee.hasStandbys else { return }
        try askWhetherVoted(in: rounds[round], alive)
        if random.happens(0.6) {
            dieAll()
            try reopen(round)
        }
        try open(round, set, answeredBy: holders(round))
        try showWhoHasNotVoted(in: rounds[round])
        guard let (next, all) = try upload() else { return }
        try open(next, all, answeredBy: alive)
    }

    private func numberAgain() throws {
        guard let (round, set) = try upload() else { return }
        if random.happens(0.5) {
            try skip(round, to: alive)
        } else {
            try open(round, set, answeredBy: alive)
            try publish(round, set, to: alive, properly: true)
        }
        let number = rounds[round].open.round
        var epoch = rounds[round].epoch
        if random.happens(0.5), let reference = alive.randomElement(using: &random) {
            try propose(reference, properly: false, .oldRound)
            epoch = epochs.indices.last { !members(readyIn: $0).isEmpty } ?? epoch
        }
        try openRound(epoch, to: members(readyIn: epoch), properly: true, number: number)
    }

    private func setUpAgain() throws {
        let before = epochs.count
        diesWhenReady = true
        try propose(properly: true)
        diesWhenReady = false
        guard epochs.count > before, let epoch = epochs.indices.last else { return }
        for number in epochs[epoch].shares.keys.sorted() {
            epochs[epoch].shares[number] = SecretBytes(random.bytes(32))
        }
        try setUp(epoch, properly: true)
    }

    private func skipVoted() throws {
        guard let (round, set) = try upload() else { return }
        try show(set, round, to: alive)
        if random.happens(0.6) {
            dieAll()
            try reopen(round)
        }
        try skip(round, to: alive)
    }

    private func twoSets() throws {
        guard let (round, set) = try upload(), let other = smaller(set, round) else { return }
        try show(set, round, to: alive)
        guard random.happens(0.7) else { return try show(other, round, to: alive) }
        for shown in [other, set].prefix(random.between(1...2)) {
            dieAll()
            try reopen(round)
            try show(shown, round, to: alive)
        }
        dieAll()
        try reopen(round)
        try split(round, set, other)
    }
}
