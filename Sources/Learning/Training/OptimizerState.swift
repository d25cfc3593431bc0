// SPDX-License-Identifier: MIT

import CVectorKernels

/// Holds what an optimizer remembers from step to step of one round.
struct OptimizerState {
    private let optimizer: Optimizer
    private var first: [Float]
    private var second: [Float]
    /// β1^t and β2^t.
    private var decay1: Float = 1
    private var decay2: Float = 1

    init(_ optimizer: Optimizer, count: Int) {
        self.optimizer = optimizer
        first = [Float](repeating: 0, count: count)
        second =
            switch optimizer {
            case .sgd: []
            case .adam: [Float](repeating: 0, count: count)
            }
    }

    /// Takes one step against the gradient; both arrays have the number of elements given at the start.
    mutating func step(_ values: inout [Float], gradient: [Float]) {
        switch optimizer {
        case .sgd(let rate, let momentum):
            summand_momentum_step(&values, &first, gradient, values.count, rate, momentum)
        case .adam(let rate, let beta1, let beta2, let epsilon):
            decay1 *= beta1
            decay2 *= beta2
            summand_adam_step(
                &values, &first, &second, gradient, values.count, rate, beta1, beta2, epsilon, 1 - decay1, 1 - decay2)
        }
    }
}
