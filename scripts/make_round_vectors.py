#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes whole rounds with every intermediate value to Tests/Vectors, one file for each encoding.

Everything that looks random is derived from labels: det("<file>: <what>", n), as Tests/Vectors/README.md says. The
arithmetic is that of Tests/Python/summand, so it needs Python 3.11 with cryptography.

usage: scripts/make_round_vectors.py           writes the files
       scripts/make_round_vectors.py --check   compares them with what would be written
"""

import hashlib
import json
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "Python"))
sys.dont_write_bytecode = True

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

from summand import committee, exact, keys, packed  # noqa: E402
from summand import field as fp  # noqa: E402
from summand.encoding import CLOSING, TRAINING, Encoding, Scale  # noqa: E402
from summand.identity import spki_of  # noqa: E402
from summand.primitives import h, layout_bytes, leaf, party_id, u8  # noqa: E402
from summand.xof import Xof  # noqa: E402

VECTORS = ROOT / "Tests" / "Vectors"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
MODES = {"all": committee.ALL, "pinned": committee.PINNED, "sampled": committee.SAMPLED}
PINNED = [[2, 0], [1, 3]]
GAMMA = 20
SKIP_REASON = 1


@dataclass(frozen=True)
class Spec:
    """What is particular about a file."""

    name: str
    mode: str
    n: int
    coordinates: int
    bits: int
    """Of this round; 63 in a closing round."""
    run_bits: int
    survivors: tuple[int, ...]
    round: int
    first_round: int
    kind: int = TRAINING
    exponents: tuple[int, ...] = ()
    is_first: bool = False
    clip: float = 0.0
    weight_max: float = 2.0**20
    e_min: int = -40
    e_max: int = 8
    amplitude: float = 0.03
    """Of an update's coordinates."""
    zero_from: int | None = None
    """From this coordinate on nobody changes anything."""
    previous: tuple[int, tuple[int, ...]] | None = None
    """b and e of the round before, where the file shows how e of this one follows."""
    only_sum: int | None = None
    """The only sum of the round before that is not 0."""
    filler: tuple[int, ...] = ()
    """What the last participant puts into the digits that fill up its last element."""
    standby_for: tuple[int, ...] = ()
    """The slots that their standby answers."""
    repeats: "Spec | None" = field(default=None)
    """The round that overflowed, with the same epoch, set and updates."""


OVERFLOW = Spec("round-b16-n4-overflow", "sampled", 4, 100, 16, 16, (0, 1, 3), 6, 5, exponents=(-31,), clip=0.5)
SPECS = [
    Spec("round-b7-n4", "sampled", 4, 300, 7, 7, (0, 1, 2, 3), 3, 1, exponents=(-14, -14), filler=(3,)),
    Spec(
        *("round-b8-n3", "all", 3, 300, 8, 8, (0, 1, 2), 2, 1),
        exponents=(-15, -31),
        clip=0.25,
        e_min=-30,
        zero_from=256,
    ),
    Spec(
        *("round-b9-n4", "sampled", 4, 100, 9, 9, (0, 2, 3), 2, 1),
        previous=(32, (-31,)),
        only_sum=-255 * 2**14,
        standby_for=(1,),
    ),
    Spec("round-b12-n3", "all", 3, 100, 12, 12, (0, 1, 2), 40, 33, exponents=(-10,), weight_max=1.0),
    Spec("round-b16-n4", "sampled", 4, 100, 16, 16, (0, 1, 3), 9, 9, exponents=(-24,), e_min=-22),
    Spec("round-b16-n4-pinned", "pinned", 4, 60, 16, 16, (0, 1, 2, 3), 4, 3, exponents=(-24,), standby_for=(0,)),
    OVERFLOW,
    Spec(
        *("round-b16-n4-repetition", "sampled", 4, 100, 32, 16, (0, 1, 3), 7, 5),
        exponents=(-31,),
        is_first=True,
        clip=0.5,
        repeats=OVERFLOW,
    ),
    Spec("round-b21-n3", "all", 3, 60, 21, 21, (0, 1, 2), 2, 1, exponents=(-29,)),
    Spec("round-b32-n4", "sampled", 4, 60, 32, 32, (1, 2, 3), 2, 1, previous=(32, (-31,)), standby_for=(0,)),
    Spec("round-exact-n6", "sampled", 6, 10, 63, 63, (0, 1, 2, 4, 5), 12, 11, standby_for=(2,)),
    Spec("closing-n4", "sampled", 4, 10, 63, 9, (0, 1, 2, 3), 5, 1, kind=CLOSING, standby_for=(0, 1)),
]


