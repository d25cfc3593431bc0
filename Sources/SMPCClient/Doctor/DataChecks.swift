// SPDX-License-Identifier: MIT

import Learning
import Messages
import Programs

/// Loads this site's part of the data as a run does, and compares it with the model.
struct DataChecks {
    private let options: DatasetOptions.Resolved
    private let model: String?
    private let seed: UInt64

    /// Takes the choices.
    ///
    /// - Parameters:
    ///   - model: what the data should fit; nil if nobody has said.
    ///   - seed: of the run, from which the cut of the data follows.
    init(_ options: DatasetOptions.Resolved, model: String?, seed: UInt64) {
        self.options = options
        self.model = model
        self.seed = seed
    }

    /// Gives the checks `data` and `model`.
    func run() -> [Check] {
        let name = "\(options.dataset), \(options.partition), part \(options.part)"
        do {
            let data = try DatasetLoader(try options.source(), runSeed: seed).load(
                partition: try options.scheme(),
                part: try PartSelector(index: options.part.index, count: options.part.count))
            return [judge(data, name), fit(data)]
        } catch {
            return [
                .failed(
                    .data, of: name, error: error,
                    otherwise: "correct --dataset, --data, --label, --partition or --part"),
                .notChecked(.model, "the data cannot be read", remedy: "mend that first"),
            ]
        }
    }

    private func judge(_ data: LocalData, _ name: String) -> Check {
        let histogram = data.training.labelHistogram
        let present = histogram.count { $0 > 0 }
        let figures: [String: Double] = [
            "samples": Double(data.training.count), "test_samples": Double(data.test.count),
            "features": Double(data.featureCount), "classes": Double(data.classCount),
            "classes_present": Double(present),
        ]
        let found =
            "\(data.training.count) samples to train on, \(data.test.count) to test, \(data.featureCount) features, "
            + "\(present) of \(data.classCount) classes (\(histogram.min() ?? 0) to \(histogram.max() ?? 0) samples each)"
        let unusable = Self.unusable(data.training) + Self.unusable(data.test)
        guard unusable == 0 else {
            return .failed(
                .data, of: name, "\(found); \(unusable) values are not finite numbers",
                remedy: "replace or leave out what is missing", figures: figures)
        }
        guard data.training.count > 0 else {
            return .failed(.data, of: name, found, remedy: "name data with samples", figures: figures)
        }
        guard present > 1 || data.classCount < 2 else {
            return .warning(
                .data, of: name, found, remedy: "see whether this site's labels are right: they are all the same",
                figures: figures)
        }
        return .ok(.data, of: name, found, figures: figures)
    }

    private static func unusable(_ data: Dataset) -> Int { data.features.count { !$0.isFinite } }

    private func fit(_ data: LocalData) -> Check {
        guard let model else {
            return .notChecked(
                .model, "no run is known yet", remedy: "name the model with --model, or call this when the server runs")
        }
        let spec: ModelSpec
        do {
            spec = try ModelSpec(parsing: model)
        } catch {
            return .failed(.model, of: model, error: error, otherwise: "name another with --model")
        }
        guard data.featureCount == spec.inputs, data.classCount <= spec.classes else {
            return .failed(
                .model, of: model,
                "the data have \(data.featureCount) features and \(data.classCount) classes, the model takes "
                    + "\(spec.inputs) and tells \(spec.classes) apart",
                remedy: "name other data with --dataset, or agree with the operator on another model")
        }
        return .ok(
            .model, of: model, "the data fit; \(spec.layout.count) parameters",
            figures: ["parameters": Double(spec.layout.count)])
    }

    /// Compares the disk with what a round keeps there: the update, the model before and after, the file for others, each
    /// once more while it is written (eight vectors of 4 bytes a parameter).
    func diskSpace(directory: String) -> Check {
        let parameters = model.flatMap { try? ModelSpec(parsing: $0) }?.layout.count
        return DiskSpaceCheck.run(
            directory: directory, needed: 8 * 4 * (parameters ?? 0) + DiskSpaceCheck.databaseBytes,
            for: parameters.map { "a model of \($0) parameters" } ?? "the database alone (no model is known yet)")
    }
}
