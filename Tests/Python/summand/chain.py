# SPDX-License-Identifier: MIT
"""The model of a run and its chain of hashes (section 5), and the first parameters."""

import math
from dataclasses import dataclass

from summand import exact, field, keys
from summand.encoding import CLOSING, Encoding, Scale
from summand.protobuf import Message
from summand.xof import Xof


def first_parameters(model: str, seed: bytes) -> list[float]:
    """The parameters that a run begins with (section 5, "What a party starts from")."""
    widths = [int(width) for width in model.partition(":")[2].split("-")]
    stream = Xof(seed, "summand/v1 init").stream
    parameters: list[float] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        bound = math.sqrt(6.0 / (inputs + outputs))
        for _ in range(inputs * outputs):
            uniform = (int.from_bytes(stream.read(8), "little") >> 11) * 2.0**-53
            parameters.append(exact.float32((2.0 * uniform - 1.0) * bound))
        parameters += [0.0] * outputs
    return parameters


@dataclass
class Chain:
    """Where a party stands in a run."""

    configuration: Message
    parameters: list[float]
    params_hash: bytes
    scale: Scale
    """That of the next training round."""
    model_hash: bytes
    index: int = 0
    applied: int = 0
    ended: bool = False
    repeats: bool = False
    """Whether a sum overflowed and its repetition has not been applied yet."""

    @classmethod
    def begin(cls, configuration: Message) -> "Chain":
        """A new run, from the public seed of its configuration."""
        parameters = first_parameters(configuration["model"], configuration["initial_seed"])
        params = keys.params_hash(configuration["layout"], exact.float_bytes(parameters))
        scale = Scale.beginning(configuration)
        return cls(configuration, parameters, params, scale, keys.first_model_hash(params, scale.hash))

    @classmethod
    def handed(cls, header: Message, data: bytes) -> "Chain":
        """What a newcomer is handed: parameters, with the preimage of the modelHash that they lead to."""
        configuration, params = header["configuration"], header["params_hash"]
        if len(data) != 4 * header["elements"] or keys.params_hash(configuration["layout"], data) != params:
            raise ValueError("the parameters that were handed over are not those of their header")
        scale = Scale(header["scale_bits"], tuple(header["exponents"]), header["first_scale"])
        scale.require_fit(configuration)
        model = keys.model_hash(header["previous_model_hash"], header["middle"], params, scale.hash)
        index, applied = header["chain_index"], header["applied_rounds"]
        return cls(configuration, exact.floats(data), params, scale, model, index, applied)

    @property
    def kind(self) -> int:
        """The kind of the next round: training until `rounds` are applied, then closing."""
        return int(self.applied >= self.configuration["rounds"])

    @property
    def encoding(self) -> Encoding:
        """That of the next round."""
        return Encoding(self.configuration, self.kind, self.scale)

    def take(self, encoding: Encoding, ctx: bytes, survivors: bytes, total: field.Vector, sum_hash: bytes) -> bool:
        """Applies the sum of a round; says False where it overflowed, and all but the scale stays as it was."""
        if encoding.kind == CLOSING:
            self.ended = True
        elif (decoded := encoding.decode(total, ctx)) is None:
            self.scale, self.repeats = Scale.beginning(self.configuration), True
            self.step(keys.middle_overflow(ctx, survivors, sum_hash))
            return False
        else:
            before = exact.float_bytes(self.parameters)
            self.parameters = exact.apply(self.parameters, decoded.mean)
            self.scale, self.repeats = decoded.scale, False
            self.applied += 1
            # A training round that moves nothing ends the run as converged.
            self.ended = before == exact.float_bytes(self.parameters)
        self.step(keys.middle_sum(ctx, survivors, sum_hash))
        return True

    def step(self, middle: bytes) -> None:
        """One step of the chain, with parameters and scale as they are now."""
        layout = self.configuration["layout"]
        self.params_hash = keys.params_hash(layout, exact.float_bytes(self.parameters))
        self.model_hash = keys.model_hash(self.model_hash, middle, self.params_hash, self.scale.hash)
        self.index += 1
