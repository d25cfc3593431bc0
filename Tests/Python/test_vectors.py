# SPDX-License-Identifier: MIT
"""Tests/Vectors, value by value, against this implementation. Run with: python3 -m unittest test_vectors."""

import hashlib
import json
import struct
import unittest
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from summand import committee, exact, field, keys, packed
from summand import primitives as prim
from summand.xof import KeyStream, Xof, draw_elements, draw_integer, draw_point

VECTORS = Path(__file__).resolve().parent.parent / "Vectors"
OWN_FILES = [
    "round-b7-n4",
    "round-b8-n3",
    "round-b9-n4",
    "round-b12-n3",
    "round-b16-n4",
    "round-b16-n4-pinned",
    "round-b16-n4-overflow",
    "round-b16-n4-repetition",
    "round-b21-n3",
    "round-b32-n4",
    "round-exact-n6",
    "closing-n4",
]


def load(name: str) -> Any:
    """The values of one file."""
    return json.loads((VECTORS / name).read_text())


def hexes(values: Iterable[str]) -> list[bytes]:
    """Bytes from hexadecimal strings."""
    return [bytes.fromhex(value) for value in values]


def ints(values: Iterable[str | int]) -> list[int]:
    """Integers from decimal strings."""
    return [int(value) for value in values]


def float32s(values: Iterable[str]) -> list[float]:
    """Binary32 from their bits, most significant digit first."""
    return [struct.unpack(">f", bytes.fromhex(value))[0] for value in values]


def bits32(values: Iterable[float]) -> list[str]:
    """The bits of binary32, as in the files."""
    return [struct.pack(">f", value).hex() for value in values]


def float64(value: str) -> float:
    """Binary64 from its bits."""
    return struct.unpack(">d", bytes.fromhex(value))[0]


def entry_of(identity: str, leaf: str) -> tuple[bytes, bytes]:
    """Identity and leaf."""
    return bytes.fromhex(identity), bytes.fromhex(leaf)


class Reader:
    """Words in place of a key stream; counts what was taken."""

    def __init__(self, words: Iterable[str]) -> None:
        self.data, self.used = b"".join(struct.pack("<Q", int(word)) for word in words), 0

    def read(self, count: int) -> bytes:
        self.used += count // 8
        data, self.data = self.data[:count], self.data[count:]
        assert len(data) == count, "more words were taken than there are"
        return data


