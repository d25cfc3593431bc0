#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes Tests/Vectors/prime-fields.json: arithmetic modulo many primes, and composites that pass weak tests.

Python's integers share no code with GMP. Elements are little-endian hexadecimal bytes, one behind the other.
usage: scripts/make_field_vectors.py > Tests/Vectors/prime-fields.json
"""

import hashlib
import json

PRIMES = {
    "2": 2,
    "3": 3,
    "5": 5,
    "61": 2**61 - 1,
    "63": 2**63 - 25,
    "64": 2**64 - 59,
    "field64": 2**64 - 2**32 + 1,
    "65": 2**64 + 13,
    "127": 2**127 - 1,
    "128": 2**128 - 159,
    "255": 2**255 - 19,
    "256": 2**256 - 189,
    "521": 2**521 - 1,
    "600": 2**600 - 95,
    "4096": 2**4096 - 2549,
}


def is_prime(n, rounds=64):
    """Miller and Rabin's test to random bases."""
    if n < 2:
        return False
    for small in (2, 3, 5, 7, 11, 13):
        if n % small == 0:
            return n == small
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for k in range(rounds):
        base = 2 + det(f"base {k}", 600) % (n - 3)
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def is_strong_pseudoprime(n, bases):
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in bases:
        x = pow(base, odd, n)
        if x != 1 and all(pow(x, 2**k, n) != n - 1 for k in range(twos)):
            return False
    return True


def det(label, length):
    """A number of so many bytes, the same in every run."""
    blocks = (hashlib.sha256(f"{label} {k}".encode()).digest() for k in range(length // 32 + 1))
    return int.from_bytes(b"".join(blocks)[:length], "little")


def field(name, p):
    assert is_prime(p, 64 if p.bit_length() < 1000 else 8)
    length = (p.bit_length() + 7) // 8
    edges = [0, 1, p - 1, p // 2, (2**32 - 1) % p] if length < 100 else [p - 1]
    random = [det(f"{name} element {k}", length + 16) % p for k in range(2)]
    pairs = [(x, y) for x in edges for y in edges] + [tuple(random)]
    a, b = zip(*dict.fromkeys(pairs))
    scalar = det(f"{name} scalar", length + 16) % p
    units = [x for x in dict.fromkeys(a) if x]
    encode = lambda values: b"".join(v.to_bytes(length, "little") for v in values).hex()
    return {
        "name": name,
        "modulus": f"{p:x}",
        "bits": p.bit_length(),
        "a": encode(a),
        "b": encode(b),
        "scalar": encode([scalar]),
        "sum": encode((x + y) % p for x, y in zip(a, b)),
        "difference": encode((x - y) % p for x, y in zip(a, b)),
        "negative": encode(-x % p for x in a),
        "product": encode(x * y % p for x, y in zip(a, b)),
        "scaled": encode(x * scalar % p for x in a),
        "inner_product": encode([sum(x * y for x, y in zip(a, b)) % p]),
        "hundred_a_less_seven_b": encode((100 * x - 7 * y) % p for x, y in zip(a, b)),
        "units": encode(units),
        "inverses": encode(pow(x, -1, p) for x in units),
    }


def composites():
    carmichael = [561, 1105, 1729, 41041, 825265, 321197185, 9746347772161]
    # The least strong pseudoprimes to the first 1, 4, 9, 12 and 13 primes.
    strong = [2047, 3215031751, 3825123056546413051, 318665857834031151167461, 3317044064679887385961981]
    assert all(is_strong_pseudoprime(n, [2]) for n in strong)
    # F. Arnault, Rabin-Miller primality test: composite numbers which pass it (Math. Comp. 64, 1995): to every prime base below 307.
    p1 = int(
        "29674495668685510550154174642905332730771991799853043350995075531276838753171770199594238596428121188033664754218"
        "345562493168782883"
    )
    arnault = p1 * (313 * (p1 - 1) + 1) * (353 * (p1 - 1) + 1)
    assert is_strong_pseudoprime(arnault, [q for q in range(2, 307) if is_prime(q)])
    huge = [(2**607 - 1) * (2**1279 - 1), 2**4096 - 1, 2**2048 + 1, 2**4095]
    squares = [(2**61 - 1) ** 2, (2**64 - 2**32 + 1) ** 2]
    found = [0, 1, 4] + carmichael + strong + [arnault] + squares + huge
    assert not any(is_prime(n) for n in found)
    return [f"{n:x}" for n in found]


print(json.dumps({"fields": [field(*each) for each in PRIMES.items()], "composites": composites()}, indent=1))
