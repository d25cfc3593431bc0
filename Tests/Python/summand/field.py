# SPDX-License-Identifier: MIT
"""The field F_p with p = 2^64 − 2^32 + 1, its quadratic extension, and vectors over F_p (sections 2, 7 and 8)."""

import struct
from collections.abc import Iterable, Sequence

P = 2**64 - 2**32 + 1

Vector = list[int]
Pair = tuple[int, int]
"""An element u + v·w of F_{p²} = F_p[w]/(w² − 7), as (u, v): 1-part, then w-part."""


def from_signed(value: int) -> int:
    """Maps a signed integer to the element that stands for it (section 8)."""
    return value % P


def to_signed(element: int) -> int:
    """Reads an element above (p − 1)/2 as negative (section 8)."""
    return element - P if element > (P - 1) // 2 else element


def add(a: Sequence[int], b: Sequence[int]) -> Vector:
    """Adds two vectors of one length."""
    return [(x + y) % P for x, y in zip(a, b, strict=True)]


def subtract(a: Sequence[int], b: Sequence[int]) -> Vector:
    """Subtracts the second vector from the first."""
    return [(x - y) % P for x, y in zip(a, b, strict=True)]


def total(vectors: Iterable[Sequence[int]], length: int) -> Vector:
    """Adds up vectors of one length; none of them give zeros."""
    result = [0] * length
    for vector in vectors:
        result = add(result, vector)
    return result


def encode(vector: Sequence[int]) -> bytes:
    """Writes elements as 8 bytes each, little-endian (section 2)."""
    return struct.pack(f"<{len(vector)}Q", *vector)


def decode(data: bytes) -> Vector:
    """Reads elements; raises ValueError where the length is wrong or an element is not below p."""
    if len(data) % 8:
        raise ValueError(f"{len(data)} bytes are not a whole number of elements")
    vector = list(struct.unpack(f"<{len(data) // 8}Q", data))
    for index, element in enumerate(vector):
        if element >= P:
            raise ValueError(f"element {index} is not canonical")
    return vector


def pair_add(a: Pair, b: Pair) -> Pair:
    """Adds in F_{p²}."""
    return (a[0] + b[0]) % P, (a[1] + b[1]) % P


def pair_multiply(a: Pair, b: Pair) -> Pair:
    """Multiplies in F_{p²}, where w² is 7."""
    return (a[0] * b[0] + 7 * a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def tau(z: Pair, vector: Iterable[int]) -> Pair:
    """Computes τ_z(V) = Σ_k V[k]·z^(len−k) as acc ← (acc + V[k])·z (section 7)."""
    u, v = 0, 0
    z0, z1 = z
    for element in vector:
        u += element
        u, v = (u * z0 + 7 * v * z1) % P, (u * z1 + v * z0) % P
    return u, v