def det(label: str, count: int) -> bytes:
    """The first bytes of SHA-256(label ‖ u64 0) ‖ SHA-256(label ‖ u64 1) ‖ …"""
    data = b"".join(hashlib.sha256(label.encode() + struct.pack(">Q", k)).digest() for k in range(-(-count // 32)))
    return data[:count]


def hexes(values: list[bytes]) -> list[str]:
    """Bytes as hexadecimal strings."""
    return [value.hex() for value in values]


def texts(values: Any) -> list[str]:
    """Integers as decimal strings."""
    return [str(value) for value in values]


def bits32(values: list[float]) -> list[str]:
    """The bits of binary32."""
    return [struct.pack(">f", value).hex() for value in values]


def bits64(value: float) -> str:
    """The bits of a binary64."""
    return struct.pack(">d", value).hex()


class Maker:
    """Computes one file."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        # A repetition has the epoch and the updates of the round that it repeats.
        self.source = (spec.repeats or spec).name
        outputs = 2 if spec.coordinates % 2 == 0 else 1
        tensors = [("w", (spec.coordinates // outputs - 1, outputs)), ("b", (outputs,))]
        self.layout = layout_bytes(tensors)
        self.configuration = {
            "bits": spec.run_bits,
            "clip": spec.clip,
            "uniform_weights": False,
            "weight_max": spec.weight_max,
            "layout": self.layout,
            "first_exponent": -31,
            "exponent_min": spec.e_min,
            "exponent_max": spec.e_max,
        }

    def det(self, what: str, count: int = 32, source: str | None = None) -> bytes:
        """Bytes of this file."""
        return det(f"{source or self.source}: {what}", count)

    def number(self, what: str, bound: int) -> int:
        """An integer below a bound."""
        return int.from_bytes(self.det(what, 8), "big") % bound

    def floats(self, what: str, count: int, amplitude: float) -> list[float]:
        """Binary32 within ± an amplitude."""
        words = struct.unpack(f">{count}I", self.det(what, 4 * count))
        return [exact.float32((word / 2**31 - 1.0) * amplitude) for word in words]

    def make(self) -> dict[str, Any]:
        """The file."""
        v: dict[str, Any] = {"epoch": self.epoch()}
        v |= self.context()
        v |= self.shown()
        entries = [self.participant(member) for member in self.spec.survivors]
        sums = [self.helper(slot, entries) for slot in range(len(self.slots))]
        v |= self.set_and_check(entries)
        v |= {"participants": [entry for entry, _, _ in entries], "helpers": [entry for entry, _ in sums]}
        v |= self.result(entries, sums)
        v |= self.following()
        return v

    def epoch(self) -> dict[str, Any]:
        """Everything that the epoch fixes (section 4)."""
        spec, mode = self.spec, MODES[self.spec.mode]
        scalars = [int.from_bytes(det(f"party {k}", 32), "big") % (P256_ORDER - 1) + 1 for k in range(spec.n)]
        spkis = [spki_of(ec.derive_private_key(scalar, ec.SECP256R1()).public_key()) for scalar in scalars]
        spkis.sort(key=party_id)
        self.members = [party_id(spki) for spki in spkis]
        numbers = committee.numbers(spec.n, GAMMA, mode, len(PINNED))
        self.cohort_min = numbers.cohort_min
        proposal, beacon = self.det("proposalHash"), keys.ZERO
        v: dict[str, Any] = {"mode": spec.mode, "modeCode": mode, "n": spec.n, "gammaPercent": GAMMA}
        v |= {"slots": numbers.slots, "f": numbers.f, "q": numbers.q, "cohortMin": numbers.cohort_min}
        v["notVoted"] = committee.not_voted(spec.n, numbers) if mode != committee.ALL else None
        v |= {"members": hexes(self.members), "spki": hexes(spkis), "proposalHash": proposal.hex()}
        self.slots = PINNED if mode == committee.PINNED else [[member] for member in range(spec.n)]
        if mode == committee.SAMPLED:
            nonces = [self.det(f"nonce {member}") for member in range(spec.n)]
            pairs = list(zip(self.members, nonces, strict=True))
            commits = [committee.commit(proposal, *pair) for pair in pairs]
            beacon = committee.beacon(proposal, list(zip(self.members, commits, nonces, strict=True)))
            drawn, permutation = committee.draw(beacon, spec.n)
            self.slots = committee.pairs(permutation, numbers.slots)
            v |= {"nonces": hexes(nonces), "commits": hexes(commits), "beacon": beacon.hex()}
            v |= {"j for k = n-1 ... 1": drawn, "permutation": permutation}
        ordered = [[self.members[holder] for holder in slot] for slot in self.slots]
        helpers = keys.helpers_hash(mode, ordered, beacon)
        self.epoch_hash = keys.epoch_hash(proposal, helpers)
        v |= {"slotsOrdered": [hexes(slot) for slot in ordered], "helpersHash": helpers.hex()}
        v |= {"epochHash": self.epoch_hash.hex(), "firstRound": spec.first_round}
        return v | self.epoch_keys()

    def epoch_keys(self) -> dict[str, Any]:
        """Seeds and what is made of them."""
        slots = range(len(self.slots))
        seeds = [[self.det(f"seed {member} {slot}") for slot in slots] for member in range(self.spec.n)]
        self.slot_keys = [
            [keys.slot_key(self.epoch_hash, seed, self.members[member], slot) for slot, seed in enumerate(row)]
            for member, row in enumerate(seeds)
        ]
        shares = [self.det(f"g {slot} {place}") for slot in slots for place in range(len(self.slots[slot]))]
        self.check_key = keys.check_key(shares)
        return {
            "seeds by member, slot": [hexes(row) for row in seeds],
            "CK by member, slot": [hexes(row) for row in self.slot_keys],
            "g by slot, primary then standby": hexes(shares),
            "G": self.check_key.hex(),
        }

    def context(self) -> dict[str, Any]:
        """What leads to ctx (section 5)."""
        spec = self.spec
        self.parameters = self.floats("parameters", spec.coordinates, 1.0)
        self.params_hash = keys.params_hash(self.layout, exact.float_bytes(self.parameters))
        blocks = packed.transform_blocks(spec.coordinates)
        exponents, before = spec.exponents, {}
        if spec.previous is not None:
            bits, previous = spec.previous
            # As large as what the participants of this round send.
            largest = int(spec.amplitude * 2.0 ** (-8 - previous[0]))
            sums = [self.number(f"previous {k}", 2 * largest) - largest for k in range(sum(blocks))]
            if spec.only_sum is not None:
                sums = [0] * (len(sums) - 1) + [spec.only_sum]
            following = packed.next_exponents(sums, blocks, previous, spec.bits, spec.e_min, spec.e_max)
            exponents = tuple(following)
            before = {"b": bits, "e": list(previous), "digitSums": texts(sums), "eOfThisRound": following}
        self.previous = before
        # A closing round is encoded exactly; the chain keeps the scale of the training rounds.
        kept = Scale(spec.run_bits, (-18,) * len(blocks))
        self.scale = kept if spec.kind == CLOSING else Scale(spec.bits, exponents, spec.is_first)
        self.encoding = Encoding(self.configuration, spec.kind, self.scale)
        self.model_hash = self.det("modelHash")
        if spec.repeats is not None:
            self.model_hash = bytes.fromhex(Maker(spec.repeats).make()["next"]["modelHash"])
        d, bits, exponents = self.encoding.elements, self.encoding.scale.bits, self.encoding.scale.exponents
        self.ctx = keys.context(
            self.epoch_hash, spec.round, self.model_hash, self.encoding.hash, d, self.cohort_min
        )
        self.base = keys.base(spec.kind, self.params_hash)
        self.check = keys.Check(self.check_key, self.ctx)
        per_element = packed.digits_per_element(bits)
        stated = {"kind": spec.kind, "b": bits, "L": per_element, "e": list(exponents)}
        return {
            "layout": self.layout.hex(),
            "d": self.encoding.coordinates,
            "parameters": bits32(self.parameters),
            "paramsHash": self.params_hash.hex(),
            "scaleHash": self.scale.hash.hex(),
            "round": spec.round,
            "modelHash": self.model_hash.hex(),
            "encoding": stated | {"clip": bits64(spec.clip), "weightMax": bits64(spec.weight_max)},
            "encodingHash": self.encoding.hash.hex(),
            "D": d,
            "cohortMin": self.cohort_min,
            "ctx": self.ctx.hex(),
        }

    def shown(self) -> dict[str, Any]:
        """What packed encodings derive from ctx (section 8)."""
        spec, encoding = self.spec, self.encoding
        v: dict[str, Any] = {"runBits": spec.run_bits}
        if encoding.is_exact:
            return v
        v |= {"firstRoundOfRun": False, "isRepetition": spec.repeats is not None}
        if spec.repeats is not None:
            v["repeats"] = spec.repeats.name
        if self.previous:
            v["previous"] = self.previous
        digits = sum(encoding.blocks)
        elements = -(-digits // packed.digits_per_element(spec.bits))
        words = packed.guard_words(self.ctx, 0, digits)
        signs = [packed.sign_bits(self.ctx, block, size) for block, size in enumerate(encoding.blocks)]
        guard = {"seed": h("guard", self.ctx).hex(), "c first": words[:8], "c last": words[-4:]}
        v |= {"eMin": spec.e_min, "eMax": spec.e_max, "digitBound": str(encoding.digit_max(spec.n))}
        v |= {"transformBlocks": encoding.blocks, "packedElements": elements, "guard": guard}
        v["rotation"] = {"seed": h("rotation", self.ctx).hex(), "bits by block": hexes(signs)}
        return v

    def participant(self, member: int) -> tuple[dict[str, Any], fp.Vector, fp.Vector]:
        """A member of U: what it sends and how it comes to that; X and Y."""
        identity, me = self.members[member], f"member {member}"
        tested = 50 + self.number(f"{me} tested", 2000)
        rounded = exact.two_binary_digits(tested)
        metrics = [self.number(f"{me} loss", 2048 * rounded), self.number(f"{me} correct", rounded + 1), rounded, 0]
        v: dict[str, Any] = {"member": member, "id": identity.hex(), "weight": 0, "metrics": metrics}
        model: fp.Vector = []
        if self.spec.kind == TRAINING:
            samples = 100 + self.number(f"{me} samples", 6000)
            v |= {"weight": exact.weight_of(samples, self.spec.weight_max, False), "samples": samples}
        v["tested"] = tested
        if self.spec.kind == TRAINING:
            part, model = self.model_part(member, v["weight"])
            v |= part
        r = self.check.pad(identity)
        # A repetition has blinds of its own, like every other round.
        blind = Xof(self.det(f"{me} blind", source=self.spec.name), "summand/v1 blind", self.ctx).elements(2)
        x = exact.assemble(model, v["weight"], metrics, self.check, identity, blind)
        v |= {"r": texts(r), "t": texts(x[-4:-2]), "blind": texts(blind), "X": texts(x)}
        advanced = [keys.advance(key, self.spec.first_round, self.spec.round) for key in self.slot_keys[member]]
        round_keys = [keys.round_key(key, self.ctx) for key in advanced]
        masks = [keys.mask(key, self.ctx, identity, slot, len(x)) for slot, key in enumerate(round_keys)]
        y = fp.total([x, *masks], len(x))
        v |= {"CK by slot": hexes(advanced), "RK by slot": hexes(round_keys)}
        v |= {"Mask by slot": [texts(mask) for mask in masks], "Y": texts(y), "leaf": leaf(fp.encode(y)).hex()}
        return v, x, y

    def model_part(self, member: int, weight: int) -> tuple[dict[str, Any], fp.Vector]:
        """The update, encoded."""
        spec, w = self.spec, weight / self.spec.weight_max
        x = self.floats(f"member {member} x", spec.coordinates, spec.amplitude)
        if spec.zero_from is not None:
            x[spec.zero_from :] = [0.0] * (spec.coordinates - spec.zero_from)
        if self.encoding.is_exact:
            local = exact.apply(self.parameters, x)
            x = exact.update(local, self.parameters)
            z = exact.quantize(x, w, spec.n)
            v = {"local": bits32(local), "x": bits32(x), "w": bits64(w), "Z": texts(z)}
            return v, [fp.from_signed(value) for value in z]
        x, _ = exact.clip(x, spec.clip)
        seed = self.det(f"member {member} rounding", source=spec.name)
        exponents, limit = self.encoding.scale.exponents, self.encoding.digit_max(spec.n)
        random = [Xof(seed, "rounding", self.ctx).stream for _ in range(2)]
        before, _ = packed.quantize(x, w, exponents, 2**63, self.ctx, random[0])
        digits, clamped = packed.quantize(x, w, exponents, limit, self.ctx, random[1])
        v = {"x": bits32(x), "w": bits64(w)}
        if clamped:
            v["digitsBeforeClamp"] = texts(before)
        v |= {"digits": texts(digits), "clampedDigits": clamped}
        filler = list(spec.filler) if member == spec.survivors[-1] else []
        if filler:
            v["fillerDigits"] = texts(filler)
        part = packed.pack([*digits, *filler], spec.bits, self.ctx)
        return v | {"guards": texts(part[-1:])}, part

    def helper(self, slot: int, entries: list[Any]) -> tuple[dict[str, Any], fp.Vector]:
        """A slot's answer."""
        standby = slot in self.spec.standby_for
        answered = self.members[self.slots[slot][int(standby)]]
        masks = [[int(element) for element in entry["Mask by slot"][slot]] for entry, _, _ in entries]
        m = fp.total(masks, self.encoding.elements)
        v = {"slot": slot, "answered": answered.hex(), "which": "standby" if standby else "primary"}
        return v | {"M": texts(m), "leaf": leaf(fp.encode(m)).hex()}, m

    def set_and_check(self, entries: list[Any]) -> dict[str, Any]:
        """The set, the vote and the check (sections 5 and 7)."""
        survivors = list(self.spec.survivors)
        bitmap = keys.bitmap_of(survivors, self.spec.n)
        self.survivors_hash = keys.survivors_hash(self.epoch_hash, bitmap)
        total = fp.total([x for _, x, _ in entries], self.encoding.elements)
        summed = (0, 0)
        for member in survivors:
            summed = fp.pair_add(summed, self.check.pad(self.members[member]))
        vote = {"ctx": self.ctx.hex(), "base": self.base.hex(), "H(U)": self.survivors_hash.hex()}
        check = {"K": self.check.key.hex(), "z": texts(self.check.z), "r summed": texts(summed)}
        check |= {"tau_z(V_S)": texts(fp.tau(self.check.z, total[:-4])), "t": texts(total[-4:-2])}
        v = {"U": survivors, "bitmap": bitmap.hex(), "H(U)": self.survivors_hash.hex(), "base": self.base.hex()}
        return v | {"vote": vote, "check": check}

    def result(self, entries: list[Any], sums: list[Any]) -> dict[str, Any]:
        """S, the root and the tags."""
        d = self.encoding.elements
        self.total = fp.subtract(fp.total([y for _, _, y in entries], d), fp.total([m for _, m in sums], d))
        self.sum_hash = leaf(fp.encode(self.total))
        uploads = [(bytes.fromhex(entry["id"]), bytes.fromhex(entry["leaf"])) for entry, _, _ in entries]
        partials = [(bytes.fromhex(entry["answered"]), bytes.fromhex(entry["leaf"])) for entry, _ in sums]
        root = keys.result_root(uploads, partials)
        z = keys.audit_point(self.ctx, root, self.sum_hash)
        listed = [identity + u8(0) + one for identity, one in uploads]
        listed += [identity + u8(1) + one for identity, one in partials]
        audit = {"seed": h("audit", self.ctx, root, self.sum_hash).hex(), "z": texts(z)}
        audit["tau(Y) by member of U"] = [texts(fp.tau(z, y)) for _, _, y in entries]
        audit |= {"tau(M) by slot": [texts(fp.tau(z, m)) for _, m in sums], "tau(S)": texts(fp.tau(z, self.total))}
        v = {"S": texts(self.total), "H(S)": self.sum_hash.hex(), "rootEntries": hexes(listed), "root": root.hex()}
        return v | {"audit": audit}

    def following(self) -> dict[str, Any]:
        """What the sum says, and the chain's next step."""
        spec, encoding, v = self.spec, self.encoding, {}
        parameters, scale, overflowed = self.parameters, self.scale, False
        if spec.kind == CLOSING:
            v["metricSums"] = texts(fp.to_signed(element) for element in self.total[1:5])
        else:
            if not encoding.is_exact:
                v["decode"] = self.decoded()
                overflowed = v["decode"]["overflow"]
            decoded = encoding.decode(self.total, self.ctx)
            assert (decoded is None) == overflowed
            scale = Scale.beginning(self.configuration)
            if decoded is not None:
                scale, parameters = decoded.scale, exact.apply(self.parameters, decoded.mean)
                v["apply"] = self.applied(decoded.mean, parameters)
        params = keys.params_hash(self.layout, exact.float_bytes(parameters))
        label = "overflow" if overflowed else "sum"
        make = keys.middle_overflow if overflowed else keys.middle_sum
        middle = make(self.ctx, self.survivors_hash, self.sum_hash)
        skip = keys.middle_skip(self.ctx, SKIP_REASON)
        following = self.step(label, middle, params, scale)
        skipped = keys.model_hash(self.model_hash, skip, self.params_hash, self.scale.hash)
        following["hadItBeenSkipped"] = {
            "reason": SKIP_REASON,
            'H("skip")': skip.hex(),
            "modelHash": skipped.hex(),
        }
        return v | {"next": following}

    def step(self, label: str, middle: bytes, params: bytes, scale: Scale) -> dict[str, Any]:
        """A step of the chain."""
        return {
            f'H("{label}")': middle.hex(),
            "paramsHash": params.hex(),
            "scaleHash": scale.hash.hex(),
            "scale": {"b": scale.bits, "e": list(scale.exponents)},
            "modelHash": keys.model_hash(self.model_hash, middle, params, scale.hash).hex(),
        }

    def decoded(self) -> dict[str, Any]:
        """The digits of the sum, and the guard over them."""
        count, bits = sum(self.encoding.blocks), self.spec.bits
        elements = -(-count // packed.digits_per_element(bits))
        digits = [digit for element in self.total[:elements] for digit in packed.unpack_element(element, bits)[0]]
        sums, holds = packed.unpack(self.total[: -exact.TAIL], count, bits, self.ctx)
        v = {"digitSums": texts(sums), "guard in S": str(self.total[elements])}
        guard = packed.guard_element(digits, self.ctx, 0)
        return v | {"guard of digitSums": str(guard), "overflow": not holds}

    def applied(self, mean: list[float], parameters: list[float]) -> dict[str, Any]:
        """The decoded mean and the model that it leads to."""
        weight, factor = exact.factor(self.total, self.spec.weight_max)
        v: dict[str, Any] = {}
        if self.encoding.is_exact:
            v["sums"] = texts(fp.to_signed(element) for element in self.total[: -exact.TAIL])
        v |= {"N_total": str(weight), "weightMax/N_total": bits64(factor)}
        if not self.encoding.is_exact:
            sums, _ = packed.unpack(self.total[: -exact.TAIL], sum(self.encoding.blocks), self.spec.bits, self.ctx)
            v["y"] = bits32(packed.dequantize(sums, self.encoding.blocks, self.scale.exponents, factor))
        return v | {"m": [bits64(value) for value in mean], "parameters": bits32(parameters)}


def dump(value: Any, depth: int = 0) -> str:
    """JSON in which an object has a line for each member, and a list of values one line."""
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {dump(one, depth + 1)}" for key, one in value.items()]
        return "{" + ",".join(lines) + outer + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[" + ",".join(inner + dump(one, depth + 1) for one in value) + outer + "]"
    return json.dumps(value)


def main() -> int:
    """Writes or compares."""
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__.rsplit("\n\n", 1)[1], file=sys.stderr)
        return 64
    different = []
    for spec in SPECS:
        path, text = VECTORS / f"{spec.name}.json", dump(Maker(spec).make()) + "\n"
        if not sys.argv[1:]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            different.append(path.name)
    if different:
        print(f"not what scripts/make_round_vectors.py writes: {', '.join(different)}", file=sys.stderr)
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
