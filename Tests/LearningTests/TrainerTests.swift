// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Learning

@Suite struct TrainerTests {
    static let shape = "1000,16,5"

    static func data() throws -> LocalData {
        try DatasetLoader(DatasetSource(parsing: "synthetic:\(shape)"), runSeed: 1).load()
    }

    static func initial(_ spec: ModelSpec) throws -> Parameters {
        try Parameters.initial(spec, seed: TrainingPlan.initialSeed(run: 1).bytes)
    }

    @Test(arguments: [
        ("softmax:16-5", Optimizer.standard), ("softmax:16-5", .sgd(rate: 0.05, momentum: 0)),
        ("mlp:16-12-5", .standard), ("mlp:16-12-5", .adam(rate: 0.005)),
    ])
    func learnsASyntheticSet(model: String, optimizer: Optimizer) throws {
        let (spec, data) = (try ModelSpec(parsing: model), try Self.data())
        let trainer = Trainer(spec, hyperparameters: try Hyperparameters(optimizer: optimizer, epochs: 5))
        let before = try Self.initial(spec)
        let after = try trainer.train(before, on: data.training, seed: .zero)
        #expect(try trainer.evaluate(before, on: data.test).accuracy! < 0.6)
        let evaluation = try trainer.evaluate(after, on: data.test)
        #expect(evaluation.accuracy! > 0.93)
        #expect(evaluation.tested == 200)
    }

    @Test func sameSeedGivesTheSameBitsAndAnotherOneDoesNot() throws {
        let (spec, data) = (try ModelSpec(parsing: "mlp:16-8-5"), try Self.data())
        let trainer = Trainer(spec)
        let before = try Self.initial(spec)
        let seed = TrainingPlan.seed(run: 1, part: 0, round: 1)
        let first = try trainer.train(before, on: data.training, seed: seed)
        #expect(try trainer.train(before, on: data.training, seed: seed).hash == first.hash)
        let other = TrainingPlan.seed(run: 1, part: 0, round: 2)
        #expect(try trainer.train(before, on: data.training, seed: other).hash != first.hash)
    }

    @Test func oneStepIsTheGradientTimesTheRate() throws {
        let (spec, data) = (try ModelSpec(parsing: "softmax:16-5"), try Self.data().training)
        let settings = try Hyperparameters(optimizer: .sgd(rate: 0.5, momentum: 0.9), batchSize: data.count)
        let before = try Self.initial(spec)
        let after = try Trainer(spec, hyperparameters: settings).train(before, on: data, seed: .zero)
        var gradient = [Float](repeating: 0, count: before.values.count)
        var network = Network(spec, batchMax: data.count)
        network.load(data, indices: Array(0..<Int32(data.count)), range: 0..<data.count)
        _ = network.loss(before.values, gradient: &gradient)
        for index in gradient.indices {
            #expect(abs(after.values[index] - (before.values[index] - 0.5 * gradient[index])) < 1e-5)
        }
    }

    @Test func momentumAndAdamFollowTheirDefinitions() {
        var state = OptimizerState(.sgd(rate: 0.5, momentum: 0.25), count: 1)
        var values: [Float] = [1]
        state.step(&values, gradient: [1])
        #expect(values == [0.5])
        state.step(&values, gradient: [2])
        #expect(values == [0.5 - 0.5 * 2.25])

        // Whatever the gradient, Adam's first step is rate·sign(g), up to ε.
        var adam = OptimizerState(.adam(rate: 0.125), count: 2)
        values = [1, 1]
        adam.step(&values, gradient: [1000, -0.001])
        #expect(abs(values[0] - 0.875) < 1e-6 && abs(values[1] - 1.125) < 2e-6)
        // Second step, g = 0: m̂ = 0.9·0.1·g/(1 − 0.81), v̂ = 0.999·0.001·g²/(1 − 0.998001).
        adam.step(&values, gradient: [0, 0])
        #expect(abs(values[0] - (0.875 - 0.125 * 0.47368421 / 0.70693047)) < 1e-5)
    }

    @Test func lastBatchMayBeSmaller() throws {
        let spec = try ModelSpec(parsing: "softmax:16-5")
        let data = try Self.data().training
        let settings = try Hyperparameters(batchSize: 799)
        let before = try Self.initial(spec)
        let after = try Trainer(spec, hyperparameters: settings).train(before, on: data, seed: .zero)
        #expect(after.values.allSatisfy { $0.isFinite })
        #expect(after.hash != before.hash)
    }

