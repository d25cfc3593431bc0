// SPDX-License-Identifier: MIT

/// Chooses how a gradient changes the parameters. Its state begins at zero in every round.
public enum Optimizer: Sendable, Hashable {
    /// v ← momentum·v + g, w ← w − rate·v; momentum 0 is plain stochastic gradient descent.
    case sgd(rate: Float, momentum: Float)
    /// Adam (Kingma and Ba 2015, algorithm 1).
    case adam(rate: Float, beta1: Float, beta2: Float, epsilon: Float)

    /// Stochastic gradient descent with rate 0.01 and momentum 0.9.
    public static let standard = Optimizer.sgd(rate: 0.01, momentum: 0.9)

    /// Adam with the paper's β1 = 0.9, β2 = 0.999, ε = 10^-8.
    public static func adam(rate: Float = 0.001) -> Optimizer {
        .adam(rate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
    }

    /// Checks that rates are positive and finite and that the decay factors lie in [0, 1).
    ///
    /// - Throws: `TrainingError.hyperparameter`.
    func validate() throws(TrainingError) {
        switch self {
        case .sgd(let rate, let momentum):
            try Self.checkPositive("rate", rate)
            try Self.checkFraction("momentum", momentum)
        case .adam(let rate, let beta1, let beta2, let epsilon):
            try Self.checkPositive("rate", rate)
            try Self.checkFraction("beta1", beta1)
            try Self.checkFraction("beta2", beta2)
            try Self.checkPositive("epsilon", epsilon)
        }
    }

    private static func checkPositive(_ name: String, _ value: Float) throws(TrainingError) {
        guard value > 0, value.isFinite else {
            throw .hyperparameter(name, value: "\(value)", allowed: "a positive number")
        }
    }

    private static func checkFraction(_ name: String, _ value: Float) throws(TrainingError) {
        guard (0..<1).contains(value) else {
            throw .hyperparameter(name, value: "\(value)", allowed: "at least 0 and below 1")
        }
    }
}
