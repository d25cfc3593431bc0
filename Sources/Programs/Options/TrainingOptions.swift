// SPDX-License-Identifier: MIT

import ArgumentParser
public import Learning

/// Says what a run trains and how; both arms of a comparison take the same options.
///
/// Numbers are parsed unconditionally: −1 is a value that is refused by name, not the next option.
public struct TrainingOptions: ParsableArguments {
    /// The rounds to apply.
    @Option(parsing: .unconditional, help: ArgumentHelp("How many rounds to apply. (default: 15)", valueName: "count"))
    public var rounds: Int?

    /// The model.
    @Option(
        help: ArgumentHelp(
            "The model: mlp:INPUTS-HIDDEN-…-CLASSES or softmax:INPUTS-CLASSES. (default: mlp:784-128-10)",
            valueName: "spec"))
    public var model: String?

    /// The number that every seed derives from.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number that every seed derives from; the same number repeats a run. (default: drawn anew)",
            valueName: "seed"))
    public var seed: UInt64?

    /// The optimizer of local training.
    @Option(help: ArgumentHelp("How clients train: sgd, momentum or adam. (default: momentum)", valueName: "name"))
    public var optimizer: OptimizerOption?

    /// The step of local training.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The learning rate. (default: 0.01; 0.001 with adam)", valueName: "number"))
    public var learningRate: Double?

    /// The momentum of local training.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The momentum, at least 0 and below 1; 0 with sgd. (default: 0.9)", valueName: "number"))
    public var momentum: Double?

    /// The samples of one step.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Samples per step of local training. (default: 32)", valueName: "count"))
    public var batchSize: Int?

    /// The passes over the local data.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Passes over the local data per round. (default: 1)", valueName: "count"))
    public var localEpochs: Int?

    /// How participants weigh.
    @Option(
        help: ArgumentHelp(
            "How clients weigh in the mean: by their samples, or all alike (uniform). (default: samples)",
            valueName: "name"))
    public var weights: WeightsOption?

    /// The encoding of the summed vectors.
    @Option(
        help: ArgumentHelp(
            "The encoding of the vectors that are summed: exact, or the bits of a number: 7, 8, 9, 12, 16, 21 or 32. "
                + "Fewer bits cost fewer bytes and round more coarsely. (default: 16)",
            valueName: "name"))
    public var encoding: String?

    /// Makes the options with nothing set.
    public init() {}

    /// Holds the choices after the environment and the configuration file have been asked.
    public struct Resolved: Equatable, Sendable {
        /// Rounds to apply, from 1.
        public var rounds: Int
        /// The model.
        public var model: ModelSpec
        /// The number given; nil to draw one.
        public var seed: UInt64?
        /// The optimizer by its name.
        public var optimizer: OptimizerOption
        /// The learning rate.
        public var learningRate: Double
        /// The momentum, 0 for an optimizer that has none.
        public var momentum: Double
        /// Samples per step.
        public var batchSize: Int
        /// Passes per round.
        public var localEpochs: Int
        /// How participants weigh.
        public var weights: WeightsOption
        /// The name of the encoding.
        public var encoding: EncodingChoice
        /// Whether somebody chose the rounds.
        public var hasChosenRounds = true
        /// Whether somebody chose the model.
        public var hasChosenModel = true

        /// Whether a run that began otherwise is not what somebody chose: what is only a default is no choice.
        public func contradicts(rounds: Int, model: String, seed: UInt64) -> Bool {
            (hasChosenRounds && rounds != self.rounds) || (hasChosenModel && model != self.model.description)
                || (self.seed.map { $0 != seed } ?? false)
        }
    }

    /// Completes what the command line leaves open, and checks it.
    ///
    /// - Throws: `ProgramError` with `usage` that names the option at fault.
    public func resolved(_ settings: Settings) throws(ProgramError) -> Resolved {
        let optimizer = try settings.value(optimizer, .optimizer, default: .momentum)
        let momentum = try settings.value(momentum, .momentum, default: 0.9)
        let resolved = Resolved(
            rounds: try Self.checked(try settings.value(rounds, .rounds, default: 15), 1...1_000_000, .rounds),
            model: try Self.spec(try settings.value(model, .model, default: "mlp:784-128-10")),
            seed: try settings.optional(seed, .seed), optimizer: optimizer,
            learningRate: try settings.value(
                learningRate, .learningRate, default: optimizer == .adam ? 0.001 : 0.01),
            momentum: optimizer == .momentum ? momentum : 0,
            batchSize: try Self.checked(try settings.value(batchSize, .batchSize, default: 32), 1...65_536, .batchSize),
            localEpochs: try Self.checked(
                try settings.value(localEpochs, .localEpochs, default: 1), 1...1_000, .localEpochs),
            weights: try settings.value(weights, .weights, default: .samples),
            encoding: try EncodingChoice(named: try settings.value(encoding, .encoding, default: "16")),
            hasChosenRounds: try settings.optional(rounds, .rounds) != nil,
            hasChosenModel: try settings.optional(model, .model) != nil)
        guard resolved.learningRate > 0, resolved.learningRate <= 10 else {
            throw ProgramError(.usage, "expected a number above 0 and at most 10", subject: "--learning-rate")
        }
        guard (0..<1).contains(resolved.momentum) else {
            throw ProgramError(.usage, "expected at least 0 and below 1", subject: "--momentum")
        }
        return resolved
    }

    private static func checked(
        _ value: Int, _ range: ClosedRange<Int>, _ key: SettingKey
    ) throws(ProgramError) -> Int {
        guard range.contains(value) else {
            throw ProgramError(
                .usage, "\(value) is not in \(range.lowerBound)…\(range.upperBound)", subject: key.option)
        }
        return value
    }

    private static func spec(_ text: String) throws(ProgramError) -> ModelSpec {
        do { return try ModelSpec(parsing: text) } catch { throw error.programError }
    }
}

/// Names an optimizer of local training.
public enum OptimizerOption: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// Adam.
    case adam
    /// Stochastic gradient descent with momentum.
    case momentum
    /// Plain stochastic gradient descent.
    case sgd
}

/// Says how participants weigh in the mean.
public enum WeightsOption: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// By their samples.
    case samples
    /// All alike.
    case uniform
}
