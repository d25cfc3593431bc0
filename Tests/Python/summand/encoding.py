# SPDX-License-Identifier: MIT
"""What a round's vectors look like and what follows from their sum, whatever the encoding (section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from summand import exact, field, keys, packed
from summand.primitives import layout_count
from summand.protobuf import Message
from summand.xof import Xof

TRAINING, CLOSING = 0, 1


@dataclass(frozen=True)
class Scale:
    """b and e of a training round; whether it is a first round or the repetition after an overflow."""

    bits: int
    exponents: tuple[int, ...] = ()
    first: bool = False

    @property
    def hash(self) -> bytes:
        """scaleHash."""
        return keys.scale_hash(self.bits, packed.exponent_bytes(self.exponents))

    @classmethod
    def beginning(cls, configuration: Message) -> "Scale":
        """That of a first round of a run: 32 bits, unless the run is exact."""
        if configuration["bits"] == exact.BITS:
            return cls(exact.BITS)
        blocks = packed.transform_blocks(layout_count(configuration["layout"]))
        return cls(packed.FIRST_BITS, (configuration["first_exponent"],) * len(blocks), True)

    def require_fit(self, configuration: Message) -> None:
        """Raises ValueError where a run of this configuration can have no such scale."""
        beginning = Scale.beginning(configuration)
        if self.first or configuration["bits"] == exact.BITS:
            fits = self == beginning
        else:
            lengths = len(self.exponents), len(beginning.exponents)
            fits = self.bits == configuration["bits"] and lengths[0] == lengths[1]
        if not fits:
            raise ValueError(f"a scale of {self.bits} bits that this run cannot have")


@dataclass(frozen=True)
class Decoded:
    """What a sum says: the mean of the updates, and the scale that follows."""

    mean: list[float]
    scale: Scale


class Encoding:
    """The encoding of one round."""

    def __init__(self, configuration: Message, kind: int, scale: Scale) -> None:
        self.configuration, self.kind = configuration, kind
        self.scale = scale if kind == TRAINING else Scale(exact.BITS)
        self.layout = configuration["layout"]
        self.coordinates = layout_count(self.layout) if kind == TRAINING else 0
        self.elements = packed.elements(self.coordinates, self.scale.bits)
        self.blocks = packed.transform_blocks(self.coordinates)
        # As it stands in the encoding: 1 where weights are uniform.
        self.weight_max: float = 1.0 if configuration["uniform_weights"] else configuration["weight_max"]

    @property
    def is_exact(self) -> bool:
        """Whether each coordinate has an element of its own."""
        return self.scale.bits == exact.BITS

    @property
    def hash(self) -> bytes:
        """encodingHash."""
        bits = self.scale.bits
        exponents = packed.exponent_bytes(self.scale.exponents)
        clip = self.configuration["clip"]
        per_element = packed.digits_per_element(bits)
        return keys.encoding_hash(self.kind, bits, per_element, exponents, clip, self.weight_max, self.layout)

    def digit_max(self, members: int) -> int:
        """The bound of a participant's digits in an epoch of so many members."""
        return packed.digit_max(self.scale.bits, members, self.scale.first)

    def model_part(self, x: Sequence[float], weight: int, members: int, ctx: bytes, seed: bytes) -> field.Vector:
        """The model part of X from an update that was clipped; the seed is that of the rounding."""
        if self.kind == CLOSING:
            return []
        w = weight / self.weight_max
        if self.is_exact:
            return [field.from_signed(number) for number in exact.quantize(x, w, members)]
        random = Xof(seed, "rounding", ctx).stream
        digits, _ = packed.quantize(x, w, self.scale.exponents, self.digit_max(members), ctx, random)
        return packed.pack(digits, self.scale.bits, ctx)

    def decode(self, total: Sequence[int], ctx: bytes) -> Decoded | None:
        """Reads the sum of a training round; nothing where it overflowed."""
        if self.is_exact:
            return Decoded(exact.mean(total, self.weight_max), self.scale)
        sums, holds = packed.unpack(total[: -exact.TAIL], sum(self.blocks), self.scale.bits, ctx)
        if not holds:
            return None
        _, factor = exact.factor(total, self.weight_max)
        y = packed.dequantize(sums, self.blocks, self.scale.exponents, factor)
        bits, low, high = (self.configuration[name] for name in ("bits", "exponent_min", "exponent_max"))
        following = packed.next_exponents(sums, self.blocks, self.scale.exponents, bits, low, high)
        mean = packed.mean(y, self.blocks, ctx)[: self.coordinates]
        return Decoded(mean, Scale(bits, tuple(following)))