class PrimitivesTests(unittest.TestCase):
    """Section 2."""

    values = load("bytes.json")

    def test_labelled_inputs_and_hashes(self) -> None:
        for case in self.values["H"]:
            fields = [
                prim.Sized(bytes.fromhex(part["value"])) if part["variable"] else bytes.fromhex(part["value"])
                for part in case["fields"]
            ]
            with self.subTest(case["purpose"]):
                self.assertEqual(prim.labelled(case["label"], *fields).hex(), case["input"])
                self.assertEqual(prim.h(case["label"], *fields).hex(), case["sha256"])

    def test_mac_and_key_derivation(self) -> None:
        case = self.values["HMAC"]
        self.assertEqual(prim.labelled("chain", prim.u64(5)).hex(), case["input"])
        self.assertEqual(prim.mac(bytes.fromhex(case["key"]), "chain", prim.u64(5)).hex(), case["output"])
        case = self.values["HKDF"]
        identity = bytes.fromhex(case["info"])[-20:-4]
        self.assertEqual(prim.labelled("slot", identity, prim.u32(1)).hex(), case["info"])
        key = keys.slot_key(bytes.fromhex(case["salt"]), bytes.fromhex(case["ikm"]), identity, 1)
        self.assertEqual(key.hex(), case["output"])

    def test_key_stream(self) -> None:
        case = self.values["XOF"]
        make = lambda: Xof(*hexes([case["seed"], case["dst"], case["binder"]]))  # noqa: E731
        self.assertEqual(make().tag.hex(), case["key"] + case["iv"])
        self.assertEqual(make().stream.read(64).hex(), case["keystream"])
        self.assertEqual(make().elements(8), ints(case["elements"]))
        case = load("XofHmacSha256Aes128.json")
        stream = Xof(*hexes([case["seed"], case["dst"], case["binder"]])).stream
        expected = bytes.fromhex(case["expanded_vec_field128"])
        self.assertEqual(expected[:32].hex(), case["derived_seed"])
        # Read in odd steps: how a stream is cut must not matter.
        self.assertEqual(b"".join(stream.read(step) for step in (5, 32, 1, len(expected) - 38)), expected)

    def test_identities_and_fingerprint(self) -> None:
        spkis = hexes(party["spki"] for party in self.values["parties"])
        for party, spki in zip(self.values["parties"], spkis, strict=True):
            self.assertEqual(prim.sha256(spki).hex(), party["spkiHash"])
            self.assertEqual(prim.party_id(spki).hex(), party["PartyID"])
        self.assertEqual([i.hex() for i in sorted(map(prim.party_id, spkis))], self.values["membersSorted"])
        for case in self.values["roster"]:
            chosen = [spki for spki in spkis if prim.sha256(spki) in self.hashes_of(case)]
            self.assertEqual(len(chosen), case["members"])
            self.assertEqual(prim.roster_fingerprint(chosen), case["fingerprint"])

    @staticmethod
    def hashes_of(case: Any) -> list[bytes]:
        tail = bytes.fromhex(case["input"])[-32 * case["members"] :]
        return [tail[at : at + 32] for at in range(0, len(tail), 32)]

    def test_signed_bytes(self) -> None:
        for case in self.values["signInput"]:
            made = prim.sign_input(case["message"], *hexes([case["epochHash"], case["payload"]]))
            self.assertEqual(made.hex(), case["input"])

    def test_layouts(self) -> None:
        for case in self.values["layout"]:
            tensors = [(tensor["name"], tensor["dimensions"]) for tensor in case["tensors"]]
            layout = prim.layout_bytes(tensors)
            self.assertEqual(layout.hex(), case["bytes"])
            count = 0
            for _, dimensions in tensors:
                size = 1
                for dimension in dimensions:
                    size *= dimension
                count += size
            self.assertEqual(prim.layout_count(layout), count)

    def test_leaves_and_roots(self) -> None:
        for case in self.values["leaf"]["cases"]:
            vector = [(k + 1) * 11400714819323198485 % field.P for k in range(case["elements"])]
            data = field.encode(vector)
            self.assertEqual(field.decode(data), vector)
            pieces = [data[at : at + prim.PIECE_BYTES] for at in range(0, len(data), prim.PIECE_BYTES)]
            self.assertEqual([prim.sha256(b"\0" + piece).hex() for piece in pieces], case["chunkLeaves"])
            self.assertEqual(prim.leaf(data).hex(), case["leaf"])
        for case in self.values["root"]:
            by_role = {
                role: [entry_of(e["id"], e["leaf"]) for e in case["entries"] if e["role"] == role] for role in (0, 1)
            }
            self.assertEqual(keys.result_root(by_role[0], by_role[1]).hex(), case["root"])

    def test_an_element_that_is_not_canonical_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            field.decode(struct.pack("<Q", field.P))


class XofEdgeTests(unittest.TestCase):
    """What does not happen by chance."""

    values = load("xof-edges.json")

    def test_the_counter_wraps_in_its_low_half(self) -> None:
        for case in self.values["counterWrap"]:
            expected = bytes.fromhex(case["keystream"])
            with self.subTest(case["case"]):
                self.assertEqual(KeyStream(*hexes([case["key"], case["iv"]])).read(len(expected)), expected)

    def test_rejection(self) -> None:
        for case in self.values["expand"]:
            reader = Reader(case["words"])
            self.assertEqual(reader.data.hex(), case["stream"])
            self.assertEqual(draw_elements(reader.read, len(case["elements"])), ints(case["elements"]))

    def test_uniform_integers(self) -> None:
        for case in self.values["uniform"]:
            reader = Reader(case["words"])
            self.assertEqual(draw_integer(reader.read, int(case["k"])), int(case["result"]))
            self.assertEqual(reader.used, case["wordsUsed"])

    def test_points_are_drawn_again(self) -> None:
        for case in self.values["pointsRedrawnWhileWPartIsZero"]:
            self.assertEqual(list(draw_point(Reader(case["words"]).read)), ints(case["z"]))

    def test_a_mask_of_two_blocks(self) -> None:
        case = load("mask-blocks.json")
        key, ctx, identity = hexes([case["RK"], case["ctx"], case["id"]])
        mask = keys.mask(key, ctx, identity, case["slot"], case["D"])
        start = 0
        for block in case["blocks"]:
            binder = keys.mask_binder(ctx, identity, case["slot"], block["block"])
            self.assertEqual(binder.hex(), block["binder"])
            self.assertEqual(Xof(key, case["dst"], binder).tag.hex(), block["key"] + block["iv"])
            part = mask[start : start + block["elements"]]
            self.assertEqual([part[:4], part[-4:]], [ints(block["first"]), ints(block["last"])])
            self.assertEqual(hashlib.sha256(field.encode(part)).hexdigest(), block["sha256"])
            start += block["elements"]
        self.assertEqual(hashlib.sha256(field.encode(mask)).hexdigest(), case["sha256"])
        self.assertEqual(prim.leaf(field.encode(mask)).hex(), case["leaf"])


