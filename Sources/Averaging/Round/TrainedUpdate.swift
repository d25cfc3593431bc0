// SPDX-License-Identifier: MIT

import Learning
import Quantization

/// What one training and the evaluation before it gave.
package struct TrainedUpdate: Sendable {
    /// local − global in Float32, one rounding, not clipped.
    package let delta: [Float]
    /// The samples that it was computed from.
    package let samples: Int
    /// Of the model before.
    package let evaluation: Evaluation
}

extension TrainedUpdate {
    /// Takes the difference that a training made.
    ///
    /// - Throws: `countMismatch`.
    package init(
        from global: Parameters, to local: Parameters, samples: Int, evaluation: Evaluation
    ) throws(QuantizationError) {
        self.init(
            delta: try ExactEncoding.difference(local: local.values, global: global.values), samples: samples,
            evaluation: evaluation)
    }
}
