# SPDX-License-Identifier: MIT
"""The numbers of an epoch (section 6) and the draw of slots (section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from summand.primitives import h
from summand.xof import Xof

ALL, PINNED, SAMPLED = 0, 1, 2


@dataclass(frozen=True)
class Numbers:
    """Slots, f, q and cohortMin of an epoch."""

    slots: int
    f: int
    q: int
    cohort_min: int


def no_honest_slot(members: int, corrupt: int, slots: int) -> Fraction:
    """The probability that none of so many drawn pairs has two honest parties.

    Every pair then has one corrupt member (two ways) or two; the rest of the corrupt are among those not drawn.
    """
    ways = 0
    for both in range(slots + 1):
        outside = corrupt - slots - both
        if 0 <= outside <= members - 2 * slots:
            ways += comb(slots, both) * 2 ** (slots - both) * comb(members - 2 * slots, outside)
    return Fraction(ways, comb(members, corrupt))


def slots_of(members: int, gamma_percent: int) -> int:
    """The number of slots with standbys: the smallest from 2 (n ≤ 5) or 3 on that is safe, at most ⌊n/2⌋."""
    corrupt, slots = gamma_percent * members // 100, least_slots(members)
    while slots < members // 2 and no_honest_slot(members, corrupt, slots) > Fraction(1, 2**50):
        slots += 1
    return slots


def numbers(members: int, gamma_percent: int, mode: int, pinned: int = 0) -> Numbers:
    """The numbers of an epoch of so many members; in mode pinned with so many pairs."""
    corrupt = gamma_percent * members // 100
    if mode == ALL:
        slots, f, q = members, corrupt, members
    else:
        slots = pinned if mode == PINNED else slots_of(members, gamma_percent)
        f = max(corrupt, slots - 1)
        q = (members + f) // 2 + 1
    least = f + 2 if members <= 4 else f + 3
    return Numbers(slots, f, q, max(-(-2 * members // 3), least, 3))


def commit(proposal_hash: bytes, identity: bytes, nonce: bytes) -> bytes:
    """What a member says before anybody shows a nonce."""
    return h("beacon-commit", proposal_hash, identity, nonce)


def beacon(proposal_hash: bytes, parties: Sequence[tuple[bytes, bytes, bytes]]) -> bytes:
    """The beacon, from identity, commit and nonce of every member in member order."""
    return h("beacon", proposal_hash, *(part for party in parties for part in party))


def draw(beacon: bytes, members: int) -> tuple[list[int], list[int]]:
    """The numbers j that were drawn, and the permutation: Fisher–Yates from member order, from the last place down."""
    stream, permutation, drawn = Xof(beacon, "summand/v1 draw"), list(range(members)), []
    for k in range(members - 1, 0, -1):
        j = stream.integer(k)
        permutation[k], permutation[j] = permutation[j], permutation[k]
        drawn.append(j)
    return drawn, permutation


def pairs(permutation: Sequence[int], slots: int) -> list[list[int]]:
    """Slot s is primary permutation[s], standby permutation[slots + s]."""
    return [[permutation[slot], permutation[slots + slot]] for slot in range(slots)]


def least_slots(members: int) -> int:
    """The fewest slots with standbys that an epoch may have."""
    return 2 if members <= 5 else 3


def not_voted(members: int, numbers: Numbers) -> int:
    """How many NotVoted make certain that a base was not answered: n − q + f + 1."""
    return members - numbers.q + numbers.f + 1
