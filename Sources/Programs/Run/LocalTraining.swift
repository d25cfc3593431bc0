// SPDX-License-Identifier: MIT

public import Learning

/// Trains and evaluates on one client's part of the data, alike in both arms: everything but how the update travels.
///
/// The same seeds, part and parameters give the same update, whichever program asks.
public struct LocalTraining: Sendable {
    /// The samples of this client.
    public let data: LocalData
    /// The part of the data, whose index enters the seeds.
    public let part: PartOption
    /// The seeds of the run.
    public let seeds: RunSeeds
    private let trainer: Trainer

    /// The model that is trained.
    public var spec: ModelSpec { trainer.spec }

    /// Loads this client's part of the data.
    ///
    /// - Throws: `DataError`.
    public init(
        _ options: DatasetOptions.Resolved, spec: ModelSpec, hyperparameters: Hyperparameters, seeds: RunSeeds
    ) throws(DataError) {
        data = try DatasetLoader(try options.source(), runSeed: seeds.number).load(
            partition: try options.scheme(),
            part: try PartSelector(index: options.part.index, count: options.part.count))
        part = options.part
        self.seeds = seeds
        trainer = Trainer(spec, hyperparameters: hyperparameters)
    }

    /// Evaluates parameters on this client's part of the test data.
    ///
    /// - Throws: `TrainingError`.
    public func evaluate(
        _ parameters: Parameters, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(TrainingError) -> Evaluation {
        try trainer.evaluate(parameters, on: data.test, isCancelled: isCancelled)
    }

    /// Trains from the given parameters; `number` counts the trainings of the run from 1.
    ///
    /// - Throws: `TrainingError`.
    public func train(
        _ parameters: Parameters, number: Int, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(TrainingError) -> Parameters {
        let seed = seeds.shuffleSeed(part: part.index, training: number)
        return try trainer.train(parameters, on: data.training, seed: seed, isCancelled: isCancelled)
    }
}

extension RunSeeds {
    /// Draws the first parameters of the run.
    ///
    /// - Throws: `ModelError`.
    public func initialParameters(of spec: ModelSpec) throws(ModelError) -> Parameters {
        try Parameters.initial(spec, seed: initialSeed.bytes)
    }
}

extension Hyperparameters {
    /// Takes what a server proposes: `sgd`, `momentum` or `adam`, and numbers as they travel.
    ///
    /// - Throws: `TrainingError.hyperparameter`.
    public init(
        optimizer: String, learningRate: Double, momentum: Double, batchSize: Int, epochs: Int
    ) throws(TrainingError) {
        let choice: Optimizer
        switch OptimizerOption(rawValue: optimizer) {
        case .adam: choice = .adam(rate: Float(learningRate))
        case .momentum: choice = .sgd(rate: Float(learningRate), momentum: Float(momentum))
        case .sgd: choice = .sgd(rate: Float(learningRate), momentum: 0)
        case nil:
            let names = OptimizerOption.allCases.map(\.rawValue).joined(separator: ", ")
            throw .hyperparameter("optimizer", value: optimizer, allowed: "one of \(names)")
        }
        try self.init(optimizer: choice, batchSize: batchSize, epochs: epochs)
    }
}
