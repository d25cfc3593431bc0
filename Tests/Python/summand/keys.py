# SPDX-License-Identifier: MIT
"""The hashes and keys of an epoch and of a round, and the masks they give (sections 4, 5 and 7)."""

from collections.abc import Sequence

from summand.field import Pair, Vector, pair_add, tau
from summand.primitives import Sized, f64, h, hkdf, mac, tree_root, u8, u32, u64
from summand.xof import Xof

BLOCK = 2**16
"""Elements of one block of a mask."""
ZERO = bytes(32)


def proposal_hash(payload: bytes) -> bytes:
    """Of the payload of an EpochProposal."""
    return h("proposal", Sized(payload))


def helpers_hash(mode: int, slots: Sequence[Sequence[bytes]], beacon: bytes = ZERO) -> bytes:
    """Of the slots in order, each the identities of its holders."""
    return h("helpers", u8(mode), beacon, *(identity for slot in slots for identity in slot))


def epoch_hash(proposal: bytes, helpers: bytes) -> bytes:
    """Of everything that an epoch fixes."""
    return h("epoch", proposal, helpers)


def slot_key(epoch: bytes, seed: bytes, identity: bytes, slot: int) -> bytes:
    """CK_{i,s}, as it is in the epoch's first round."""
    return hkdf(epoch, seed, "slot", identity, u32(slot))


def advance(key: bytes, first: int, number: int) -> bytes:
    """CK for round `number` from CK as it was for round `first`: one step for each round in between."""
    for t in range(first, number):
        key = mac(key, "chain", u64(t))
    return key


def check_key(shares: Sequence[bytes]) -> bytes:
    """G, from the shares g by slot."""
    return h("check-key", *shares)


def params_hash(layout: bytes, parameters: bytes) -> bytes:
    """Of the parameters, binary32 little-endian."""
    return h("params", Sized(layout), Sized(parameters))


def scale_hash(bits: int, exponents: bytes = b"") -> bytes:
    """Of the scale; exact: b = 63 and no exponents."""
    return h("scale", u8(bits), Sized(exponents))


def model_hash(previous: bytes, middle: bytes, params: bytes, scale: bytes) -> bytes:
    """One step of the model chain."""
    return h("model", previous, middle, params, scale)


def first_model_hash(params: bytes, scale: bytes) -> bytes:
    """modelHash_0: 32 zero bytes stand where a later hash has its predecessor and its middle."""
    return h("model", ZERO, params, scale)


def survivors_hash(epoch: bytes, bitmap: bytes) -> bytes:
    """H(U)."""
    return h("survivors", epoch, Sized(bitmap))


def middle_sum(ctx: bytes, survivors: bytes, total: bytes) -> bytes:
    """The middle of a round that was applied."""
    return h("sum", ctx, survivors, total)


def middle_overflow(ctx: bytes, survivors: bytes, total: bytes) -> bytes:
    """The middle of a round whose sum did not fit."""
    return h("overflow", ctx, survivors, total)


def middle_skip(ctx: bytes, reason: int) -> bytes:
    """The middle of a round that was skipped."""
    return h("skip", ctx, u8(reason))


def encoding_hash(
    kind: int, bits: int, per_element: int, exponents: bytes, clip: float, weight_max: float, layout: bytes
) -> bytes:
    """Of everything that an encoding depends on."""
    return h(
        "encoding",
        u8(kind),
        u8(bits),
        u8(per_element),
        Sized(exponents),
        f64(clip),
        f64(weight_max),
        Sized(layout),
    )


def context(epoch: bytes, number: int, model: bytes, encoding: bytes, elements: int, cohort_min: int) -> bytes:
    """ctx of a round."""
    return h("round", epoch, u64(number), model, encoding, u64(elements), u32(cohort_min))


def base(kind: int, params: bytes) -> bytes:
    """The base of a round: paramsHash, marked in a closing round."""
    return h("closing", params) if kind == 1 else params


def round_key(key: bytes, ctx: bytes) -> bytes:
    """RK_{i,s}, from CK of this round."""
    return mac(key, "round-key", ctx)


def mask_binder(ctx: bytes, identity: bytes, slot: int, block: int) -> bytes:
    """The binder of one block of a mask."""
    return ctx + identity + u32(slot) + u32(block)


def mask(key: bytes, ctx: bytes, identity: bytes, slot: int, elements: int) -> Vector:
    """Mask_{i,s}, from RK_{i,s}: blocks of 2^16 elements, the last one fewer."""
    result: Vector = []
    for block in range(-(-elements // BLOCK)):
        stream = Xof(key, "summand/v1 mask", mask_binder(ctx, identity, slot, block))
        result += stream.elements(min(BLOCK, elements - block * BLOCK))
    return result


def blind(seed: bytes, ctx: bytes) -> Vector:
    """The last two elements of X (section 7)."""
    return Xof(seed, "summand/v1 blind", ctx).elements(2)


class Check:
    """The check inside the vector (section 7)."""

    def __init__(self, check_key: bytes, ctx: bytes) -> None:
        self.ctx = ctx
        self.key = mac(check_key, "check", ctx)
        self.z = Xof(self.key, "summand/v1 check z", ctx).point()

    def pad(self, identity: bytes) -> Pair:
        """r_i."""
        return Xof(self.key, "summand/v1 check pad", self.ctx + identity).pair()

    def tag(self, identity: bytes, vector: Sequence[int]) -> Pair:
        """t_i of a vector without its last four elements."""
        return pair_add(tau(self.z, vector), self.pad(identity))

    def holds(self, identities: Sequence[bytes], total: Sequence[int]) -> bool:
        """Says whether the summed t is that of the sum."""
        expected = tau(self.z, total[:-4])
        for identity in identities:
            expected = pair_add(expected, self.pad(identity))
        return expected == (total[-4], total[-3])


def result_root(uploads: Sequence[tuple[bytes, bytes]], partials: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The root of a Result over (identity, leaf): first U in member order, then by slot (section 5, R4)."""
    entries = [identity + u8(0) + leaf for identity, leaf in uploads]
    entries += [identity + u8(1) + leaf for identity, leaf in partials]
    return tree_root(entries)


def audit_point(ctx: bytes, root: bytes, total: bytes) -> Pair:
    """z of the tags (section 7)."""
    return Xof(h("audit", ctx, root, total), "summand/v1 audit").point()


def bitmap_of(members: Sequence[int], count: int) -> bytes:
    """The bitmap in which these members of so many are set ("Notation")."""
    result = bytearray(-(-count // 8))
    for member in members:
        result[member // 8] |= 1 << member % 8
    return bytes(result)


def members_of(bitmap: bytes, count: int) -> list[int]:
    """The members that are set; raises ValueError for a wrong length or an unused bit that is set."""
    members = [bit for bit in range(8 * len(bitmap)) if bitmap[bit // 8] >> bit % 8 & 1]
    if len(bitmap) != -(-count // 8) or (members and members[-1] >= count):
        raise ValueError(f"no bitmap of {count} members")
    return members
