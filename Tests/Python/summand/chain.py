# SPDX-License-Identifier: MIT
"""The model of a run and its chain of hashes (section 5), and the first parameters."""

import math
from dataclasses import dataclass

from summand import exact, keys, packed
from summand.primitives import layout_count
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
    scale_hash: bytes
    model_hash: bytes
    index: int = 0
    applied: int = 0
    ended: bool = False

    @classmethod
    def begin(cls, configuration: Message) -> "Chain":
        """A new run, from the public seed of its configuration."""
        parameters = first_parameters(configuration["model"], configuration["initial_seed"])
        params = keys.params_hash(configuration["layout"], exact.float_bytes(parameters))
        scale = keys.scale_hash(exact.BITS)
        return cls(configuration, parameters, params, scale, keys.first_model_hash(params, scale))

    @classmethod
    def handed(cls, header: Message, data: bytes) -> "Chain":
        """What a newcomer is handed: parameters, with the preimage of the modelHash that they lead to."""
        configuration, params, scale = header["configuration"], header["params_hash"], keys.scale_hash(header["scale_bits"])
        if len(data) != 4 * header["elements"] or keys.params_hash(configuration["layout"], data) != params:
            raise ValueError("the parameters that were handed over are not those of their header")
        if scale != keys.scale_hash(exact.BITS):
            raise ValueError("a scale that is not that of the exact encoding")
        model = keys.model_hash(header["previous_model_hash"], header["middle"], params, scale)
        index, applied = header["chain_index"], header["applied_rounds"]
        return cls(configuration, exact.floats(data), params, scale, model, index, applied)

    @property
    def kind(self) -> int:
        """The kind of the next round: training until `rounds` are applied, then closing."""
        return int(self.applied >= self.configuration["rounds"])

    def coordinates(self, kind: int) -> int:
        """d of a round."""
        return layout_count(self.configuration["layout"]) if kind == 0 else 0

    def elements(self, kind: int) -> int:
        """D of a round."""
        return packed.elements(self.coordinates(kind), exact.BITS)

    @property
    def weight_max(self) -> float:
        """As it stands in the encoding: 1 where weights are uniform."""
        return 1.0 if self.configuration["uniform_weights"] else self.configuration["weight_max"]

    def encoding_hash(self, kind: int) -> bytes:
        """Of the exact encoding of this run."""
        configuration = self.configuration
        return keys.encoding_hash(
            kind, exact.BITS, 1, b"", configuration["clip"], self.weight_max, configuration["layout"]
        )

    def step(self, middle: bytes) -> None:
        """One step of the chain, with the parameters as they are now."""
        layout = self.configuration["layout"]
        self.params_hash = keys.params_hash(layout, exact.float_bytes(self.parameters))
        self.model_hash = keys.model_hash(self.model_hash, middle, self.params_hash, self.scale_hash)
        self.index += 1
