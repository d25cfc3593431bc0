# SPDX-License-Identifier: MIT
"""The arithmetic of the packed encodings (section 8): blocks, transform, digits, guards, scales."""

import math
import operator
import struct
from array import array
from collections.abc import Iterable, Sequence

from summand.exact import TAIL, float32
from summand.field import P, Vector, from_signed, to_signed
from summand.primitives import h, u32
from summand.xof import KeyStream, Xof

PART = 2**16
"""Packed elements between two guards, and the largest transform block."""
FIRST_BITS = 32


def digits_per_element(bits: int) -> int:
    """L = ⌊64/b⌋; the exact encoding has 1."""
    return 64 // bits


def transform_blocks(coordinates: int) -> list[int]:
    """2^16, then the powers of two of the rest, largest first, down to 2^8; the last is padded with zeros."""
    blocks, size = [], PART
    while coordinates > 0:
        if coordinates >= size or size == 256:
            blocks.append(size)
            coordinates -= size
        else:
            size //= 2
    return blocks


def elements(coordinates: int, bits: int) -> int:
    """D."""
    if bits == 63:
        return coordinates + TAIL
    packed = -(-sum(transform_blocks(coordinates)) // digits_per_element(bits))
    return packed + -(-packed // PART) + TAIL


def exponent_bytes(exponents: Sequence[int]) -> bytes:
    """The list of exponents as it is hashed: four bytes each, big-endian, two's complement."""
    return struct.pack(f">{len(exponents)}i", *exponents)


def sign_bits(ctx: bytes, block: int, size: int) -> bytes:
    """The signs of a block: one bit for each coordinate, lowest first; set is minus."""
    return Xof(h("rotation", ctx), "summand/v1 rotation", u32(block)).stream.read(size // 8)


def round_all(values: Iterable[float]) -> list[float]:
    """Rounds each to binary32."""
    return array("f", values).tolist()


def butterflies(values: Sequence[float]) -> list[float]:
    """(a + b, a − b) in stages of distance 1, 2, 4, … N/2, each result rounded to binary32."""
    result, distance = list(values), 1
    while distance < len(result):
        for k in range(0, len(result), 2 * distance):
            upper, lower = result[k : k + distance], result[k + distance : k + 2 * distance]
            result[k : k + distance] = map(operator.add, upper, lower)
            result[k + distance : k + 2 * distance] = map(operator.sub, upper, lower)
        result = round_all(result)
        distance *= 2
    return result


def apply_signs(values: Sequence[float], bits: bytes) -> list[float]:
    """Negates where a bit is set, zero included."""
    return [-value if bits[k // 8] >> k % 8 & 1 else value for k, value in enumerate(values)]


def forward(values: Sequence[float], bits: bytes) -> list[float]:
    """Signs, butterflies, then times 2^(−⌈k/2⌉) for a block of 2^k."""
    scale = 2.0 ** -(len(values).bit_length() // 2)
    return round_all([value * scale for value in butterflies(apply_signs(values, bits))])


def inverse(values: Sequence[float], bits: bytes) -> list[float]:
    """Butterflies, then times 2^(−⌊k/2⌋), then signs."""
    scale = 2.0 ** -((len(values).bit_length() - 1) // 2)
    return apply_signs(round_all([value * scale for value in butterflies(values)]), bits)


def digit_max(bits: int, members: int = 1, first: bool = False) -> int:
    """The bound of a digit: 2^(b−1) − 1; where nothing may wrap (b = 32) that divided by the members."""
    largest = 2 ** (bits - 1) - 1
    return largest // members if first else largest


def quantize(
    x: Sequence[float], w: float, exponents: Sequence[int], limit: int, ctx: bytes, random: KeyStream
) -> tuple[list[int], int]:
    """The digits of an update that was clipped, and how many of them were clamped to the limit.

    A number is rounded up with the probability of its fraction in steps of 2^-16. Where the randomness comes from is a
    participant's own affair; here it is a stream of 16-bit words.
    """
    blocks = transform_blocks(len(x))
    scaled = round_all(value * w for value in x) + [0.0] * (sum(blocks) - len(x))
    digits: list[int] = []
    for block, (size, exponent) in enumerate(zip(blocks, exponents, strict=True)):
        start = len(digits)
        turned = forward(scaled[start : start + size], sign_bits(ctx, block, size))
        words = struct.unpack(f"<{size}H", random.read(2 * size))
        digits += [math.floor(math.ldexp(v, 16 - exponent) + word) >> 16 for v, word in zip(turned, words, strict=True)]
    clamped = [max(-limit, min(limit, digit)) for digit in digits]
    return clamped, sum(a != b for a, b in zip(clamped, digits, strict=True))


def pack_element(digits: Sequence[int], bits: int) -> int:
    """Z = Σ_j 2^(b·j) z_j, as an integer."""
    return sum(digit << bits * j for j, digit in enumerate(digits))


def unpack_element(element: int, bits: int) -> tuple[list[int], int]:
    """The L balanced digits of an element, and what is left, which must be 0."""
    rest, digits = to_signed(element), []
    for _ in range(digits_per_element(bits)):
        digit = rest & (1 << bits) - 1
        digit -= digit >> (bits - 1) << bits
        digits.append(digit)
        rest = (rest >> bits) + (rest >> (bits - 1) & 1)
    return digits, rest


def in_range(digits: Sequence[int], rest: int, bits: int) -> bool:
    """Says whether an element decodes: nothing is left and no digit is −2^(b−1)."""
    return rest == 0 and -(2 ** (bits - 1)) not in digits


def guard_words(ctx: bytes, guard: int, count: int) -> list[int]:
    """c_j of a guard: words of 16 bits, little-endian, OR 1."""
    data = Xof(h("guard", ctx), "summand/v1 guard", u32(guard)).stream.read(2 * count)
    return [word | 1 for word in struct.unpack(f"<{count}H", data)]


def guard_element(digits: Sequence[int], ctx: bytes, guard: int) -> int:
    """Σ c_j z_j mod p over the digits since the guard before."""
    return sum(c * z for c, z in zip(guard_words(ctx, guard, len(digits)), digits, strict=True)) % P


def pack(digits: Sequence[int], bits: int, ctx: bytes) -> Vector:
    """Packed elements with a guard after every 2^16 of them and after the last; zero digits fill the last element."""
    per_element = digits_per_element(bits)
    padded = [*digits, *[0] * (-len(digits) % per_element)]
    result: Vector = []
    for guard, start in enumerate(range(0, len(padded), PART * per_element)):
        part = padded[start : start + PART * per_element]
        result += [
            from_signed(pack_element(part[at : at + per_element], bits)) for at in range(0, len(part), per_element)
        ]
        result.append(guard_element(part, ctx, guard))
    return result


def unpack(model: Sequence[int], count: int, bits: int, ctx: bytes) -> tuple[list[int], bool]:
    """The digit sums of a model part, and whether every element decoded and every guard held."""
    digits, holds, guard, at = [], True, 0, 0
    while at < len(model):
        packed = model[at : min(at + PART, len(model) - 1)]
        part: list[int] = []
        for element in packed:
            own, rest = unpack_element(element, bits)
            holds = holds and in_range(own, rest, bits)
            part += own
        holds = holds and guard_element(part, ctx, guard) == model[at + len(packed)]
        digits += part
        at, guard = at + len(packed) + 1, guard + 1
    return digits[:count], holds


def next_exponents(
    sums: Sequence[int], blocks: Sequence[int], previous: Sequence[int], bits: int, low: int, high: int
) -> list[int]:
    """For each block the smallest e with 256·Σ S_k²·4^(e_prev − e) ≤ N·(2^(b−1) − 1)², clamped; S = 0 keeps e_prev."""
    result, at = [], 0
    for size, before in zip(blocks, previous, strict=True):
        energy = 256 * sum(value * value for value in sums[at : at + size])
        limit = size * (2 ** (bits - 1) - 1) ** 2
        at += size
        if energy == 0:
            result.append(before)
            continue
        exponent = low
        while exponent < high and energy * 4 ** max(before - exponent, 0) > limit * 4 ** max(exponent - before, 0):
            exponent += 1
        result.append(exponent)
    return result


def dequantize(sums: Sequence[int], blocks: Sequence[int], exponents: Sequence[int], scale: float) -> list[float]:
    """y = Float(Double(S_k)·2^e·(weightMax/Double(N))), left to right."""
    result, at = [], 0
    for size, exponent in zip(blocks, exponents, strict=True):
        result += [float32(float(value) * math.ldexp(1.0, exponent) * scale) for value in sums[at : at + size]]
        at += size
    return result


def mean(y: Sequence[float], blocks: Sequence[int], ctx: bytes) -> list[float]:
    """The inverse transform of every block; with it the packed m, in binary32."""
    result, at = [], 0
    for block, size in enumerate(blocks):
        result += inverse(y[at : at + size], sign_bits(ctx, block, size))
        at += size
    return result
