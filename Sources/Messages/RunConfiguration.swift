// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Quantization

/// Holds what every party of a run must agree on; part of the signed proposal (protocol section 4, step E1).
public struct RunConfiguration: Equatable, Sendable {
    /// Where the first parameters of a run come from (protocol section 5).
    public enum InitialParameters: Equatable, Sendable {
        /// The built-in initializer and this public seed.
        case seed(Digest)
        /// A file whose paramsHash the site's policy must name.
        case file(paramsHash: Digest)
    }

    /// How a site trains; the coordinator proposes it, equal for every site.
    public struct Training: Equatable, Sendable {
        /// `sgd`, `momentum` or `adam`.
        public var optimizer: String
        /// In (0, 10].
        public var learningRate: Double
        /// In [0, 1).
        public var momentum: Double
        /// Samples, 1 to 65,536.
        public var batchSize: Int
        /// Passes over the local data, 1 to 1,000.
        public var localEpochs: Int

        /// Makes a description of local training.
        public init(optimizer: String, learningRate: Double, momentum: Double, batchSize: Int, localEpochs: Int) {
            self.optimizer = optimizer
            self.learningRate = learningRate
            self.momentum = momentum
            self.batchSize = batchSize
            self.localEpochs = localEpochs
        }
    }

    /// The identity of the run, 16 bytes drawn when it was made.
    public var run: [UInt8]
    /// b of protocol section 8, in 7…63; 63 is the exact encoding.
    public var bits: UInt8
    /// The clipping norm, 0 for none.
    public var clip: Double
    /// A power of two; a larger sample count is clipped to it and counted.
    public var weightMax: Double
    /// Whether every participant weighs 1, whatever its sample count.
    public var uniformWeights: Bool
    /// The layout of the model's tensors, as protocol section 2 encodes it.
    public var layout: [UInt8]
    /// The model, such as `mlp:784-128-10`.
    public var model: String
    /// Where the first parameters come from.
    public var initial: InitialParameters
    /// The run seed: training seeds derive from it, the part and the round; public.
    public var seed: UInt64
    /// Applied rounds after which the run closes.
    public var rounds: Int
    /// Rounds of one epoch.
    public var roundsPerEpoch: Int
    /// γ, the share of corrupt members that the numbers are computed for, in whole percent.
    public var gammaPercent: Int
    /// The fewest survivors of a round.
    public var cohortMin: Int
    /// How a site trains.
    public var training: Training
    /// e of a first round of a packed encoding (protocol section 8).
    public var firstExponent = ScaleRule.firstExponentDefault
    /// What e of all other rounds is clamped to.
    public var exponents = ScaleRule.exponentsDefault

    /// Makes a configuration from its parts.
    public init(
        run: [UInt8], bits: UInt8, clip: Double, weightMax: Double, uniformWeights: Bool, layout: [UInt8],
        model: String, initial: InitialParameters, seed: UInt64, rounds: Int, roundsPerEpoch: Int, gammaPercent: Int,
        cohortMin: Int, training: Training
    ) {
        self.run = run
        self.bits = bits
        self.clip = clip
        self.weightMax = weightMax
        self.uniformWeights = uniformWeights
        self.layout = layout
        self.model = model
        self.initial = initial
        self.seed = seed
        self.rounds = rounds
        self.roundsPerEpoch = roundsPerEpoch
        self.gammaPercent = gammaPercent
        self.cohortMin = cohortMin
        self.training = training
    }

    /// Parses the bytes that `encoded()` made.
    public init(encoded bytes: [UInt8]) throws(InvalidMessage) {
        try self.init(wire: WireRunConfiguration(wire: bytes, "RunConfiguration"))
    }

    /// Identifies everything that stays the same throughout a run: all but cohortMin, which follows from the epoch.
    public var identity: Digest {
        var fixed = self
        fixed.cohortMin = 1
        return LabeledBytes("run-configuration").variable(fixed.encoded()).hash
    }

