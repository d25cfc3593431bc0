# SPDX-License-Identifier: MIT
"""The key stream XofHmacSha256Aes128, uniform elements and uniform integers (section 2)."""

import struct
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from summand.field import P, Pair, Vector
from summand.primitives import mac_bare, u8


class KeyStream:
    """AES-128-CTR whose 64-bit big-endian counter fills the low half of the block; a carry out of it is dropped."""

    def __init__(self, key: bytes, initial: bytes) -> None:
        self.key, self.initial = key, initial
        self._high, self._low = initial[:8], int.from_bytes(initial[8:], "big")
        # OpenSSL carries through all 128 bits, so its stream is left where the low half wraps.
        self._blocks_left = 2**64 - self._low
        self._encryptor = self._restart(initial)
        self._rest = b""

    def _restart(self, initial: bytes):
        return Cipher(algorithms.AES(self.key), modes.CTR(initial)).encryptor()

    def read(self, count: int) -> bytes:
        """The next bytes of the stream."""
        parts, have = [self._rest], len(self._rest)
        while have < count:
            blocks = min(-(-(count - have) // 16), self._blocks_left)
            parts.append(self._encryptor.update(bytes(16 * blocks)))
            have += 16 * blocks
            self._blocks_left -= blocks
            if self._blocks_left == 0:
                self._encryptor = self._restart(self._high + bytes(8))
                self._blocks_left = 2**64
        data = b"".join(parts)
        self._rest = data[count:]
        return data[:count]


class Xof:
    """A key stream from a seed, a label and a binder; successive draws continue one stream."""

    def __init__(self, seed: bytes, dst: str | bytes, binder: bytes = b"") -> None:
        label = dst.encode() if isinstance(dst, str) else dst
        self.tag = mac_bare(seed, u8(len(label)) + label + binder)
        self.stream = KeyStream(self.tag[:16], self.tag[16:])

    def elements(self, count: int) -> Vector:
        """Uniform elements: a word that is not below p is thrown away."""
        return draw_elements(self.stream.read, count)

    def integer(self, k: int) -> int:
        """A uniform integer 0…k."""
        return draw_integer(self.stream.read, k)

    def pair(self) -> Pair:
        """A uniform element of F_{p²}: 1-part, then w-part."""
        one, w = self.elements(2)
        return one, w

    def point(self) -> Pair:
        """A pair, drawn again while its w-part is 0."""
        return draw_point(self.stream.read)


def draw_elements(read: Callable[[int], bytes], count: int) -> Vector:
    """Reads words of 8 bytes, little-endian, until so many were below p."""
    result: Vector = []
    while len(result) < count:
        missing = count - len(result)
        result += [word for word in struct.unpack(f"<{missing}Q", read(8 * missing)) if word < P]
    return result


def draw_integer(read: Callable[[int], bytes], k: int) -> int:
    """Reads words until one is below the largest multiple of k + 1; it is taken mod k + 1."""
    limit = 2**64 // (k + 1) * (k + 1)
    while True:
        word = int.from_bytes(read(8), "little")
        if word < limit:
            return word % (k + 1)


def draw_point(read: Callable[[int], bytes]) -> Pair:
    """Reads pairs of elements until one has a w-part that is not 0."""
    while True:
        one, w = draw_elements(read, 2)
        if w:
            return one, w
