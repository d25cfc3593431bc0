// SPDX-License-Identifier: MIT

import Learning
import Primitives
import Programs
import Quantization

/// Holds what a client has of one run: its data, the present parameters, the update it made last.
struct LocalRun: Sendable {
    /// An update with the header that goes before it.
    struct MadeUpdate: Sendable {
        let base: Digest
        let header: AveragingStreamHeader.Update
        let delta: [Float]
        let evaluation: Evaluation
        let trainedAt: ContinuousClock.Instant
    }

    let configuration: AveragingConfiguration
    let training: LocalTraining
    private let encoding: ExactEncoding
    /// The parameters to train from; nil until the server has handed them over.
    private(set) var parameters: Parameters?
    private(set) var paramsHash: Digest?
    /// Kept until the parameters change: after a lost connection the same update goes out again.
    private var made: MadeUpdate?
    /// When the last training from the present parameters ended.
    private(set) var trainedAt: ContinuousClock.Instant?

    /// Loads the data and, unless the server hands them over, computes the first parameters.
    init(_ configuration: AveragingConfiguration, data: DatasetOptions.Resolved) throws {
        self.configuration = configuration
        training = try LocalTraining(
            data, spec: configuration.model, hyperparameters: try configuration.hyperparameters(),
            seeds: configuration.seeds)
        // Clipping and weighing do not depend on the number of clients.
        encoding = try configuration.encoding(members: 1)
        guard configuration.initialParamsHash == nil else { return }
        replace(with: try configuration.seeds.initialParameters(of: configuration.model))
    }

    /// Takes other parameters.
    mutating func replace(with next: Parameters) {
        parameters = next
        paramsHash = next.hash
        made = nil
        trainedAt = nil
    }

    /// Evaluates the present parameters and trains from them, on a thread of its own.
    mutating func update(for round: Int) async throws -> MadeUpdate {
        if let made, made.base == paramsHash, made.header.round == round { return made }
        let (parameters, base) = try present()
        let (training, encoding) = (training, encoding)
        let made = try await OwnThread.run { isCancelled in
            let tested = try training.evaluate(parameters, isCancelled: isCancelled)
            let trained = try training.train(parameters, number: round, isCancelled: isCancelled)
            let trainedAt = ContinuousClock.now
            let weight = try SampleWeight(
                samples: training.data.training.count, weightMax: encoding.parameters.weightMax)
            let (delta, isClipped) = encoding.clipped(
                try ExactEncoding.difference(local: trained.values, global: parameters.values))
            let header = AveragingStreamHeader.Update(
                round: round, weight: weight.value,
                metrics: try tested.metrics(isClipped: isClipped || weight.isClipped), elements: delta.count)
            return MadeUpdate(base: base, header: header, delta: delta, evaluation: tested, trainedAt: trainedAt)
        }
        self.made = made
        trainedAt = made.trainedAt
        return made
    }

    /// Evaluates the present parameters, on a thread of its own.
    func evaluate() async throws -> Evaluation {
        let (parameters, training) = (try present().0, training)
        return try await OwnThread.run { try training.evaluate(parameters, isCancelled: $0) }
    }

    private func present() throws -> (Parameters, Digest) {
        guard let parameters, let paramsHash else { throw InvalidAveragingMessage.unexpected(message: "RoundOpen") }
        return (parameters, paramsHash)
    }
}

extension Evaluation {
    /// Rounds the counts as both arms do.
    func metrics(isClipped: Bool = false) throws(QuantizationError) -> UpdateMetrics {
        try UpdateMetrics(lossSum: lossSum, correct: correct, tested: tested, isClipped: isClipped)
    }
}