    /// Encodes the configuration alone, for storage.
    public func encoded() -> [UInt8] { wire.wireBytes() }
}

extension RunConfiguration {
    init(wire: WireRunConfiguration) throws(InvalidMessage) {
        let fields = Fields(message: "RunConfiguration")
        run = try fields.bytes(wire.run, "run", count: 16)
        bits = UInt8(try fields.range(wire.bits, "bits", 7...63))
        clip = try fields.finite(wire.clip, "clip", 0...1e30)
        weightMax = try fields.finite(wire.weightMax, "weight_max", 1...0x1p40)
        guard weightMax.significandBitPattern == 0 else {
            throw .range(message: "RunConfiguration", field: "weight_max", value: weightMax.bitPattern)
        }
        uniformWeights = wire.uniformWeights
        try fields.bounded(wire.layout.count, "layout", atMost: Limits.layoutBytesMax)
        layout = [UInt8](wire.layout)
        model = try fields.text(wire.model, "model", bytesMax: 256)
        switch (
            try fields.optionalDigest(wire.initialSeed, "initial_seed"),
            try fields.optionalDigest(wire.initialParamsHash, "initial_params_hash")
        ) {
        case (let seed?, nil): initial = .seed(seed)
        case (nil, let hash?): initial = .file(paramsHash: hash)
        default: throw .empty(message: "RunConfiguration.initial")
        }
        seed = wire.seed
        rounds = try fields.range(wire.rounds, "rounds", 1...1_000_000)
        roundsPerEpoch = try fields.range(wire.roundsPerEpoch, "rounds_per_epoch", 1...1_000_000)
        gammaPercent = try fields.range(wire.gammaPercent, "gamma_percent", 0...50)
        cohortMin = try fields.range(wire.cohortMin, "cohort_min", 1...UInt64(Limits.membersMax))
        training = try Training(wire: wire, fields)
        firstExponent = try fields.exponent(wire.firstExponent, "first_exponent")
        let least = try fields.exponent(wire.exponentMin, "exponent_min")
        let largest = try fields.exponent(wire.exponentMax, "exponent_max")
        guard least <= largest else {
            throw .range(message: "RunConfiguration", field: "exponent_max", value: UInt64(bitPattern: Int64(largest)))
        }
        exponents = least...largest
    }

    var wire: WireRunConfiguration {
        .with {
            $0.run = Data(run)
            $0.bits = UInt32(bits)
            $0.clip = clip
            $0.weightMax = weightMax
            $0.uniformWeights = uniformWeights
            $0.layout = Data(layout)
            $0.model = model
            switch initial {
            case .seed(let seed): $0.initialSeed = seed.data
            case .file(let hash): $0.initialParamsHash = hash.data
            }
            $0.seed = seed
            $0.rounds = UInt32(rounds)
            $0.roundsPerEpoch = UInt32(roundsPerEpoch)
            $0.gammaPercent = UInt32(gammaPercent)
            $0.cohortMin = UInt32(cohortMin)
            $0.optimizer = training.optimizer
            $0.learningRate = training.learningRate
            $0.momentum = training.momentum
            $0.batchSize = UInt32(training.batchSize)
            $0.localEpochs = UInt32(training.localEpochs)
            $0.firstExponent = firstExponent
            $0.exponentMin = exponents.lowerBound
            $0.exponentMax = exponents.upperBound
        }
    }
}

extension RunConfiguration.Training {
    init(wire: WireRunConfiguration, _ fields: Fields) throws(InvalidMessage) {
        optimizer = try fields.text(wire.optimizer, "optimizer", bytesMax: 32)
        learningRate = try fields.finite(wire.learningRate, "learning_rate", 1e-12...10)
        momentum = try fields.finite(wire.momentum, "momentum", 0...0.999999)
        batchSize = try fields.range(wire.batchSize, "batch_size", 1...65_536)
        localEpochs = try fields.range(wire.localEpochs, "local_epochs", 1...1_000)
    }
}
