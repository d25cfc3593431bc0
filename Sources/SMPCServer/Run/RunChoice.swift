// SPDX-License-Identifier: MIT

import Aggregation
import Learning
import Messages
import Primitives
import Programs
import Quantization

/// What the operator chose for a run, the layers of configuration asked and everything checked.
struct RunChoice: Sendable {
    /// What to do about a run that is unfinished.
    enum Mode: Sendable {
        /// Take it up if there is one, begin one otherwise.
        case either
        /// End it and begin one.
        case new
        /// Take it up; it is an error if there is none.
        case resume
    }

    let mode: Mode
    let training: TrainingOptions.Resolved
    let seeds: RunSeeds
    /// The file of the first parameters; nil for the built-in initializer.
    var initialFile: String?
    let roundsPerEpoch: Int
    let gammaPercent: Int
    let weightMax: Double
    let clip: Double
    let settings: CoordinatorSettings

    /// The option that the first parameters come from.
    var initialOption: String { initialFile.map { "--init \($0)" } ?? "--seed \(seeds.number)" }

    /// Draws or reads the first parameters.
    func firstParameters() throws -> Parameters {
        guard let initialFile else { return try .initial(training.model, seed: seeds.initialSeed.bytes) }
        return try ModelFile(path: initialFile).parameters(as: training.model.layout)
    }

    /// The configuration of a new run that begins with these parameters.
    func configuration(paramsHash: Digest) -> RunConfiguration {
        RunConfiguration(
            run: SecureRandom.bytes(16), bits: training.encoding.bits, clip: clip, weightMax: weightMax,
            uniformWeights: training.weights == .uniform, layout: training.model.layout.bytes,
            model: training.model.description,
            initial: initialFile == nil ? .seed(seeds.initialSeed) : .file(paramsHash: paramsHash),
            seed: seeds.number, rounds: training.rounds, roundsPerEpoch: roundsPerEpoch, gammaPercent: gammaPercent,
            // That of the first epoch; each proposal has its own.
            cohortMin: settings.slots.committee(
                members: max(settings.cohort, Limits.membersMin), gammaPercent: gammaPercent)?.cohortMin
                ?? Limits.membersMin,
            training: RunConfiguration.Training(
                optimizer: training.optimizer.rawValue, learningRate: training.learningRate,
                momentum: training.momentum, batchSize: training.batchSize, localEpochs: training.localEpochs))
    }
}