class NumbersTests(unittest.TestCase):
    """Sections 6 and 8."""

    values = load("numbers-table.json")

    def test_slots_votes_and_cohorts(self) -> None:
        for row in self.values["rows"]:
            mode = committee.ALL if row["mode"] == "all" else committee.SAMPLED
            made = committee.numbers(row["n"], row["gammaPercent"], mode)
            with self.subTest(n=row["n"], gamma=row["gammaPercent"], mode=row["mode"]):
                self.assertEqual(made, committee.Numbers(row["slots"], row["f"], row["q"], row["cohortMin"]))
                if mode == committee.SAMPLED:
                    self.assertEqual(committee.not_voted(row["n"], made), row["notVoted"])
                    odds = committee.no_honest_slot(row["n"], row["corrupt"], row["slots"])
                    self.assertEqual(odds, Fraction(row["no slot with two honest parties"]))

    def test_vector_lengths(self) -> None:
        for row in self.values["vectorLengths"]:
            self.assertEqual(packed.transform_blocks(row["d"]), row["transformBlocks"])
            for bits, elements in row["D"].items():
                self.assertEqual(packed.elements(row["d"], int(bits)), elements)

    def test_two_significant_binary_digits(self) -> None:
        for row in self.values["twoSignificantBinaryDigits"]:
            self.assertEqual(exact.two_binary_digits(row["n"]), row["rounded"])


class PackingTests(unittest.TestCase):
    """Section 8, packed encodings."""

    values = load("packing.json")

    def setUp(self) -> None:
        self.ctx = bytes.fromhex(self.values["guardCtx"])

    def test_guard_words(self) -> None:
        self.assertEqual(prim.h("guard", self.ctx).hex(), self.values["guardSeed"])
        for guard in (0, 1):
            words = self.values["c"][f"guard {guard}"]
            self.assertEqual(packed.guard_words(self.ctx, guard, len(words)), words)

    def test_elements(self) -> None:
        for row in self.values["table"]:
            bits = row["b"]
            self.assertEqual(packed.digits_per_element(bits), row["L"])
            self.assertEqual(packed.digit_max(bits), int(row["digitMax"]))
            for case in row["cases"]:
                digits = ints(case["digits"])
                with self.subTest(b=bits, case=case["case"]):
                    self.assertEqual(packed.pack_element(digits, bits), int(case["Z"]))
                    self.assertEqual(field.from_signed(int(case["Z"])), int(case["element"]))
                    self.assertEqual(packed.unpack_element(int(case["element"]), bits), (digits, 0))

    def test_sums(self) -> None:
        for row in self.values["table"]:
            for case in row["sums"]:
                elements = []
                for addend in case["addends"]:
                    element = field.from_signed(packed.pack_element(ints(addend["digits"]), row["b"]))
                    self.assertEqual(element, int(addend["element"]))
                    elements.append(element)
                self.assertEqual(sum(elements) % field.P, int(case["element"]))
                self.assertEqual(packed.unpack_element(sum(elements) % field.P, row["b"]), (ints(case["digits"]), 0))

    def test_overflows_are_seen(self) -> None:
        for row in self.values["table"]:
            for case in row.get("overflow", []):
                parts = [packed.pack(ints(digits), row["b"], self.ctx) for digits in case["digits"]]
                with self.subTest(b=row["b"], case=case["case"]):
                    self.assertEqual([part[0] for part in parts], ints(case["elements"]))
                    self.assertEqual([part[1] for part in parts], ints(case["guards"]))
                    summed = field.total(parts, 2)
                    self.assertEqual(summed, ints([case["element"], case["guard"]]))
                    decoded, rest = packed.unpack_element(summed[0], row["b"])
                    self.assertEqual((decoded, rest), (ints(case["decoded"]), int(case["rest"])))
                    self.assertEqual(packed.in_range(decoded, rest, row["b"]), case["decodesInRange"])
                    guard = packed.guard_element(decoded, self.ctx, 0)
                    self.assertEqual(guard, int(case["guard of decoded"]))
                    self.assertEqual(guard == summed[1], case["guardHolds"])
                    self.assertEqual(not packed.unpack(summed, row["L"], row["b"], self.ctx)[1], case["overflow"])

    def test_a_padded_last_element(self) -> None:
        case = self.values["paddedLastElement"]
        parts = [packed.pack(ints(digits), case["b"], self.ctx) for digits in case["digits"]]
        self.assertEqual(parts, [ints(part) for part in case["elementsAndGuard"]])
        summed = field.total(parts, len(parts[0]))
        self.assertEqual(packed.unpack(summed, 20, case["b"], self.ctx), (ints(case["sum"]), True))

    def test_two_guards(self) -> None:
        case = self.values["twoGuards"]
        digits = [40503 * j % 255 - 127 for j in range(524300)]
        vector = packed.pack(digits, case["b"], self.ctx)
        self.assertEqual(len(vector), case["elements"])
        for guard in (0, 1):
            self.assertEqual(vector[case[f"guard {guard} at"]], int(case[f"guard {guard}"]))
        self.assertEqual(vector[-2], int(case["last packed"]))
        self.assertEqual(hashlib.sha256(field.encode(vector)).hexdigest(), case["sha256"])
        self.assertEqual(prim.leaf(field.encode(vector)).hex(), case["leaf"])
        self.assertEqual(packed.unpack(vector, len(digits), case["b"], self.ctx), (digits, True))

    def test_inverse_transform(self) -> None:
        values = load("transform.json")
        ctx = bytes.fromhex(values["ctx"])
        self.assertEqual(prim.h("rotation", ctx).hex(), values["rotationSeed"])
        for case in values["inverse"]:
            size = case["N"]
            signs = packed.sign_bits(ctx, case["block"], size)
            y = packed.round_all(((k + 1) * 2654435761 % 2**32 - 2**31) / 2**31 for k in range(size))
            with self.subTest(N=size):
                self.assertEqual(signs[:8].hex(), case["first 8 bytes of sign bits"])
                self.assertEqual(bits32(y[:4]), case["y first"])
                made = packed.inverse(y, signs)
                self.assertEqual([bits32(made[:4]), bits32(made[-4:])], [case["first"], case["last"]])
                self.assertEqual(hashlib.sha256(exact.float_bytes(made)).hexdigest(), case["sha256"])

    def test_a_scale_at_its_edge(self) -> None:
        """One sum S in a block of N = 256: 256·S² ≤ 256·127² up to S = 127."""
        for exponent, value in ((-20, 127), (-19, 128), (-19, -254), (-18, 255), (-26, 1), (-20, 0)):
            sums = [0] * 255 + [value]
            with self.subTest(S=value):
                self.assertEqual(packed.next_exponents(sums, [256], [-20], 8, -40, 8), [exponent])

    def test_forward_is_undone(self) -> None:
        signs = packed.sign_bits(bytes(32), 0, 512)
        values = packed.round_all(((k * 2654435761) % 1001 - 500) / 64 for k in range(512))
        back = packed.inverse(packed.forward(values, signs), signs)
        self.assertLess(max(abs(a - b) for a, b in zip(values, back, strict=True)), 1e-5)


