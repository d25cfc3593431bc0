#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recomputes the numbers of committees with exact fractions: Tests/Vectors/slot-draws.json.

How likely is it that c corrupt parties, somewhere among n, leave no slot with two honest holders, when the first 2s
places of a shuffle make s pairs? By inclusion and exclusion over the pairs that are honest; Sources/Aggregation counts
the opposite, pair by pair. The number of slots is the least, from the floor upward, with a probability of at most
2^-50; n // 2 where even that many are too few.

    scripts/slot_numbers.py > Tests/Vectors/slot-draws.json
"""
import json
from fractions import Fraction
from math import comb


def open_choices(n, c, s):
    """Choices of c corrupt places among n with at least one in each of s pairs."""
    return sum((-1) ** j * comb(s, j) * comb(n - 2 * j, c) for j in range(s + 1))


def slots(n, gamma):
    c = gamma * n // 100
    for s in range(2 if n < 6 else 3, n // 2 + 1):
        if Fraction(open_choices(n, c, s), comb(n, c)) <= Fraction(1, 2**50):
            return s
    return n // 2


def main():
    numbers = [4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 20, 31, 32, 50, 64, 100, 101, 150]
    table = [{"n": n, "slots by gamma": [slots(n, g) for g in range(51)]} for n in numbers]
    table += [{"n": n, "slots by gamma": {str(g): slots(n, g) for g in (5, 10, 20, 33)}} for n in (500, 1000)]
    draws = [(4, 1, 2), (4, 2, 2), (5, 2, 2), (6, 3, 3), (9, 5, 3), (10, 0, 3), (10, 3, 4), (10, 10, 5), (20, 13, 6),
             (100, 33, 32), (100, 50, 50), (1000, 500, 500), (1000, 330, 55)]
    rows = [{"n": n, "corrupt": c, "slots": s, "open": str(open_choices(n, c, s)), "all": str(comb(n, c))}
            for n, c, s in draws]
    print(json.dumps({"draws": rows, "tables": table}, indent=1))


if __name__ == "__main__":
    main()
