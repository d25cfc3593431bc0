// SPDX-License-Identifier: MIT

import Primitives

/// Derives every seed of a run from one number, alike in both arms of a comparison.
///
/// The number travels in the run's configuration, so that each site cuts the data and shuffles it as the plain arm does
/// with the same `--seed`.
public struct RunSeeds: Equatable, Sendable {
    /// What `--seed` gave, or what was drawn for this run.
    public let number: UInt64

    /// Takes the number given, or draws one below 2^53, which every reader of JSON keeps exactly.
    public init(seed: UInt64? = nil) {
        var generator = SystemRandom()
        number = seed ?? UInt64.random(in: 0..<1 << 53, using: &generator)
    }

    /// The public seed of the first parameters.
    public var initialSeed: Digest { TrainingPlan.initialSeed(run: number) }

    /// The seed by which a part of the data is shuffled in the training with this number, the first being 1.
    public func shuffleSeed(part: Int, training: Int) -> Digest {
        TrainingPlan.seed(run: number, part: UInt32(clamping: part), round: UInt64(clamping: training))
    }
}
