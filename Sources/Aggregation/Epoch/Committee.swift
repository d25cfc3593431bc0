// SPDX-License-Identifier: MIT

/// Computes the numbers of an epoch that keep a sum from being opened twice (protocol section 6).
///
/// Every party computes them itself from n, γ and the slot mode; the coordinator's word does not count.
public struct Committee: Equatable, Sendable {
    /// Members of the epoch, 3 to 1000.
    public let memberCount: Int
    /// Helper slots.
    public let slotCount: Int
    /// Corrupt witnesses that the certificate withstands.
    public let corruptMax: Int
    /// Votes of a certificate.
    public let quorum: Int

    /// The committee of mode `all`: every member is a slot, and every member votes.
    public static func all(members memberCount: Int, gammaPercent: Int) -> Committee {
        Committee(
            memberCount: memberCount, slotCount: memberCount, corruptMax: gammaPercent * memberCount / 100,
            quorum: memberCount)
    }

    /// The committee of the modes with standbys, for a given number of slots:
    /// `f = max(⌊γn⌋, slots − 1)`, `q = ⌊(n + f)/2⌋ + 1`.
    public static func withStandbys(members memberCount: Int, slots: Int, gammaPercent: Int) -> Committee {
        let corrupt = max(gammaPercent * memberCount / 100, slots - 1)
        return Committee(
            memberCount: memberCount, slotCount: slots, corruptMax: corrupt, quorum: (memberCount + corrupt) / 2 + 1)
    }

    /// The fewest survivors of a round: `max(⌈2n/3⌉, f + 3, 3)`, with f + 2 for n ≤ 4 (protocol section 5).
    public var cohortMin: Int {
        max((2 * memberCount + 2) / 3, corruptMax + (memberCount <= 4 ? 2 : 3), 3)
    }

    /// How many members must not have voted, and never will, for a certificate to be impossible: n − q + f + 1 (protocol
    /// section 5, rule (c)). Without f liars n − q + 1 honest ones are left, so that q − 1 others can vote at most.
    public var notVotedMin: Int { memberCount - quorum + corruptMax + 1 }

    /// The fewest members of the next epoch by default: ⌈2/3⌉ of the largest epoch (protocol section 4, step E1).
    public static func minMembersDefault(largestEpoch: Int) -> Int { max((2 * largestEpoch + 2) / 3, 3) }
}
