// SPDX-License-Identifier: MIT

import Learning
import Testing

@testable import Programs

struct LocalTrainingTests {
    private let settings = DatasetOptions.Resolved(
        dataset: "synthetic:200,4,3", data: nil, label: nil, partition: "iid",
        part: PartOption(index: 1, count: 2) ?? .whole)

    private func training(seed: UInt64) throws -> LocalTraining {
        try LocalTraining(
            settings, spec: try ModelSpec(parsing: "softmax:4-3"), hyperparameters: .standard,
            seeds: RunSeeds(seed: seed))
    }

    @Test func trainsAsTheTrainerDoesWithTheSeedOfPartAndNumber() throws {
        let training = try training(seed: 7)
        let parameters = try training.seeds.initialParameters(of: training.spec)
        let trained = try training.train(parameters, number: 3)
        let expected = try Trainer(training.spec).train(
            parameters, on: training.data.training, seed: TrainingPlan.seed(run: 7, part: 1, round: 3))
        #expect(trained == expected)
        #expect(try trained != training.train(parameters, number: 4))
    }

    @Test func evaluatesOnItsOwnPartOfTheTestData() throws {
        let training = try training(seed: 7)
        let parameters = try training.seeds.initialParameters(of: training.spec)
        #expect(try training.evaluate(parameters).tested == 20)
    }

    @Test func anUnknownOptimizerIsNamed() {
        #expect(throws: TrainingError.hyperparameter("optimizer", value: "lion", allowed: "one of adam, momentum, sgd"))
        {
            try Hyperparameters(optimizer: "lion", learningRate: 0.1, momentum: 0, batchSize: 1, epochs: 1)
        }
    }

    @Test func plainGradientDescentHasNoMomentum() throws {
        let taken = try Hyperparameters(optimizer: "sgd", learningRate: 0.5, momentum: 0.9, batchSize: 2, epochs: 1)
        #expect(taken.optimizer == .sgd(rate: 0.5, momentum: 0))
    }

    @Test func aComputationThatIsCancelledLearnsOfIt() async throws {
        let task = Task {
            try await OwnThread.run { isCancelled in
                while !isCancelled() {}
                return true
            }
        }
        task.cancel()
        #expect(try await task.value)
    }
}
