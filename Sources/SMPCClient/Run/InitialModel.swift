// SPDX-License-Identifier: MIT

import Aggregation
import Identity
import Learning
import Messages
import Primitives
import Programs

/// Computes the first parameters of a run, or says why this site does not train that model.
struct InitialModel: Sendable {
    let policy: SitePolicy
    let learner: LocalLearner
    /// The file of `--init`.
    let file: String?

    /// Computes and checks the first parameters of a configuration.
    func parameters(of configuration: RunConfiguration) throws(ModelRefusal) -> Parameters {
        let spec = try Self.spec(of: configuration)
        _ = try learner.training(configuration, spec)
        switch configuration.initial {
        case .seed(let seed):
            do {
                return try Parameters.initial(spec, seed: seed.bytes)
            } catch {
                throw ModelRefusal(line: .initialParameters, detail: "\(error)")
            }
        case .file(let hash):
            return try parameters(from: hash, spec)
        }
    }

    /// Reads the model of a configuration, whose layout must be the one that this program gives it.
    static func spec(of configuration: RunConfiguration) throws(ModelRefusal) -> ModelSpec {
        let spec: ModelSpec
        do {
            spec = try ModelSpec(parsing: configuration.model)
        } catch {
            throw ModelRefusal(line: .model, detail: "\(error)")
        }
        guard spec.layout.bytes == configuration.layout else {
            throw ModelRefusal(line: .model, detail: "the layout is not that of \(configuration.model)")
        }
        return spec
    }

    private func parameters(from hash: Digest, _ spec: ModelSpec) throws(ModelRefusal) -> Parameters {
        if let refusal = policy.refusal(parametersFromFile: hash) {
            throw ModelRefusal(line: .initialParameters, detail: refusal.description)
        }
        guard let file else {
            throw ModelRefusal(
                line: .initialParameters, detail: "the run starts from a file; this site was started without --init")
        }
        do {
            let parameters = try ModelFile(path: file).parameters(as: spec.layout)
            guard parameters.hash == hash else {
                throw ModelRefusal(
                    line: .initialParameters, detail: "the file of --init holds other parameters than the coordinator's"
                )
            }
            return parameters
        } catch let refusal as ModelRefusal {
            throw refusal
        } catch {
            throw ModelRefusal(line: .initialParameters, detail: "\(error)")
        }
    }
}