class EpochTests(unittest.TestCase):
    """Section 4."""

    def test_epochs(self) -> None:
        for epoch in load("epoch.json")["epochs"]:
            with self.subTest(mode=epoch["mode"], n=epoch["n"]):
                check_epoch(self, epoch)


def check_epoch(test: unittest.TestCase, epoch: Any) -> list[list[bytes]]:
    """Compares what an epoch fixes; returns CK by member and slot."""
    members = hexes(epoch["members"])
    test.assertEqual(sorted(map(prim.party_id, hexes(epoch["spki"]))), members)
    mode = epoch["modeCode"]
    made = committee.numbers(epoch["n"], epoch["gammaPercent"], mode, epoch["slots"])
    test.assertEqual(made, committee.Numbers(epoch["slots"], epoch["f"], epoch["q"], epoch["cohortMin"]))
    proposal, beacon = bytes.fromhex(epoch["proposalHash"]), keys.ZERO
    slots = [[member] for member in members]
    if mode == committee.PINNED:
        slots = [hexes(pair) for pair in epoch["slotsOrdered"]]
    if mode == committee.SAMPLED:
        nonces = hexes(epoch["nonces"])
        commits = [committee.commit(proposal, *party) for party in zip(members, nonces, strict=True)]
        test.assertEqual([commit.hex() for commit in commits], epoch["commits"])
        beacon = committee.beacon(proposal, list(zip(members, commits, nonces, strict=True)))
        test.assertEqual(beacon.hex(), epoch["beacon"])
        drawn, permutation = committee.draw(beacon, len(members))
        test.assertEqual([drawn, permutation], [epoch["j for k = n-1 ... 1"], epoch["permutation"]])
        slots = [[members[member] for member in pair] for pair in committee.pairs(permutation, made.slots)]
    test.assertEqual([[holder.hex() for holder in slot] for slot in slots], epoch["slotsOrdered"])
    helpers = keys.helpers_hash(mode, slots, beacon)
    test.assertEqual(helpers.hex(), epoch["helpersHash"])
    epoch_hash = keys.epoch_hash(proposal, helpers)
    test.assertEqual(epoch_hash.hex(), epoch["epochHash"])
    seeds = [hexes(by_slot) for by_slot in epoch["seeds by member, slot"]]
    slot_keys = [
        [keys.slot_key(epoch_hash, seed, member, slot) for slot, seed in enumerate(by_slot)]
        for member, by_slot in zip(members, seeds, strict=True)
    ]
    test.assertEqual([[key.hex() for key in by_slot] for by_slot in slot_keys], epoch["CK by member, slot"])
    shares = hexes(epoch["g by slot, primary then standby"])
    key = keys.check_key(shares)
    test.assertEqual(key.hex(), epoch["G"])
    if "CKChain" in epoch:
        test.assertEqual(prim.h("ready", key).hex(), epoch['H("ready", G)'])
        hashes = [[prim.h("slot-seed", seed).hex() for seed in by_slot] for by_slot in seeds]
        test.assertEqual(hashes, epoch['H("slot-seed", seed) by member, slot'])
        test.assertEqual([prim.h("g", share).hex() for share in shares], epoch['H("g", g)'])
        chain = epoch["CKChain"]
        for step in chain["CK by round"]:
            advanced = keys.advance(slot_keys[chain["member"]][chain["slot"]], epoch["firstRound"], step["round"])
            test.assertEqual(advanced.hex(), step["CK"])
    return slot_keys


