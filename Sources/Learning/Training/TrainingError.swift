// SPDX-License-Identifier: MIT

/// Why local training or evaluation stops.
public enum TrainingError: Error, Equatable, Sendable {
    /// The task was cancelled; nothing was changed.
    case cancelled
    /// The dataset has more classes than the model.
    case classCount(model: Int, data: Int)
    /// A sample has more or fewer features than the model has inputs.
    case featureCount(model: Int, data: Int)
    /// A setting lies outside its range.
    case hyperparameter(String, value: String, allowed: String)
    /// The parameters are those of another model.
    case layoutMismatch
    /// There is nothing to train on.
    case noSamples
    /// The loss of these parameters on this data is infinite or not a number.
    case nonFiniteLoss
    /// A parameter is infinite or not a number; `epoch` counts from 1, 0 means before training.
    case nonFiniteParameter(tensor: String, index: Int, epoch: Int)
}

extension TrainingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cancelled: "training was cancelled"
        case .classCount(let model, let data): "the data has \(data) classes, the model only \(model)"
        case .featureCount(let model, let data):
            "a sample has \(data) features, the model \(model) inputs: the run needs another --model, or this site other data"
        case .hyperparameter(let name, let value, let allowed): "\(name) \(value) is not \(allowed)"
        case .layoutMismatch: "the parameters belong to another model"
        case .noSamples: "there are no samples to train on"
        case .nonFiniteLoss: "the loss is infinite or not a number"
        case .nonFiniteParameter(let tensor, let index, 0):
            "parameter \(index) of '\(tensor)' was infinite or not a number before training"
        case .nonFiniteParameter(let tensor, let index, let epoch):
            "parameter \(index) of '\(tensor)' became infinite or not a number in epoch \(epoch); lower the rate"
        }
    }
}
