# SPDX-License-Identifier: MIT
"""Hash, MAC, key derivation, trees and the bytes they are applied to (section 2)."""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = b"summand/v1 "
PIECE_BYTES = 65536
"""The leaf of a vector is a tree over pieces of this size."""


@dataclass(frozen=True)
class Sized:
    """A field of variable length: it stands behind a u32 length."""

    value: bytes


Field = bytes | Sized


def u8(value: int) -> bytes:
    """One byte: kind, b, L, role, mode and reason."""
    return struct.pack(">B", value)


def u32(value: int) -> bytes:
    """Four bytes, big-endian."""
    return struct.pack(">I", value)


def u64(value: int) -> bytes:
    """Eight bytes, big-endian."""
    return struct.pack(">Q", value)


def f64(value: float) -> bytes:
    """A binary64, big-endian: clip and weightMax."""
    return struct.pack(">d", value)


def labelled(label: str, *fields: Field) -> bytes:
    """Makes `"label" ‖ fields`: the version, the label, one zero byte, then the fields."""
    parts = [VERSION, label.encode(), b"\0"]
    for field in fields:
        parts.append(u32(len(field.value)) + field.value if isinstance(field, Sized) else field)
    return b"".join(parts)


def sha256(data: bytes) -> bytes:
    """H(x)."""
    return hashlib.sha256(data).digest()


def h(label: str, *fields: Field) -> bytes:
    """H("label" ‖ fields)."""
    return sha256(labelled(label, *fields))


def mac_bare(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256 over bytes as they are."""
    return hmac.new(key, data, hashlib.sha256).digest()


def mac(key: bytes, label: str, *fields: Field) -> bytes:
    """HMAC(key, "label" ‖ fields)."""
    return mac_bare(key, labelled(label, *fields))


def hkdf(salt: bytes, ikm: bytes, label: str, *fields: Field) -> bytes:
    """HKDF-SHA256 (RFC 5869) with 32 bytes of output: one block, so one step of the expansion."""
    return mac_bare(mac_bare(salt, ikm), labelled(label, *fields) + b"\x01")


def tree_root(entries: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 9162, section 2.1: split at the largest power of two below the count."""
    if not entries:
        return sha256(b"")
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + tree_root(entries[:split]) + tree_root(entries[split:]))


def leaf(vector_bytes: bytes) -> bytes:
    """The leaf of a vector: the root over its pieces of 64 KiB."""
    return tree_root([vector_bytes[at : at + PIECE_BYTES] for at in range(0, len(vector_bytes), PIECE_BYTES)])


def party_id(spki: bytes) -> bytes:
    """An identity: the first 16 bytes of H(SubjectPublicKeyInfo) (section 3)."""
    return sha256(spki)[:16]


def roster_fingerprint(spkis: Sequence[bytes]) -> str:
    """The first 60 bits of H("roster" ‖ SPKI hashes in ascending order), in base32 (section 3)."""
    digest = h("roster", *sorted(sha256(spki) for spki in spkis))
    bits = int.from_bytes(digest[:8], "big") >> 4
    letters = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[bits >> shift & 31] for shift in range(55, -1, -5)]
    return "-".join("".join(letters[at : at + 4]) for at in (0, 4, 8))


def layout_bytes(tensors: Sequence[tuple[str, Sequence[int]]]) -> bytes:
    """The layout of a model: for each tensor its name behind a length, its rank, its dimensions."""
    result = b""
    for name, dimensions in tensors:
        result += u32(len(name.encode())) + name.encode() + u32(len(dimensions))
        result += b"".join(u32(dimension) for dimension in dimensions)
    return result


def layout_count(layout: bytes) -> int:
    """The number of coordinates d of a layout; raises ValueError where it does not parse."""
    count, at = 0, 0

    def word() -> int:
        nonlocal at
        if at + 4 > len(layout):
            raise ValueError("the layout is cut short")
        at += 4
        return int.from_bytes(layout[at - 4 : at], "big")

    while at < len(layout):
        name_bytes = word()
        at += name_bytes
        size = 1
        for _ in range(word()):
            size *= word()
        count += size
    return count


def sign_input(message: str, epoch_hash: bytes, payload: bytes) -> bytes:
    """What the signature of an envelope covers: "sign <name>" ‖ epochHash ‖ payload."""
    return labelled(f"sign {message}", epoch_hash, Sized(payload))
