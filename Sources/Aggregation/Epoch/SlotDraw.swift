// SPDX-License-Identifier: MIT

import FiniteField

/// How likely it is that a draw of slots leaves none with two honest holders (protocol section 6), exactly.
struct SlotDraw {
    /// Parties to draw from.
    let members: Int
    /// Corrupt ones among them.
    let corrupt: Int
    /// Pairs that are drawn; twice as many parties at most `members`.
    let slots: Int

    /// The choices of the corrupt parties' places that put one into each slot.
    ///
    /// With m of the slots taken twice and the others once, `C(slots, m) · 2^(slots − m)` ways within the slots and
    /// `C(members − 2·slots, corrupt − slots − m)` outside of them.
    var openChoices: Natural {
        let outside = members - 2 * slots
        let first = max(0, corrupt - slots - outside)
        let last = min(slots, corrupt - slots)
        guard first <= last else { return Natural(0) }
        let outer = corrupt - slots - first
        var term = Natural.binomial(slots, first)
        term.shiftLeft(by: slots - first)
        term.multiply(byBinomial: outside, over: outer)
        var sum = term
        for m in first..<last {
            // From m to m + 1: C(slots, m) gains (slots − m)/(m + 1), the power of two loses one, and the last binomial
            // gains k/(outside − k + 1), k = corrupt − slots − m. Each product is below 1000²: it fits a word.
            let k = corrupt - slots - m
            term.multiply(by: UInt64((slots - m) * k))
            term.divideExactly(by: UInt64(2 * (m + 1)))
            term.divideExactly(by: UInt64(outside - k + 1))
            sum += term
        }
        return sum
    }

    /// All choices of the corrupt parties' places.
    var allChoices: Natural { .binomial(members, corrupt) }

    /// Whether the probability is at most 2^-50.
    var isSafe: Bool {
        var open = openChoices
        open.shiftLeft(by: 50)
        return open <= allChoices
    }
}

extension Committee {
    /// The fewest slots with standbys of an epoch: two for 4 and 5 members, three from 6 on.
    static func slotsMin(members: Int) -> Int { members < 6 ? 2 : 3 }

    /// The slots that mode `sampled` draws: the fewest with which, ⌊γn⌋ members being corrupt, at least one slot has two
    /// honest holders with probability 1 − 2^-50; ⌊n/2⌋ where that many are too few as well.
    ///
    /// - Parameter memberCount: n, at least 4.
    static func sampledSlots(members memberCount: Int, gammaPercent: Int) -> Int {
        let corrupt = gammaPercent * memberCount / 100
        // More pairs only add conditions to "one corrupt party in every pair", so that the probability falls with their
        // number, and the least safe one can be found by halving.
        var low = min(slotsMin(members: memberCount), memberCount / 2)
        var high = memberCount / 2
        while low < high {
            let middle = (low + high) / 2
            if SlotDraw(members: memberCount, corrupt: corrupt, slots: middle).isSafe {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }

    /// The committee of mode `sampled`, whose number of slots follows from n and γ.
    ///
    /// - Parameter memberCount: n, at least 4.
    public static func sampled(members memberCount: Int, gammaPercent: Int) -> Committee {
        .withStandbys(
            members: memberCount, slots: sampledSlots(members: memberCount, gammaPercent: gammaPercent),
            gammaPercent: gammaPercent)
    }
}
