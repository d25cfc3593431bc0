// SPDX-License-Identifier: MIT

import Averaging
import Learning
import Primitives
import Quantization
import Reporting

/// What runs in these tests are like.
enum Samples {
    static let hash = Digest(bytes: [UInt8](0..<32)) ?? .zero
    static let report = ClientReport(
        sinceTrainingMicros: 1_234, peakMemoryBytes: 5_678,
        phases: [.init(phase: "setup", up: 1, down: 2), .init(phase: "update", up: 3, down: 4)])

    static func configuration(
        model: String = "softmax:4-3", rounds: Int = 3, sum: PlainSum = .exact, bits: Int = 16,
        weightMax: Double = 1_048_576
    ) throws -> AveragingConfiguration {
        AveragingConfiguration(
            run: [UInt8](1...16), model: try ModelSpec(parsing: model), seeds: RunSeeds(seed: 7), rounds: rounds,
            optimizer: "momentum", learningRate: 0.01, momentum: 0.9, batchSize: 32, localEpochs: 1, clip: 0,
            weightMax: weightMax, initialParamsHash: nil, sum: sum, bits: sum == .quantised ? bits : nil)
    }

    static let digits = RoundDigits(
        scale: RoundScale(EncodingScale(bits: 9, exponents: [-12]), isFirst: false), clients: 5)
}
