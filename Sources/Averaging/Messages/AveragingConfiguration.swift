// SPDX-License-Identifier: MIT

import Foundation
import Learning
import Primitives
import Quantization

/// How the plain server sums updates (`--plain`).
package enum PlainSum: String, CaseIterable, Sendable {
    /// Quantized exactly as in the secure arm, summed in integers, applied by the same function: the same bits.
    case exact
    /// The weighted mean in binary64, clients in the order of their IDs.
    case float32
    /// Encoded in few bits exactly as in the secure arm, summed over the same field, applied by the same function.
    case quantised
}

/// What every client of a plain run must agree on.
package struct AveragingConfiguration: Equatable, Sendable {
    /// The identity of the run, 16 bytes.
    package var run: [UInt8]
    package var model: ModelSpec
    package var seeds: RunSeeds
    package var rounds: Int
    /// `sgd`, `momentum` or `adam`, as it travels.
    package var optimizer: String
    package var learningRate: Double
    package var momentum: Double
    package var batchSize: Int
    package var localEpochs: Int
    /// The L2 norm that updates are clipped to; 0 for none.
    package var clip: Double
    /// The samples that weigh 1, a power of two; 1 when every client weighs the same.
    package var weightMax: Double
    /// The hash of first parameters from a file; nil when they are drawn from the seed.
    package var initialParamsHash: Digest?
    package var sum: PlainSum
    /// b, the bits of a digit behind the first round of a quantised run; nil in all others.
    package var bits: Int?

    /// Makes a configuration; what is said here is what the other side checks.
    package init(
        run: [UInt8], model: ModelSpec, seeds: RunSeeds, rounds: Int, optimizer: String, learningRate: Double,
        momentum: Double, batchSize: Int, localEpochs: Int, clip: Double = 0, weightMax: Double,
        initialParamsHash: Digest?, sum: PlainSum, bits: Int?
    ) {
        self.run = run
        self.model = model
        self.seeds = seeds
        self.rounds = rounds
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.momentum = momentum
        self.batchSize = batchSize
        self.localEpochs = localEpochs
        self.clip = clip
        self.weightMax = weightMax
        self.initialParamsHash = initialParamsHash
        self.sum = sum
        self.bits = bits
    }

    /// What records call the encoding of the run.
    package var encodingName: String { bits.map(String.init) ?? sum.rawValue }

    /// The sum for people.
    package var sumDescription: String { bits.map { "quantised to \($0) bits" } ?? sum.rawValue }

    /// The encoding of the secure arm's training rounds, with room for the sum of `members` updates.
    package func encoding(members: Int) throws(QuantizationError) -> ExactEncoding {
        try ExactEncoding(
            try EncodingParameters(
                kind: .training, scale: .exact, clip: clip, weightMax: weightMax, layout: model.layout.bytes),
            members: members)
    }

    /// The bytes of the configuration alone, for storage.
    package func encoded() -> [UInt8] { wire.wireBytes() }
}

extension AveragingConfiguration {
    /// Parses what `encoded()` gave.
    package init(encoded bytes: [UInt8]) throws(InvalidAveragingMessage) {
        try self.init(WireConfiguration(wire: bytes, "Configuration"))
    }

    init(_ wire: WireConfiguration) throws(InvalidAveragingMessage) {
        let fields = Fields(message: "Configuration")
        run = try fields.bytes(wire.run, "run", count: 16)
        let text = try fields.text(wire.model, "model", bytesMax: AveragingLimits.modelBytesMax)
        guard let spec = try? ModelSpec(parsing: text) else { throw .range(message: "Configuration", field: "model") }
        model = spec
        seeds = RunSeeds(seed: wire.seed)
        rounds = try fields.integer(wire.rounds, "rounds", 1...AveragingLimits.roundsMax)
        optimizer = try fields.text(wire.optimizer, "optimizer", bytesMax: AveragingLimits.nameBytesMax)
        learningRate = try fields.number(wire.learningRate, "learning_rate", 1e-12...10)
        momentum = try fields.number(wire.momentum, "momentum", 0...0.999999)
        batchSize = try fields.integer(wire.batchSize, "batch_size", 1...65_536)
        localEpochs = try fields.integer(wire.localEpochs, "local_epochs", 1...1_000)
        clip = try fields.number(wire.clip, "clip", 0...1e30)
        weightMax = try fields.number(wire.weightMax, "weight_max", 1...0x1p40)
        guard weightMax.significand == 1 else { throw .range(message: "Configuration", field: "weight_max") }
        initialParamsHash = try fields.optionalDigest(wire.initialParamsHash, "initial_params_hash")
        guard let sum = PlainSum(rawValue: wire.sum) else { throw .range(message: "Configuration", field: "sum") }
        self.sum = sum
        bits = try Self.bits(wire.bits, sum)
    }

    /// Reads the bits of a digit, which a quantised run has and no other.
    private static func bits(_ value: UInt32, _ sum: PlainSum) throws(InvalidAveragingMessage) -> Int? {
        let bits = try Fields(message: "Configuration").integer(value, "bits", sum == .quantised ? 7...32 : 0...0)
        return sum == .quantised ? bits : nil
    }

    var wire: WireConfiguration {
        .with {
            $0.run = Data(run)
            $0.model = model.description
            $0.seed = seeds.number
            $0.rounds = UInt32(rounds)
            $0.optimizer = optimizer
            $0.learningRate = learningRate
            $0.momentum = momentum
            $0.batchSize = UInt32(batchSize)
            $0.localEpochs = UInt32(localEpochs)
            $0.clip = clip
            $0.weightMax = weightMax
            $0.initialParamsHash = initialParamsHash?.data ?? Data()
            $0.sum = sum.rawValue
            $0.bits = UInt32(bits ?? 0)
        }
    }
}
