# SPDX-License-Identifier: MIT
"""The exact encoding and what all encodings share: weights, metrics and the layout of X (section 8)."""

import math
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from summand.field import Vector, from_signed, to_signed
from summand.keys import Check

BITS = 63
TAIL = 9
"""Elements behind the model part: weight, metrics (4), check (2), blind (2)."""


class EncodingError(ValueError):
    """A number that the encoding cannot carry."""


def float32(value: float) -> float:
    """Rounds to binary32, ties to even."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def floats(data: bytes) -> list[float]:
    """Reads parameters, binary32 little-endian."""
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def float_bytes(values: Sequence[float]) -> bytes:
    """Writes parameters, binary32 little-endian, each rounded once."""
    return array("f", values).tobytes()


def update(local: Sequence[float], world: Sequence[float]) -> list[float]:
    """x = local − global in binary32. A binary64 difference of two binary32 rounds to binary32 as if rounded once."""
    return [float32(a - b) for a, b in zip(local, world, strict=True)]


def clip(x: Sequence[float], norm: float) -> tuple[list[float], bool]:
    """Scales x down to a norm, where there is one and it is exceeded, and says whether it did."""
    length = math.sqrt(math.fsum(value * value for value in x))
    if norm == 0 or length <= norm:
        return list(x), False
    return [float32(value * (norm / length)) for value in x], True


def two_binary_digits(count: int) -> int:
    """Rounds a count to two significant binary digits, half up."""
    shift = max(count.bit_length() - 2, 0)
    return (count + (1 << shift >> 1)) >> shift << shift


def weight_of(samples: int, weight_max: float, uniform: bool) -> int:
    """The weight of a participant."""
    return 1 if uniform else two_binary_digits(min(samples, int(weight_max)))


def bound(members: int) -> int:
    """The largest |v| that a participant of an epoch of so many may send."""
    return (2**62 - 1) // members


@dataclass(frozen=True)
class Metrics:
    """What a participant measured of the model that it was given."""

    loss_sum: float
    correct: int
    tested: int
    clipped: bool

    def scalars(self) -> list[int]:
        """Loss in units of 2^-10 and correct answers, both scaled by rounded/tested; tested; clipped."""
        rounded = two_binary_digits(self.tested)
        ratio = rounded / self.tested if self.tested else 0.0
        return [round(self.loss_sum * ratio * 1024), round(self.correct * ratio), rounded, int(self.clipped)]


def quantize(x: Sequence[float], w: float, members: int) -> list[int]:
    """Z = rint(Double(x)·w·2^40), ties to even; beyond the bound it refuses."""
    limit = bound(members)
    result = []
    for index, value in enumerate(x):
        z = round(value * w * 2.0**40) if math.isfinite(value) else limit + 1
        if abs(z) > limit:
            raise EncodingError(f"coordinate {index} is too large for the exact encoding")
        result.append(z)
    return result


def assemble(
    model: Sequence[int], weight: int, metrics: Sequence[int], check: Check, identity: bytes, blind: Sequence[int]
) -> Vector:
    """X = model part (elements, guards included) · weight · metrics · check · blind."""
    vector = [*model, *(from_signed(value) for value in (weight, *metrics))]
    return [*vector, *check.tag(identity, vector), *blind]


def factor(total: Sequence[int], weight_max: float) -> tuple[int, float]:
    """N, the sum of the weights in a sum, and weightMax / Double(N)."""
    weight = to_signed(total[-TAIL])
    if weight <= 0:
        raise EncodingError("the weights of the sum are not positive")
    return weight, weight_max / float(weight)


def mean(total: Sequence[int], weight_max: float) -> list[float]:
    """m = Double(S) / 2^40 · (weightMax / Double(N)), left to right."""
    _, scale = factor(total, weight_max)
    return [float(to_signed(element)) / 2.0**40 * scale for element in total[:-TAIL]]


def apply(parameters: Sequence[float], means: Sequence[float]) -> list[float]:
    """p' = Float(Double(p) + m)."""
    return [float32(p + m) for p, m in zip(parameters, means, strict=True)]
