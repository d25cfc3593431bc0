// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

@testable import Learning

@Suite struct NetworkTests {
    /// The naive loss in Double is differenced with a step of 2^-20, so that a rectifier's kink is hardly ever crossed.
    @Test(arguments: ["softmax:5-3", "mlp:5-4-3", "mlp:5-6-4-3"])
    func gradientAgreesWithFiniteDifferences(model: String) throws {
        let spec = try ModelSpec(parsing: model)
        let data = try SyntheticShape(samples: 12, features: 5, classes: 3).draw(seed: Digest.zero)
        var values = try Parameters.initial(spec, seed: Array(0..<32)).values
        for index in values.indices where values[index] == 0 { values[index] = 0.05 }
        var network = Network(spec, batchMax: 12)
        var gradient = [Float](repeating: .nan, count: values.count)
        network.load(data, indices: Array(0..<Int32(12)), range: 0..<12)
        let evaluation = network.loss(values, gradient: &gradient)

        let exact = values.map(Double.init)
        #expect(abs(evaluation.lossSum - naiveLoss(spec, exact, data)) < 1e-5)
        for index in values.indices {
            var (above, below) = (exact, exact)
            above[index] += 0x1p-20
            below[index] -= 0x1p-20
            let slope = (naiveLoss(spec, above, data) - naiveLoss(spec, below, data)) / 0x1p-19 / 12
            #expect(abs(Double(gradient[index]) - slope) < 1e-5, "parameter \(index)")
        }
        #expect(gradient.contains { abs($0) > 0.1 })
    }

    /// Σ cross-entropy, one sample, one layer and one output after the other.
    private func naiveLoss(_ spec: ModelSpec, _ values: [Double], _ data: Dataset) -> Double {
        var total = 0.0
        for sample in 0..<data.count {
            var activations = (0..<data.featureCount).map { Double(data.features[sample * data.featureCount + $0]) }
            var next = 0
            for layer in 1..<spec.widths.count {
                let (inputs, outputs) = (spec.widths[layer - 1], spec.widths[layer])
                let biases = next + inputs * outputs
                let sums = (0..<outputs).map { output in
                    (0..<inputs).reduce(values[biases + output]) {
                        $0 + values[next + output * inputs + $1] * activations[$1]
                    }
                }
                activations = layer + 1 < spec.widths.count ? sums.map { max($0, 0) } : sums
                next = biases + outputs
            }
            total += log(activations.reduce(0) { $0 + exp($1) }) - activations[Int(data.labels[sample])]
        }
        return total
    }

    @Test func lossOfEqualLogitsIsTheLogarithmOfTheClasses() throws {
        let spec = try ModelSpec(parsing: "softmax:2-4")
        let data = try Dataset(features: [1, 2, 3, 4], labels: [0, 3], featureCount: 2, classCount: 4)
        let zeros = try Parameters(layout: spec.layout, values: [Float](repeating: 0, count: 12))
        let evaluation = try Trainer(spec).evaluate(zeros, on: data)
        #expect(abs(evaluation.lossSum - 2 * 1.3862943611198906) < 1e-12)
        #expect(evaluation.correct == 1, "the first of equal logits is the answer")
        #expect(evaluation.tested == 2)
    }

    @Test func softmaxIsComputedAsByHand() throws {
        // Logits of the only sample: 1·2 + 0.5 = 2.5 and −1·2 + 0 = −2.
        let spec = try ModelSpec(parsing: "softmax:1-2")
        let data = try Dataset(features: [2], labels: [1], featureCount: 1, classCount: 2)
        var network = Network(spec, batchMax: 1)
        network.load(data, indices: [0], range: 0..<1)
        var gradient = [Float](repeating: 0, count: 4)
        let evaluation = network.loss([1, -1, 0.5, 0], gradient: &gradient)
        // ln(1 + e^4.5) and the logistic function of 4.5.
        #expect(abs(evaluation.lossSum - 4.5110477) < 1e-6)
        #expect(evaluation.correct == 0)
        let probability: Float = 0.98901306
        for (actual, expected) in zip(gradient, [2 * probability, -2 * probability, probability, -probability]) {
            #expect(abs(actual - expected) < 1e-6)
        }
    }
}
