// SPDX-License-Identifier: MIT

import Learning
public import Primitives

/// Derives every seed of a run from one number, alike in both arms of a comparison.
///
/// The number travels in the run's configuration as a 32-byte big-endian integer, so that each site cuts the data and
/// shuffles it as the plain arm does with the same `--seed`.
public struct RunSeeds: Equatable, Sendable {
    /// What `--seed` gave, or what was drawn for this run.
    public let number: UInt64

    /// Takes the number given, or draws one below 2^53, which every reader of JSON keeps exactly.
    public init(seed: UInt64? = nil) {
        var generator = SystemRandom()
        number = seed ?? UInt64.random(in: 0..<1 << 53, using: &generator)
    }

    /// Reads the seed of a run's configuration; nil for one that no number has.
    public init?(trainingSeed: Digest) {
        guard trainingSeed.bytes.dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
        number = trainingSeed.bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The public seed of the first parameters.
    public var initialSeed: Digest { TrainingPlan.initialSeed(run: number) }

    /// The seed of the configuration: the number in 32 bytes, big-endian.
    public var trainingSeed: Digest {
        let bytes =
            [UInt8](repeating: 0, count: 24) + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
        return Digest(bytes: bytes) ?? .zero
    }

    /// The seed by which a part of the data is shuffled in the training with this number, the first being 1.
    public func shuffleSeed(part: Int, training: Int) -> Digest {
        TrainingPlan.seed(run: number, part: UInt32(clamping: part), round: UInt64(clamping: training))
    }
}
