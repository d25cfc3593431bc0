// SPDX-License-Identifier: MIT

import Foundation
public import Learning
import Primitives
import Reporting

/// A model that a run with `--keep-models` left, with everything that it takes to train the rounds around it again.
public struct KeptModel: Sendable {
    /// What all rounds of the run have in common.
    public struct Conditions: Codable, Equatable, Sendable {
        /// The model, such as `mlp:784-128-10`.
        public var model: String
        /// The number that all seeds derive from.
        public var seed: UInt64
        /// `sgd`, `momentum` or `adam`.
        public var optimizer: String
        /// The step of local training.
        public var learningRate: Double
        /// The momentum of local training.
        public var momentum: Double
        /// Samples per step.
        public var batchSize: Int
        /// Passes over the local data per round.
        public var localEpochs: Int
        /// The L2 norm that updates are clipped to; 0 for none.
        public var clip: Double
        /// The samples that weigh 1; 1 when every participant weighs the same.
        public var weightMax: Double

        /// States the conditions.
        public init(
            model: String, seed: UInt64, optimizer: String, learningRate: Double, momentum: Double, batchSize: Int,
            localEpochs: Int, clip: Double, weightMax: Double
        ) {
            self.model = model
            self.seed = seed
            self.optimizer = optimizer
            self.learningRate = learningRate
            self.momentum = momentum
            self.batchSize = batchSize
            self.localEpochs = localEpochs
            self.clip = clip
            self.weightMax = weightMax
        }
    }

    /// The sum that led to a model.
    public struct Sum: Codable, Equatable, Sendable {
        /// The hash of the round, 64 hexadecimal digits: signs and rounding were drawn from it.
        public var ctx: String
        /// Bits of a digit; 63 when exact.
        public var bits: UInt8
        /// The exponent of each transform block; empty when exact.
        public var exponents: [Int32]
        /// Whether it was encoded as a first round.
        public var isFirst: Bool
        /// The members of the epoch.
        public var members: Int
        /// The names of those whose updates are in it.
        public var participants: [String]

        /// States how a sum was made.
        public init(
            ctx: String, bits: UInt8, exponents: [Int32], isFirst: Bool, members: Int, participants: [String]
        ) {
            self.ctx = ctx
            self.bits = bits
            self.exponents = exponents
            self.isFirst = isFirst
            self.members = members
            self.participants = participants
        }
    }

    /// Applied rounds that led to it.
    public var round: Int
    /// The parameters.
    public var parameters: Parameters
    /// The conditions of the run.
    public var conditions: Conditions
    /// The sum that led to it; nil before the first round.
    public var sum: Sum?

    /// Puts a model and its story together.
    public init(round: Int, parameters: Parameters, conditions: Conditions, sum: Sum?) {
        self.round = round
        self.parameters = parameters
        self.conditions = conditions
        self.sum = sum
    }
}

/// The directory of the models that a run leaves beside its records: `models/round-0000.safetensors` is the first one, and
/// each applied round adds the next. Sizes, names and hashes are public to all members of the run already.
public struct KeptModels: Sendable {
    /// Where the files are.
    public let directory: String

    private enum Key {
        static let conditions = "conditions"
        static let paramsHash = "params_hash"
        static let round = "round"
        static let sum = "sum"
    }

    /// Names the directory in that of the records.
    public init(metrics: String) {
        directory = "\(metrics)/models"
    }

    /// The file of the model after so many rounds.
    public func path(round: Int) -> String {
        let number = String(round)
        return "\(directory)/round-\(String(repeating: "0", count: max(0, 4 - number.count)))\(number).safetensors"
    }

    /// Makes the directory, and removes from it what an earlier run left.
    public func begin() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: directory)
        where name.hasPrefix("round-") && name.hasSuffix(".safetensors") {
            try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }

    /// Writes a model; it is on disk when this returns. The same model again changes nothing.
    public func write(_ kept: KeptModel) throws {
        var metadata = [
            Key.conditions: String(decoding: try RecordCoding.line(kept.conditions), as: UTF8.self),
            Key.paramsHash: kept.parameters.hash.hex,
            Key.round: "\(kept.round)",
        ]
        if let sum = kept.sum { metadata[Key.sum] = String(decoding: try RecordCoding.line(sum), as: UTF8.self) }
        try ModelFile(path: path(round: kept.round)).write(
            StoredModel(parameters: kept.parameters, metadata: metadata))
    }

    /// Reads the model after so many rounds.
    ///
    /// - Parameter paramsHash: the hash that the records of the run have for it; nil if they have none.
    /// - Throws: `ProgramError`: `failed` for a file that is missing or none of a run's, `verificationFailed` for parameters that
    ///   do not have the hash.
    public func read(round: Int, paramsHash: String?) throws -> KeptModel {
        let path = path(round: round)
        guard FileManager.default.fileExists(atPath: path) else {
            throw ProgramError(
                .failed, "there is no such file", subject: path,
                remedy: "run smpc-server with --keep-models from the first round on")
        }
        let stored = try ModelFile(path: path).read()
        let metadata = stored.metadata
        guard metadata[Key.round] == "\(round)", let conditions = metadata[Key.conditions] else {
            throw ProgramError(.failed, "is not a model that smpc-server kept", subject: path)
        }
        let decoded = try decode(KeptModel.Conditions.self, conditions, path)
        let parameters = try stored.parameters(as: try ModelSpec(parsing: decoded.model).layout)
        let expected = [metadata[Key.paramsHash], paramsHash].compactMap { $0 }
        guard expected.allSatisfy({ $0 == parameters.hash.hex }) else {
            throw ProgramError(
                .verificationFailed, "does not hold the parameters of round \(round)", subject: path,
                remedy: "their hash is not the recorded one: the file was changed or belongs to another run")
        }
        return KeptModel(
            round: round, parameters: parameters, conditions: decoded,
            sum: try metadata[Key.sum].map { try decode(KeptModel.Sum.self, $0, path) })
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ text: String, _ path: String) throws -> Value {
        try RecordCoding.decode(type, from: [UInt8](text.utf8), file: path, line: nil)
    }
}