class RoundTests(unittest.TestCase):
    """Sections 5, 7 and 8: whole rounds, from the epoch to the tags."""

    def test_exact_with_everybody(self) -> None:
        self.check_round("round-exact-n3.json")

    def test_exact_after_skips_without_one_upload(self) -> None:
        self.check_round("round-exact-n4-dropout.json")

    def test_first_round_of_32_bits(self) -> None:
        self.check_round("round-first-b32-n4.json")

    def test_16_bits_in_two_blocks(self) -> None:
        self.check_round("round-b16-n6.json")

    def test_closing_round(self) -> None:
        self.check_round("closing-n3.json")

    def test_rounds_of_every_encoding(self) -> None:
        """Those that scripts/make_round_vectors.py makes, read as if somebody else had."""
        for name in OWN_FILES:
            with self.subTest(name):
                self.check_round(f"{name}.json")

    def test_the_repetition_follows_from_the_overflow(self) -> None:
        before, v = load("round-b16-n4-overflow.json"), load("round-b16-n4-repetition.json")
        self.assertEqual(v["repeats"], "round-b16-n4-overflow")
        for name in ("epoch", "U", "base"):
            self.assertEqual(v[name], before[name])
        self.assertEqual((v["modelHash"], v["scaleHash"]), (before["next"]["modelHash"], before["next"]["scaleHash"]))
        for one, other in zip(v["participants"], before["participants"], strict=True):
            self.assertEqual([one["x"], one["weight"]], [other["x"], other["weight"]])
            self.assertNotEqual(one["blind"], other["blind"])

    def check_round(self, name: str) -> None:
        """Recomputes one file, step by step."""
        v = load(name)
        slot_keys = check_epoch(self, v["epoch"])
        self.check_context(v)
        parts = [self.check_participant(v, entry, slot_keys) for entry in v["participants"]]
        self.check_set(v)
        total = self.check_helpers(v, parts, slot_keys)
        self.check_result(v, total)
        overflow = "decode" in v and v["decode"]["overflow"]
        label, make = ("overflow", keys.middle_overflow) if overflow else ("sum", keys.middle_sum)
        middle = make(self.ctx, self.survivors, prim.leaf(field.encode(total)))
        self.assertEqual(middle.hex(), v["next"][f'H("{label}")'])
        self.check_next(v, total, middle)

    def check_context(self, v: Any) -> None:
        epoch, encoding = v["epoch"], v["encoding"]
        self.members = hexes(epoch["members"])
        self.epoch_hash = bytes.fromhex(epoch["epochHash"])
        self.kind, self.bits = encoding["kind"], encoding["b"]
        self.exponents = encoding["e"]
        self.is_first = bool(v.get("firstRoundOfRun") or v.get("isRepetition"))
        self.weight_max = float64(encoding["weightMax"])
        self.layout = bytes.fromhex(v["layout"])
        self.coordinates = prim.layout_count(self.layout) if self.kind == 0 else 0
        self.assertEqual(self.coordinates, v["d"])
        self.parameters = float32s(v["parameters"])
        params = keys.params_hash(self.layout, exact.float_bytes(self.parameters))
        self.assertEqual(params.hex(), v["paramsHash"])
        # A closing round is encoded exactly, whatever scale the model chain carries on.
        self.scale = v["next"]["scale"] if self.kind == 1 else {"b": self.bits, "e": self.exponents}
        scale = keys.scale_hash(self.scale["b"], packed.exponent_bytes(self.scale["e"]))
        self.assertEqual(scale.hex(), v["scaleHash"])
        if "modelHash_0" in v:
            model = keys.first_model_hash(params, scale)
            self.assertEqual(model.hex(), v["modelHash_0"])
            for skip in v.get("skippedBefore", []):
                middle = keys.middle_skip(bytes.fromhex(skip["ctx"]), skip["reason"])
                self.assertEqual(middle.hex(), skip['H("skip")'])
                ctx = self.context_of(v, skip["round"], model)
                self.assertEqual(ctx.hex(), skip["ctx"])
                model = keys.model_hash(model, middle, params, scale)
                self.assertEqual(model.hex(), skip["modelHash"])
            self.assertEqual(model.hex(), v["modelHash"])
        self.model = bytes.fromhex(v["modelHash"])
        self.assertEqual(packed.elements(self.coordinates, self.bits), v["D"])
        self.assertEqual(packed.digits_per_element(self.bits), encoding["L"])
        self.ctx = self.context_of(v, v["round"], self.model)
        self.assertEqual(self.ctx.hex(), v["ctx"])
        self.assertEqual(keys.base(self.kind, params).hex(), v["base"])
        self.check = keys.Check(bytes.fromhex(epoch["G"]), self.ctx)
        self.assertEqual(self.check.key.hex(), v["check"]["K"])
        self.assertEqual(list(self.check.z), ints(v["check"]["z"]))

    def context_of(self, v: Any, number: int, model: bytes) -> bytes:
        encoding = keys.encoding_hash(
            self.kind,
            self.bits,
            packed.digits_per_element(self.bits),
            packed.exponent_bytes(self.exponents),
            float64(v["encoding"]["clip"]),
            self.weight_max,
            self.layout,
        )
        self.assertEqual(encoding.hex(), v["encodingHash"])
        return keys.context(self.epoch_hash, number, model, encoding, v["D"], v["cohortMin"])

    def check_participant(self, v: Any, entry: Any, slot_keys: list[list[bytes]]) -> list[int]:
        """One participant's vector and its masks; returns Y."""
        identity = bytes.fromhex(entry["id"])
        self.assertEqual(self.members[entry["member"]], identity)
        if self.kind == 0:
            self.assertEqual(exact.weight_of(entry["samples"], self.weight_max, False), entry["weight"])
            self.assertEqual(entry["weight"] / self.weight_max, float64(entry["w"]))
        self.assertEqual(exact.two_binary_digits(entry["tested"]), entry["metrics"][2])
        self.assertEqual(list(self.check.pad(identity)), ints(entry["r"]))
        model = self.check_model_part(v, entry)
        x = exact.assemble(model, entry["weight"], entry["metrics"], self.check, identity, ints(entry["blind"]))
        self.assertEqual(x[-4:-2], ints(entry["t"]))
        self.assertEqual(x, ints(entry["X"]))
        y = x
        for slot in range(len(slot_keys[0])):
            mask = self.check_mask(v, entry, slot, slot_keys)
            y = field.add(y, mask)
        self.assertEqual(y, ints(entry["Y"]))
        self.assertEqual(prim.leaf(field.encode(y)).hex(), entry["leaf"])
        return y

    def check_mask(self, v: Any, entry: Any, slot: int, slot_keys: list[list[bytes]]) -> list[int]:
        key = keys.advance(slot_keys[entry["member"]][slot], v["epoch"]["firstRound"], v["round"])
        self.assertEqual(key.hex(), entry["CK by slot"][slot])
        round_key = keys.round_key(key, self.ctx)
        self.assertEqual(round_key.hex(), entry["RK by slot"][slot])
        mask = keys.mask(round_key, self.ctx, bytes.fromhex(entry["id"]), slot, v["D"])
        self.assertEqual(mask, ints(entry["Mask by slot"][slot]))
        return mask

    def check_model_part(self, v: Any, entry: Any) -> list[int]:
        if self.kind == 1:
            return []
        if self.bits == 63:
            x = exact.update(float32s(entry["local"]), self.parameters)
            self.assertEqual(bits32(x), entry["x"])
            z = exact.quantize(x, float64(entry["w"]), len(self.members))
            self.assertEqual(z, ints(entry["Z"]))
            return [field.from_signed(value) for value in z]
        digits, limit = ints(entry["digits"]), packed.digit_max(self.bits, len(self.members), self.is_first)
        self.assertEqual(limit, int(v["digitBound"]))
        if "digitsBeforeClamp" in entry:
            clamped = [max(-limit, min(limit, digit)) for digit in ints(entry["digitsBeforeClamp"])]
            self.assertEqual(clamped, digits)
            moved = sum(a != b for a, b in zip(clamped, ints(entry["digitsBeforeClamp"]), strict=True))
            self.assertEqual(moved, entry["clampedDigits"])
        self.check_rounding(v, entry, digits)
        part = packed.pack([*digits, *ints(entry.get("fillerDigits", []))], self.bits, self.ctx)
        self.assertEqual(part[-1], int(entry["guards"][-1]))
        return part

    def check_rounding(self, v: Any, entry: Any, digits: list[int]) -> None:
        """Rounding is a participant's own affair: each digit is one of the two next to the transformed number."""
        x = [value * float64(entry["w"]) for value in float32s(entry["x"])]
        blocks, at = v["transformBlocks"], 0
        x += [0.0] * (sum(blocks) - len(x))
        for block, size in enumerate(blocks):
            turned = packed.forward(packed.round_all(x[at : at + size]), packed.sign_bits(self.ctx, block, size))
            before = ints(entry.get("digitsBeforeClamp", entry["digits"]))[at : at + size]
            for number, digit in zip(turned, before, strict=True):
                # The file plants digits at and beyond the bound to show the clamping.
                if self.is_first and abs(digit) >= packed.digit_max(32, len(self.members), True):
                    continue
                scaled = number / 2.0 ** self.exponents[block]
                self.assertLessEqual(abs(digit - scaled), 1.0 + abs(scaled) * 2.0**-20)
            at += size

    def check_set(self, v: Any) -> None:
        bitmap = keys.bitmap_of(v["U"], len(self.members))
        self.assertEqual(bitmap.hex(), v["bitmap"])
        self.assertEqual(keys.members_of(bitmap, len(self.members)), v["U"])
        self.survivors = keys.survivors_hash(self.epoch_hash, bitmap)
        self.assertEqual(self.survivors.hex(), v["H(U)"])
        self.assertEqual(v["vote"], {"ctx": v["ctx"], "base": v["base"], "H(U)": v["H(U)"]})

    def check_helpers(self, v: Any, parts: list[list[int]], slot_keys: list[list[bytes]]) -> list[int]:
        """The helpers' sums, the root and the tags; returns S."""
        own = {entry["member"]: (entry, part) for entry, part in zip(v["participants"], parts, strict=True)}
        uploads = [own[member] for member in v["U"]]
        partials, answers = [], []
        for helper in v["helpers"]:
            masks = [self.check_mask(v, entry, helper["slot"], slot_keys) for entry, _ in uploads]
            partial = field.total(masks, v["D"])
            self.assertEqual(partial, ints(helper["M"]))
            self.assertEqual(prim.leaf(field.encode(partial)).hex(), helper["leaf"])
            partials.append(partial)
            answers.append((bytes.fromhex(helper["answered"]), prim.leaf(field.encode(partial))))
        total = field.subtract(field.total([y for _, y in uploads], v["D"]), field.total(partials, v["D"]))
        self.assertEqual(total, ints(v["S"]))
        self.assertEqual(total, field.total([ints(entry["X"]) for entry, _ in uploads], v["D"]))
        leaves = [entry_of(entry["id"], entry["leaf"]) for entry, _ in uploads]
        root = keys.result_root(leaves, answers)
        self.assertEqual(root.hex(), v["root"])
        self.check_tags(v, root, [y for _, y in uploads], partials, total)
        return total

    def check_tags(self, v: Any, root: bytes, uploads: Any, partials: Any, total: list[int]) -> None:
        """The equation by which an auditor would check a round."""
        seed = prim.h("audit", self.ctx, root, prim.leaf(field.encode(total)))
        self.assertEqual(seed.hex(), v["audit"]["seed"])
        z = keys.audit_point(self.ctx, root, prim.leaf(field.encode(total)))
        self.assertEqual(list(z), ints(v["audit"]["z"]))
        self.assertEqual(
            [list(field.tau(z, y)) for y in uploads], [ints(t) for t in v["audit"]["tau(Y) by member of U"]]
        )
        self.assertEqual([list(field.tau(z, m)) for m in partials], [ints(t) for t in v["audit"]["tau(M) by slot"]])
        self.assertEqual(list(field.tau(z, total)), ints(v["audit"]["tau(S)"]))

    def check_result(self, v: Any, total: list[int]) -> None:
        self.assertEqual(prim.leaf(field.encode(total)).hex(), v["H(S)"])
        identities = [self.members[member] for member in v["U"]]
        self.assertEqual(list(field.tau(self.check.z, total[:-4])), ints(v["check"]["tau_z(V_S)"]))
        self.assertEqual(total[-4:-2], ints(v["check"]["t"]))
        self.assertTrue(self.check.holds(identities, total))
        for index in (0, len(total) // 2, len(total) - 5, len(total) - 4, len(total) - 3):
            changed = [*total[:index], (total[index] + 1) % field.P, *total[index + 1 :]]
            self.assertFalse(self.check.holds(identities, changed))

    def check_next(self, v: Any, total: list[int], middle: bytes) -> None:
        following, parameters = v["next"], self.parameters
        if self.kind == 0 and "apply" not in v:
            self.check_overflow(v, total)
        elif self.kind == 0:
            weight, scale = exact.factor(total, self.weight_max)
            self.assertEqual(str(weight), v["apply"]["N_total"])
            self.assertEqual(struct.pack(">d", scale).hex(), v["apply"]["weightMax/N_total"])
            means = self.exact_mean(v, total) if self.bits == 63 else self.packed_mean(v, total, scale)
            self.assertEqual([struct.pack(">d", mean).hex() for mean in means], v["apply"]["m"])
            parameters = exact.apply(self.parameters, means)
            self.assertEqual(bits32(parameters), v["apply"]["parameters"])
        else:
            self.assertEqual([field.to_signed(e) for e in total[1:5]], ints(v["metricSums"]))
        params = keys.params_hash(self.layout, exact.float_bytes(parameters))
        scale_hash = self.scale_hash(following["scale"])
        self.assertEqual([params.hex(), scale_hash.hex()], [following["paramsHash"], following["scaleHash"]])
        made = keys.model_hash(self.model, middle, params, scale_hash)
        self.assertEqual(made.hex(), following["modelHash"])
        before, before_scale = bytes.fromhex(v["paramsHash"]), bytes.fromhex(v["scaleHash"])
        skipped = following["hadItBeenSkipped"]
        middle = keys.middle_skip(self.ctx, skipped["reason"])
        self.assertEqual(middle.hex(), skipped['H("skip")'])
        self.assertEqual(keys.model_hash(self.model, middle, before, before_scale).hex(), skipped["modelHash"])
        if "hadItOverflowed" in following:
            over = following["hadItOverflowed"]
            middle = keys.middle_overflow(self.ctx, self.survivors, prim.leaf(field.encode(total)))
            self.assertEqual(middle.hex(), over['H("overflow")'])
            self.assertEqual(self.scale_hash(over["scale"]).hex(), over["scaleHash"])
            made = keys.model_hash(self.model, middle, before, self.scale_hash(over["scale"]))
            self.assertEqual(made.hex(), over["modelHash"])

    def check_overflow(self, v: Any, total: list[int]) -> None:
        """The guard shows it, and the scale becomes a first round's."""
        sums, holds = packed.unpack(total[: -exact.TAIL], sum(v["transformBlocks"]), self.bits, self.ctx)
        self.assertEqual((sums, holds), (ints(v["decode"]["digitSums"]), False))
        self.assertEqual(v["next"]["scale"], {"b": packed.FIRST_BITS, "e": [-31] * len(v["transformBlocks"])})

    @staticmethod
    def scale_hash(scale: Any) -> bytes:
        return keys.scale_hash(scale["b"], packed.exponent_bytes(scale["e"]))

    def exact_mean(self, v: Any, total: list[int]) -> list[float]:
        sums = [field.to_signed(element) for element in total[: -exact.TAIL]]
        self.assertEqual(sums, ints(v["apply"]["sums"]))
        return exact.mean(total, self.weight_max)

    def packed_mean(self, v: Any, total: list[int], scale: float) -> list[float]:
        blocks = v["transformBlocks"]
        self.assertEqual(prim.h("rotation", self.ctx).hex(), v["rotation"]["seed"])
        bits = [packed.sign_bits(self.ctx, block, size).hex() for block, size in enumerate(blocks)]
        self.assertEqual(bits, v["rotation"]["bits by block"])
        sums, holds = packed.unpack(total[: -exact.TAIL], sum(blocks), self.bits, self.ctx)
        self.assertEqual(sums, ints(v["decode"]["digitSums"]))
        self.assertEqual(not holds, v["decode"]["overflow"])
        y = packed.dequantize(sums, blocks, self.exponents, scale)
        self.assertEqual(bits32(y), v["apply"]["y"])
        following = v["next"]["scale"]
        made = packed.next_exponents(sums, blocks, self.exponents, following["b"], v["eMin"], v["eMax"])
        self.assertEqual(made, following["e"])
        if "previous" in v:
            before = v["previous"]
            made = packed.next_exponents(
                ints(before["digitSums"]), blocks, before["e"], self.bits, v["eMin"], v["eMax"]
            )
            self.assertEqual(made, before["eOfThisRound"])
            self.assertEqual(made, self.exponents)
        return packed.mean(y, blocks, self.ctx)[: self.coordinates]


if __name__ == "__main__":
    unittest.main()
