// SPDX-License-Identifier: MIT

import Aggregation
import Learning
import Messages
import Primitives
import Programs
import Synchronization

/// Trains and evaluates on this site's own part of the data, cut as the present run's seed says.
final class LocalLearner: Sendable {
    private let options: DatasetOptions.Resolved
    /// What was loaded last, and for which run.
    private let loaded = Mutex<(run: [UInt8], training: LocalTraining)?>(nil)
    /// Held while the data are read, so that they are read once.
    private let reading = Mutex(())

    init(_ options: DatasetOptions.Resolved) { self.options = options }

    /// Reads as much of the data as shows that they are there and can be divided.
    func check() throws {
        try options.check()
    }

    /// Names the data for people.
    var description: String { "\(options.dataset), \(options.partition), part \(options.part)" }

    /// Prepares to train in a run.
    ///
    /// - Throws: `ModelRefusal` when this site cannot take part in that run with its data.
    func training(_ configuration: RunConfiguration, _ spec: ModelSpec) throws(ModelRefusal) -> LocalTraining {
        try reading.withLock { _ throws(ModelRefusal) in try read(configuration, spec) }
    }

    private func read(_ configuration: RunConfiguration, _ spec: ModelSpec) throws(ModelRefusal) -> LocalTraining {
        if let held = loaded.withLock({ $0 }), held.run == configuration.run { return held.training }
        let training: LocalTraining
        do {
            training = try LocalTraining(
                options, spec: spec, hyperparameters: configuration.training.hyperparameters,
                seeds: RunSeeds(seed: configuration.seed))
        } catch {
            throw ModelRefusal(line: .model, detail: "\(error)")
        }
        let data = training.data
        guard data.featureCount == spec.inputs, data.classCount <= spec.classes else {
            throw ModelRefusal(
                line: .model,
                detail: "\(options.dataset) has \(data.featureCount) features and \(data.classCount) classes, "
                    + "\(configuration.model) takes \(spec.inputs) and tells \(spec.classes) apart")
        }
        loaded.withLock { $0 = (configuration.run, training) }
        return training
    }

    /// Evaluates the parameters of a round and, unless it is a closing one, trains from them.
    ///
    /// - Parameter number: applied rounds before this one, plus one.
    func update(
        _ context: RoundContext, number: Int, configuration: RunConfiguration, parameters: Parameters,
        isCancelled: () -> Bool
    ) throws -> KeptUpdate {
        let training = try training(configuration, InitialModel.spec(of: configuration))
        // A run that starts from a file says nothing of that file (protocol section 5).
        let tested =
            configuration.startsFromFile(at: context)
            ? Evaluation() : try training.evaluate(parameters, isCancelled: isCancelled)
        var delta: [Float] = []
        var samples = 0
        if context.kind == .training {
            let trained = try training.train(parameters, number: number, isCancelled: isCancelled)
            delta = zip(trained.values, parameters.values).map { $0 - $1 }
            samples = training.data.training.count
        }
        return KeptUpdate(
            base: context.base, delta: delta, samples: samples, lossSum: tested.lossSum, correct: tested.correct,
            tested: tested.tested, seed: SecretBytes(randomCount: 32))
    }
}

extension RunConfiguration {
    /// Whether a round is a run's first and its parameters came from a file.
    fileprivate func startsFromFile(at context: RoundContext) -> Bool {
        guard case .file = initial, context.kind == .training else { return false }
        guard let scale = try? firstScale() else { return false }
        return ModelChain(run: run, paramsHash: context.base, scale: scale).modelHash == context.modelHash
    }
}

extension RunConfiguration.Training {
    /// The settings as the trainer takes them.
    ///
    /// - Throws: `TrainingError.hyperparameter` for an optimizer that this version does not have or another setting
    ///   that it does not take.
    fileprivate var hyperparameters: Hyperparameters {
        get throws(TrainingError) {
            try Hyperparameters(
                optimizer: optimizer, learningRate: learningRate, momentum: momentum, batchSize: batchSize,
                epochs: localEpochs)
        }
    }
}
