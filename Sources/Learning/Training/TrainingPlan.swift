// SPDX-License-Identifier: MIT

import Primitives

/// Derives every seed of a run from its number, the index of a part of the data and the round: never from an identity,
/// so that both arms of a comparison draw the same.
public enum TrainingPlan {
    /// H("train-seed", u64 run, u32 part, u64 round): shuffles the samples of one participant in one round.
    public static func seed(run: UInt64, part: UInt32, round: UInt64) -> Digest {
        LabeledBytes("train-seed").u64(run).u32(part).u64(round).hash
    }

    /// H("partition-seed", u64 run): cuts the training samples into parts.
    public static func partitionSeed(run: UInt64) -> Digest {
        LabeledBytes("partition-seed").u64(run).hash
    }

    /// H("split-seed", u64 run): separates the test samples of a dataset that comes without any.
    public static func splitSeed(run: UInt64) -> Digest {
        LabeledBytes("split-seed").u64(run).hash
    }

    /// H("synthetic-seed", u64 run): draws a synthetic dataset.
    public static func syntheticSeed(run: UInt64) -> Digest {
        LabeledBytes("synthetic-seed").u64(run).hash
    }

    /// H("init-seed", u64 run): the public seed of the first parameters, where a run repeats from its number.
    public static func initialSeed(run: UInt64) -> Digest {
        LabeledBytes("init-seed").u64(run).hash
    }
}
