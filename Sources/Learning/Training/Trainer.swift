// SPDX-License-Identifier: MIT

import CVectorKernels
import Primitives

/// Trains a built-in model on local samples and evaluates it.
///
/// The same parameters, samples, settings and seed give the same bits on the same kind of processor: one OpenBLAS
/// thread, fixed orders, seeded shuffling. Matrix products and `exp` may differ in the last bit on another kind.
public struct Trainer: Sendable {
    /// The model that is trained.
    public let spec: ModelSpec
    /// How it is trained.
    public let hyperparameters: Hyperparameters
    private static let evaluationBatch = 256

    /// Makes a trainer, which holds no state: it can be used from several tasks at once.
    public init(_ spec: ModelSpec, hyperparameters: Hyperparameters = .standard) {
        self.spec = spec
        self.hyperparameters = hyperparameters
    }

    /// Trains for the configured number of epochs, beginning at the given parameters.
    ///
    /// - Parameters:
    ///   - seed: Shuffles the samples, see `TrainingPlan`.
    ///   - isCancelled: Asked before every batch; by default whether the current task is cancelled.
    /// - Throws: `TrainingError`.
    public func train(
        _ parameters: Parameters, on data: Dataset, seed: Digest, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(TrainingError) -> Parameters {
        try check(parameters, data)
        guard data.count > 0 else { throw .noSamples }
        try checkFinite(parameters.values, epoch: 0)
        var values = parameters.values
        var gradient = [Float](repeating: 0, count: values.count)
        var state = OptimizerState(hyperparameters.optimizer, count: values.count)
        var network = Network(spec, batchMax: min(hyperparameters.batchSize, data.count))
        var stream = SeededStream(seed: seed, label: "shuffle")
        for epoch in 1...hyperparameters.epochs {
            let order = stream.permutation(data.count)
            for batch in Self.batches(of: data.count, size: hyperparameters.batchSize) {
                guard !isCancelled() else { throw .cancelled }
                network.load(data, indices: order, range: batch)
                _ = network.loss(values, gradient: &gradient)
                state.step(&values, gradient: gradient)
            }
            try checkFinite(values, epoch: epoch)
        }
        return try parameters.replacing(values)
    }

    /// Counts loss and right answers on all samples of a part; an empty part gives zeros.
    ///
    /// - Throws: `TrainingError`, `.nonFiniteLoss` among others.
    public func evaluate(
        _ parameters: Parameters, on data: Dataset, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(TrainingError) -> Evaluation {
        try check(parameters, data)
        var total = Evaluation()
        guard data.count > 0 else { return total }
        var network = Network(spec, batchMax: min(Self.evaluationBatch, data.count))
        let order = Array(0..<Int32(data.count))
        for batch in Self.batches(of: data.count, size: Self.evaluationBatch) {
            guard !isCancelled() else { throw .cancelled }
            network.load(data, indices: order, range: batch)
            total += network.loss(parameters.values)
        }
        guard total.lossSum.isFinite else { throw .nonFiniteLoss }
        return total
    }

    private static func batches(of count: Int, size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    private func check(_ parameters: Parameters, _ data: Dataset) throws(TrainingError) {
        guard parameters.layout == spec.layout else { throw .layoutMismatch }
        guard data.featureCount == spec.inputs else {
            throw .featureCount(model: spec.inputs, data: data.featureCount)
        }
        guard data.classCount <= spec.classes else {
            throw .classCount(model: spec.classes, data: data.classCount)
        }
    }

    private func checkFinite(_ values: [Float], epoch: Int) throws(TrainingError) {
        let index = summand_first_nonfinite(values, values.count)
        guard index < values.count else { return }
        let tensor = spec.layout.offsets.lastIndex { $0 <= index } ?? 0
        throw .nonFiniteParameter(
            tensor: spec.layout.tensors[tensor].name, index: index - spec.layout.offsets[tensor], epoch: epoch)
    }
}

extension Parameters {
    /// The same tensors with other values.
    fileprivate func replacing(_ values: [Float]) throws(TrainingError) -> Parameters {
        do {
            return try Parameters(layout: layout, values: values)
        } catch {
            throw .layoutMismatch
        }
    }
}
