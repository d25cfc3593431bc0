// SPDX-License-Identifier: MIT

import Averaging
import Learning
import Primitives
import Programs
import Quantization

/// Holds what a client has of one run: its data, the present parameters, the update it made last.
struct LocalRun: Sendable {
    /// An update and what it was made for.
    struct MadeUpdate: Sendable {
        let base: Digest
        let round: Int
        let update: TrainedUpdate
        /// The secret seed of its stochastic rounding.
        let seed: SecretBytes
        let trainedAt: ContinuousClock.Instant
    }

    let configuration: AveragingConfiguration
    let training: LocalTraining
    private let encoding: ExactEncoding
    /// The parameters to train from; nil until the server has handed them over.
    private(set) var parameters: Parameters?
    private(set) var paramsHash: Digest?
    /// How the next quantised round encodes, as the sum before says; nil when this client did not see that.
    private(set) var scale: RoundScale?
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
        replace(
            with: try configuration.seeds.initialParameters(of: configuration.model),
            scale: try configuration.firstScale())
    }

    /// Takes other parameters, and the scale that follows from the sum that led to them, if it is known.
    mutating func replace(with next: Parameters, scale: RoundScale?) {
        parameters = next
        paramsHash = next.hash
        self.scale = scale
        made = nil
        trainedAt = nil
    }

    /// Evaluates the present parameters and trains from them, on a thread of its own.
    mutating func update(for round: Int) async throws -> MadeUpdate {
        if let made, made.base == paramsHash, made.round == round { return made }
        let (parameters, base) = try present()
        let training = training
        let made = try await OwnThread.run { isCancelled in
            let tested = try training.evaluate(parameters, isCancelled: isCancelled)
            let trained = try training.train(parameters, number: round, isCancelled: isCancelled)
            let trainedAt = ContinuousClock.now
            let update = try TrainedUpdate(
                from: parameters, to: trained, samples: training.data.training.count, evaluation: tested)
            return MadeUpdate(
                base: base, round: round, update: update, seed: SecretBytes(randomCount: PackedEncoding.seedBytes),
                trainedAt: trainedAt)
        }
        self.made = made
        trainedAt = made.trainedAt
        return made
    }

    /// Clips and weighs an update, to travel in binary32.
    func content(of made: MadeUpdate) throws -> (header: AveragingStreamHeader.Update, bytes: [UInt8]) {
        let update = made.update
        let weight = try SampleWeight(samples: update.samples, weightMax: encoding.parameters.weightMax)
        let (delta, isClipped) = encoding.clipped(update.delta)
        let header = AveragingStreamHeader.Update(
            round: made.round, weight: weight.value,
            metrics: try update.evaluation.metrics(isClipped: isClipped || weight.isClipped), elements: delta.count)
        return (header, try Parameters(layout: configuration.model.layout, values: delta).littleEndianBytes)
    }

    /// Encodes an update, to travel in few bits.
    func content(
        of made: MadeUpdate, digits: RoundDigits
    ) throws -> (header: AveragingStreamHeader.VectorHeader, bytes: [UInt8]) {
        let round = try QuantisedRound(configuration, number: made.round, base: made.base, digits: digits)
        let bytes = try round.encode(made.update, seed: made.seed)
        return (AveragingStreamHeader.VectorHeader(round: made.round, elements: round.elements), bytes)
    }

    /// Describes the round whose sum this is; it starts from the present parameters.
    func round(of sum: AveragingStreamHeader.SumHeader) throws -> QuantisedRound {
        let (_, base) = try present()
        return try QuantisedRound(configuration, number: sum.rounds, base: base, digits: sum.digits)
    }

    /// Applies a sum to the present parameters, as the server did.
    mutating func apply(_ bytes: [UInt8], of round: QuantisedRound) throws {
        guard let rule = try configuration.scaleRule() else {
            throw InvalidAveragingMessage.unexpected(message: "SumHeader")
        }
        let (parameters, _) = try present()
        let sum = try round.decode(try round.vector(bytes, of: "SumHeader"))
        let values = try round.apply(sum, to: parameters.values)
        replace(
            with: try Parameters(layout: parameters.layout, values: values), scale: round.scale(after: sum, by: rule))
    }

    /// Whether a round's scale is the one that follows from the sum before, or that of the repetition after an overflow.
    func expects(_ digits: RoundDigits) throws -> Bool {
        guard let scale, digits.scale != scale else { return true }
        return try digits.scale == configuration.firstScale()
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

extension AveragingConfiguration {
    /// How clients train.
    func hyperparameters() throws(TrainingError) -> Hyperparameters {
        try Hyperparameters(
            optimizer: optimizer, learningRate: learningRate, momentum: momentum, batchSize: batchSize,
            epochs: localEpochs)
    }
}

extension Evaluation {
    /// Rounds the counts as both arms do.
    func metrics(isClipped: Bool = false) throws(QuantizationError) -> UpdateMetrics {
        try UpdateMetrics(lossSum: lossSum, correct: correct, tested: tested, isClipped: isClipped)
    }
}
