// SPDX-License-Identifier: MIT

import Learning
import Primitives
import Quantization
import Reporting

@testable import Averaging

/// One of every message, with distinct values.
enum Samples {
    static let hash = Digest(bytes: [UInt8](0..<32)) ?? .zero
    static let metrics = UpdateMetrics(loss: 5_000, correct: 70, tested: 96, clipped: 1)
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

    static func messages() throws -> [AveragingMessage] {
        var fromFile = try configuration(sum: .float32, weightMax: 1)
        fromFile.initialParamsHash = hash
        return [
            .hello(.init(paramsHash: nil, foundByMulticast: true)),
            .hello(.init(paramsHash: hash, foundByMulticast: false)),
            .configuration(try configuration()), .configuration(fromFile),
            .configuration(try configuration(sum: .quantised, bits: 9)),
            .roundOpen(.init(round: 4, isClosing: true, paramsHash: hash)),
            .roundOpen(.init(round: 3, isClosing: false, paramsHash: hash, digits: digits)),
            .evaluation(.init(round: 4, metrics: metrics, report: report)),
            .applied(.init(rounds: 3, paramsHash: hash, report: report)),
            .withdrawal("the data is gone"),
            .runEnd(.init(outcome: .converged, sentence: "nothing changed")),
        ]
    }

    static let headers: [AveragingStreamHeader] = [
        .update(.init(round: 2, weight: 96, metrics: metrics, elements: 15)),
        .parameters(.init(rounds: 2, paramsHash: hash, elements: 15)),
        .vector(.init(round: 2, elements: 75)),
        .sum(.init(rounds: 2, paramsHash: hash, digits: digits, elements: 75)),
    ]
}
