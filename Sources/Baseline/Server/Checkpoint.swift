// SPDX-License-Identifier: MIT

import Averaging
import Identity
import Learning
import Primitives
import Programs
import Quantization
import Reporting

/// Holds where a plain run stands, in one file that is replaced in one step: parameters, and all else in its metadata.
struct Checkpoint: Equatable {
    /// The name of the file in the server's state directory.
    static let fileName = "fedavg.safetensors"

    var configuration: AveragingConfiguration
    var position: AveragingCoordinator.Position
    /// What `RunRecorder.encoded()` gave.
    var records: [UInt8]
    var isFinished = false

    private enum Key {
        static let configuration = "configuration"
        static let finished = "finished"
        static let modelHash = "model_hash"
        static let records = "records"
        static let rounds = "rounds"
        static let scale = "scale"
    }

    /// Reads the checkpoint of a state directory; nil if there is none.
    static func read(directory: String) throws -> Checkpoint? {
        let path = "\(directory)/\(fileName)"
        guard PrivateFile.exists(path) else { return nil }
        let stored = try ModelFile(path: path).read()
        let metadata = stored.metadata
        guard let bytes = metadata[Key.configuration].flatMap({ Hexadecimal.decode($0) }),
            let configuration = try? AveragingConfiguration(encoded: bytes),
            let parameters = try? stored.parameters(as: configuration.model.layout),
            let rounds = metadata[Key.rounds].flatMap({ Int($0) }), let records = metadata[Key.records],
            let modelHash = metadata[Key.modelHash].flatMap({ Hexadecimal.decode($0) })
                .flatMap({ Digest(bytes: $0) }),
            let scale = Self.scale(metadata[Key.scale], configuration, path)
        else {
            throw ProgramError(
                .failed, "is not the state of a plain run", subject: path, remedy: "move it away to begin a new run")
        }
        return Checkpoint(
            configuration: configuration,
            position: AveragingCoordinator.Position(
                parameters: parameters, appliedRounds: rounds, modelHash: modelHash, scale: scale),
            records: [UInt8](records.utf8), isFinished: metadata[Key.finished] == "true")
    }

    /// Reads the scale of the next round, which a quantised run has and others do not.
    private static func scale(_ text: String?, _ configuration: AveragingConfiguration, _ path: String) -> RoundScale? {
        guard configuration.sum == .quantised else { return .exact }
        return text.flatMap { try? RecordCoding.decode(RoundScale.self, from: [UInt8]($0.utf8), file: path, line: nil) }
    }

    /// Writes the checkpoint durably, and the model beside it for everybody else.
    func write(directory: String) throws {
        var metadata = [
            Key.configuration: Hexadecimal.encode(configuration.encoded()),
            Key.finished: isFinished ? "true" : "false",
            Key.modelHash: position.modelHash.hex,
            Key.records: String(decoding: records, as: UTF8.self),
            Key.rounds: "\(position.appliedRounds)",
        ]
        if configuration.sum == .quantised {
            metadata[Key.scale] = String(decoding: try RecordCoding.line(position.scale), as: UTF8.self)
        }
        try ModelFile(path: "\(directory)/\(Self.fileName)").write(
            StoredModel(parameters: position.parameters, metadata: metadata))
        try ModelFile(path: "\(directory)/model.safetensors").write(
            StoredModel(
                parameters: position.parameters,
                metadata: ["round": "\(position.appliedRounds)", "params_hash": position.paramsHash.hex]))
    }
}
