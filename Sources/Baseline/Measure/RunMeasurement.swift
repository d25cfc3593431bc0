// SPDX-License-Identifier: MIT

import Averaging
import Learning
import Programs
import Reporting

/// Measures every round of a secure run whose models were kept, by training all parts of the data again.
///
/// Training depends on the seed of the run, the part, the round and the model alone, so that whoever has all the data, as only
/// a simulation does, gets the very updates that the sites kept to themselves.
struct RunMeasurement: Sendable {
    /// The directory of the run's records.
    let directory: String
    /// The data of each part.
    let parts: [DatasetOptions.Resolved]
    /// The site that trained on each part, by name.
    let sites: [String]

    /// What became of the run's records.
    struct Outcome: Equatable, Sendable {
        /// The records with the errors in them.
        var rounds: [RoundRecord]
        /// The rounds whose error exceeds its bound although no digit was clamped.
        var exceeded: [Int]
    }

    /// Measures all rounds and writes the errors into the records, all in one step.
    ///
    /// - Parameter tell: called with each round's record when it is measured.
    /// - Throws: `ProgramError`: `verificationFailed` where a kept model or an exact round is not what the records say; then
    ///   nothing is written.
    func measure(_ tell: @Sendable (RoundRecord) -> Void) async throws -> Outcome {
        let run = try RunReader.read(directory: directory)
        guard run.summary.description.arm == .smpc else {
            throw ProgramError(
                .usage, "holds the records of the plain arm", subject: directory,
                remedy: "name those of the secure one")
        }
        let models = KeptModels(metrics: directory)
        var model = try models.read(round: 0, paramsHash: nil)
        let trainings = try await load(model.conditions)
        var outcome = Outcome(rounds: run.rounds, exceeded: [])
        for (index, record) in run.rounds.enumerated() {
            let next = try models.read(round: record.round, paramsHash: record.paramsHash)
            guard next.conditions == model.conditions, let sum = next.sum else {
                throw ProgramError(
                    .failed, "belongs to another run than the model before it",
                    subject: models.path(round: record.round))
            }
            let round = MeasuredRound(
                before: model.parameters, after: next.parameters, conditions: model.conditions, sum: sum)
            let updates = try await train(
                try sum.participants.map { trainings[try part(of: $0, record.round)] }, model.parameters, record.round)
            let measured = try round.measure(updates, number: record.round)
            outcome.rounds[index].errorMeasured = measured.error
            outcome.rounds[index].clampedDigits = measured.clampedDigits
            let bound = record.errorBound ?? 0
            if !(measured.error <= bound), measured.clampedDigits == 0 { outcome.exceeded.append(record.round) }
            tell(outcome.rounds[index])
            model = next
        }
        try RunWriter.replaceRounds(outcome.rounds, directory: directory)
        return outcome
    }

    private func part(of site: String, _ round: Int) throws -> Int {
        guard let part = sites.firstIndex(of: site) else {
            throw ProgramError(
                .usage, "took part in round \(round), and no part is known to be its", subject: site,
                remedy: "list the sites in the order of their parts with --sites")
        }
        return part
    }

    private func load(_ conditions: KeptModel.Conditions) async throws -> [LocalTraining] {
        let spec = try ModelSpec(parsing: conditions.model)
        let hyperparameters = try Hyperparameters(
            optimizer: conditions.optimizer, learningRate: conditions.learningRate, momentum: conditions.momentum,
            batchSize: conditions.batchSize, epochs: conditions.localEpochs)
        let seeds = RunSeeds(seed: conditions.seed)
        return try await concurrently(parts) { part, _ in
            try LocalTraining(part, spec: spec, hyperparameters: hyperparameters, seeds: seeds)
        }
    }

    private func train(
        _ trainings: [LocalTraining], _ model: Parameters, _ round: Int
    ) async throws -> [TrainedUpdate] {
        try await concurrently(trainings) { training, isCancelled in
            let trained = try training.train(model, number: round, isCancelled: isCancelled)
            return try TrainedUpdate(
                from: model, to: trained, samples: training.data.training.count, evaluation: Evaluation())
        }
    }

    /// Does something with each element, a few at a time, and keeps the order.
    private func concurrently<Element: Sendable, Result: Sendable>(
        _ elements: [Element],
        _ body: @escaping @Sendable (Element, _ isCancelled: @Sendable () -> Bool) throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for (index, element) in elements.enumerated() {
                group.addTask { (index, try await OwnThread.run { try body(element, $0) }) }
            }
            var results: [Int: Result] = [:]
            for try await (index, result) in group { results[index] = result }
            return elements.indices.compactMap { results[$0] }
        }
    }
}
