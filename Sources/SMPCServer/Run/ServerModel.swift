// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Learning
import Messages
import Primitives
import Programs
import Quantization

/// The coordinator's own copy of the model: it applies every sum as the members do.
struct ServerModel {
    private(set) var parameters: Parameters
    private let files: StateFiles

    /// Begins a run with these parameters and stores them.
    init(first parameters: Parameters, files: StateFiles) throws {
        self.parameters = parameters
        self.files = files
        try files.write(parameters.littleEndianBytes, to: files.model(parameters.hash.hex))
        try publish(round: 0)
    }

    /// Takes up the parameters with this hash.
    init(paramsHash: Digest, layout: ModelLayout, files: StateFiles) throws {
        let path = files.model(paramsHash.hex)
        parameters = try Parameters(layout: layout, littleEndianBytes: files.read(path))
        self.files = files
        guard parameters.hash == paramsHash else { throw ProgramError(.failed, "damaged", subject: path) }
    }

    /// Applies a stored sum, unless it overflowed, and stores the parameters that follow.
    ///
    /// The parameters before stay beside them until the next sum: a result that is not recorded as applied is applied again.
    mutating func apply(_ application: SumApplication, result: RoundResult, round: Int) throws -> SumOutcome {
        let context = application.context
        let path = files.sum(context.ctx.hex)
        let sum: Field64Vector
        do {
            sum = try Field64Vector(littleEndianBytes: try files.read(path))
        } catch let error as FieldError {
            throw ProgramError(.failed, "damaged: \(error)", subject: path)
        }
        guard vectorLeaf(sum) == result.sumHash else { throw ProgramError(.failed, "damaged", subject: path) }
        let outcome = try application.outcome(of: sum, to: parameters.values)
        let before = parameters.hash
        if context.kind == .training, case .applied(let applied) = outcome {
            parameters = try Parameters(layout: parameters.layout, values: applied.parameters)
            let after = parameters.hash
            try files.write(parameters.littleEndianBytes, to: files.model(after.hex))
            files.prune("models", keeping: ["\(before.hex).f32", "\(after.hex).f32"])
            try publish(round: round)
        }
        return outcome
    }

    private func publish(round: Int) throws {
        try ModelFile(path: files.modelFile).write(
            StoredModel(
                parameters: parameters, metadata: ["round": "\(round)", "params_hash": parameters.hash.hex]))
    }
}
