// SPDX-License-Identifier: MIT

import COpenBLAS
import CVectorKernels

/// Computes losses and gradients of a dense network batch by batch, in buffers that it keeps.
///
/// Row-major throughout: a batch is rows × features, the weights of a layer outputs × inputs as they lie in
/// `Parameters`, and a gradient has the order of the parameters.
struct Network {
    private let layers: [DenseLayer]
    private let batchMax: Int
    /// What enters layer k at index k; after the last layer the logits, which become their own gradient.
    private var activations: [[Float]]
    /// The gradient of the loss with respect to the output of layer k, for the hidden ones.
    private var deltas: [[Float]]
    private var labels: [Int32]
    private var rows = 0

    private struct DenseLayer {
        let inputs: Int
        let outputs: Int
        let weights: Int
        let biases: Int
    }

    /// Keeps buffers for batches of at most `batchMax` samples.
    init(_ spec: ModelSpec, batchMax: Int) {
        _ = Self.singleThread
        let offsets = spec.layout.offsets
        layers = (1..<spec.widths.count).map { k in
            DenseLayer(
                inputs: spec.widths[k - 1], outputs: spec.widths[k], weights: offsets[2 * k - 2],
                biases: offsets[2 * k - 1])
        }
        self.batchMax = batchMax
        activations = spec.widths.map { [Float](repeating: 0, count: batchMax * $0) }
        deltas = spec.widths.dropFirst().dropLast().map { [Float](repeating: 0, count: batchMax * $0) }
        labels = [Int32](repeating: 0, count: batchMax)
    }

    private static let singleThread: Void = summand_blas_single_thread()

    /// Takes the samples with these indices as the current batch; features and classes must fit the model.
    mutating func load(_ data: Dataset, indices: [Int32], range: Range<Int>) {
        precondition(range.count <= batchMax, "a batch of \(range.count) samples in buffers for \(batchMax)")
        rows = range.count
        summand_gather_rows(&activations[0], data.features, indices, range.lowerBound, rows, data.featureCount)
        summand_gather_labels(&labels, data.labels, indices, range.lowerBound, rows)
    }

    /// The loss of the current batch.
    mutating func loss(_ parameters: [Float]) -> Evaluation {
        forward(parameters)
        return softmax(scale: 1)
    }

    /// The loss of the current batch and the gradient of its mean.
    mutating func loss(_ parameters: [Float], gradient: inout [Float]) -> Evaluation {
        forward(parameters)
        let evaluation = softmax(scale: 1 / Float(rows))
        backward(parameters, gradient: &gradient)
        return evaluation
    }

    private mutating func forward(_ parameters: [Float]) {
        for (k, layer) in layers.enumerated() {
            summand_repeat_row(&activations[k + 1], parameters, layer.biases, rows, layer.outputs)
            let input = activations[k]
            summand_sgemm(
                false, true, Int32(rows), Int32(layer.outputs), Int32(layer.inputs), input, 0, parameters,
                layer.weights, 1, &activations[k + 1], 0)
            if k + 1 < layers.count {
                summand_relu(&activations[k + 1], rows * layer.outputs)
            }
        }
    }

    private mutating func softmax(scale: Float) -> Evaluation {
        let last = layers.count
        let loss = summand_softmax_cross_entropy(&activations[last], labels, rows, layers[last - 1].outputs, scale)
        return Evaluation(lossSum: loss.sum, correct: Int(loss.correct), tested: rows)
    }

    private mutating func backward(_ parameters: [Float], gradient: inout [Float]) {
        for k in layers.indices.reversed() {
            let layer = layers[k]
            let delta = k + 1 == layers.count ? activations[k + 1] : deltas[k]
            summand_sgemm(
                true, false, Int32(layer.outputs), Int32(layer.inputs), Int32(rows), delta, 0, activations[k], 0, 0,
                &gradient, layer.weights)
            summand_column_sums(&gradient, layer.biases, delta, rows, layer.outputs)
            if k > 0 {
                summand_sgemm(
                    false, false, Int32(rows), Int32(layer.inputs), Int32(layer.outputs), delta, 0, parameters,
                    layer.weights, 0, &deltas[k - 1], 0)
                summand_relu_backward(&deltas[k - 1], activations[k], rows * layer.inputs)
            }
        }
    }
}