    @Test func divergenceIsAnError() throws {
        let (spec, data) = (try ModelSpec(parsing: "mlp:16-8-5"), try Self.data())
        let settings = try Hyperparameters(optimizer: .sgd(rate: 1e30, momentum: 0.9))
        let trainer = Trainer(spec, hyperparameters: settings)
        #expect {
            try trainer.train(try Self.initial(spec), on: data.training, seed: .zero)
        } throws: { error in
            guard case .nonFiniteParameter(_, _, epoch: 1) = error as? TrainingError else { return false }
            return true
        }
    }

    @Test func nonFiniteParametersAreRefusedByName() throws {
        let (spec, data) = (try ModelSpec(parsing: "softmax:16-5"), try Self.data())
        var values = try Self.initial(spec).values
        values[82] = .infinity
        let broken = try Parameters(layout: spec.layout, values: values)
        #expect(throws: TrainingError.nonFiniteParameter(tensor: "fc1.bias", index: 2, epoch: 0)) {
            try Trainer(spec).train(broken, on: data.training, seed: .zero)
        }
        #expect(throws: TrainingError.nonFiniteLoss) { try Trainer(spec).evaluate(broken, on: data.test) }
    }

    @Test func cancellationStopsBetweenBatches() throws {
        let (spec, data) = (try ModelSpec(parsing: "softmax:16-5"), try Self.data())
        var batches = 0
        #expect(throws: TrainingError.cancelled) {
            try Trainer(spec).train(try Self.initial(spec), on: data.training, seed: .zero) {
                batches += 1
                return batches == 3
            }
        }
        #expect(batches == 3)
    }

    @Test func cancelledTaskStopsTraining() async throws {
        let (spec, data) = (try ModelSpec(parsing: "softmax:16-5"), try Self.data())
        let before = try Self.initial(spec)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try Trainer(spec).train(before, on: data.training, seed: .zero)
        }
        await #expect(throws: TrainingError.cancelled) { try await task.value }
    }

    @Test func dataOfAnotherShapeIsRefused() throws {
        let data = try Self.data().training
        let wide = try ModelSpec(parsing: "softmax:17-5")
        #expect(throws: TrainingError.featureCount(model: 17, data: 16)) {
            try Trainer(wide).train(try Self.initial(wide), on: data, seed: .zero)
        }
        let narrow = try ModelSpec(parsing: "softmax:16-4")
        #expect(throws: TrainingError.classCount(model: 4, data: 5)) {
            try Trainer(narrow).evaluate(try Self.initial(narrow), on: data)
        }
        #expect(throws: TrainingError.layoutMismatch) { try Trainer(narrow).evaluate(try Self.initial(wide), on: data) }
    }

    @Test func emptyPartsAreEvaluatedButNotTrainedOn() throws {
        let spec = try ModelSpec(parsing: "softmax:2-2")
        let empty = try Dataset(features: [], labels: [], featureCount: 2, classCount: 2)
        let before = try Self.initial(spec)
        #expect(try Trainer(spec).evaluate(before, on: empty) == Evaluation())
        #expect(Evaluation().accuracy == nil)
        #expect(throws: TrainingError.noSamples) { try Trainer(spec).train(before, on: empty, seed: .zero) }
    }

    @Test func partsOfATestSetAddUp() throws {
        let spec = try ModelSpec(parsing: "mlp:16-8-5")
        let source = try DatasetSource(parsing: "synthetic:\(Self.shape)")
        let trainer = Trainer(spec)
        let parameters = try Self.initial(spec)
        var sum = Evaluation()
        for index in 0..<3 {
            let part = try DatasetLoader(source, runSeed: 1).load(part: PartSelector(index: index, count: 3))
            sum += try trainer.evaluate(parameters, on: part.test)
        }
        let whole = try trainer.evaluate(parameters, on: try Self.data().test)
        #expect(sum.correct == whole.correct && sum.tested == whole.tested)
        #expect(abs(sum.lossSum - whole.lossSum) < 1e-3)
    }

    @Test(arguments: [
        Optimizer.sgd(rate: 0, momentum: 0), .sgd(rate: .nan, momentum: 0), .sgd(rate: .infinity, momentum: 0),
        .sgd(rate: 0.1, momentum: 1), .sgd(rate: 0.1, momentum: -0.1),
        .adam(rate: 0.1, beta1: 0.9, beta2: 1, epsilon: 1e-8), .adam(rate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 0),
    ])
    func settingsOutOfRangeAreRefused(optimizer: Optimizer) {
        #expect(throws: TrainingError.self) { try Hyperparameters(optimizer: optimizer) }
    }

    @Test func batchesAndEpochsAreBounded() {
        #expect(throws: TrainingError.self) { try Hyperparameters(batchSize: 0) }
        #expect(throws: TrainingError.self) { try Hyperparameters(batchSize: Hyperparameters.batchSizeMax + 1) }
        #expect(throws: TrainingError.hyperparameter("number of epochs", value: "0", allowed: "in 1…1024")) {
            try Hyperparameters(epochs: 0)
        }
    }
}
