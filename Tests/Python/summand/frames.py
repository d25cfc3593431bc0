# SPDX-License-Identifier: MIT
"""Frames (section 11): u32 length of what follows, u8 type, body; integers are big-endian."""

import struct
from dataclasses import dataclass

WELCOME, MESSAGE, STREAM_OPEN, CHUNK, STREAM_END, CREDIT, REFUSE, RESET, PING, PONG, GOODBYE = range(11)
VERSION = 1
MESSAGE_MAX = 1 << 20
CHUNK_MAX = 256 << 10
TRAILER_MAX = 64 << 10
STREAMS_MAX = 64
WINDOW = 1 << 20

_FIXED = {WELCOME: 10, CREDIT: 8, REFUSE: 8, RESET: 8, PING: 8, PONG: 8, GOODBYE: 4}


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


@dataclass(frozen=True)
class Frame:
    """One frame."""

    type: int
    body: bytes

    @property
    def number(self) -> int:
        """The number that the body of most types begins with: a stream."""
        return struct.unpack(">I", self.body[:4])[0]

    @property
    def second(self) -> int:
        """The number behind it: bytes, or a code."""
        return struct.unpack(">I", self.body[4:8])[0]


def encode(type: int, body: bytes) -> bytes:
    """The length counts the type."""
    return struct.pack(">IB", 1 + len(body), type) + body


def numbered(type: int, number: int, body: bytes = b"") -> bytes:
    """A frame whose body begins with a stream's number."""
    return encode(type, struct.pack(">I", number) + body)


def welcome() -> bytes:
    """The first frame of each side."""
    return encode(WELCOME, struct.pack(">HII", VERSION, MESSAGE_MAX, STREAMS_MAX))


class Reader:
    """Cuts bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._welcomed = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete; raises FrameError for what breaks section 11."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= 5:
            length, type = struct.unpack(">IB", self._buffer[:5])
            if not 1 <= length <= 5 + MESSAGE_MAX:
                raise FrameError(f"a frame of {length} bytes")
            if len(self._buffer) < 4 + length:
                break
            frames.append(self._check(Frame(type, bytes(self._buffer[5 : 4 + length]))))
            del self._buffer[: 4 + length]
        return frames

    def _check(self, frame: Frame) -> Frame:
        size = len(frame.body)
        if (frame.type == WELCOME) == self._welcomed:
            raise FrameError("a welcome that is missing or comes twice")
        if frame.type > GOODBYE or size != _FIXED.get(frame.type, size):
            raise FrameError(f"a frame of type {frame.type} with {size} bytes")
        if frame.type in (STREAM_OPEN, STREAM_END) and not 4 <= size <= 4 + TRAILER_MAX:
            raise FrameError(f"a header or trailer of {size} bytes")
        if frame.type == CHUNK and not 4 < size <= 4 + CHUNK_MAX:
            raise FrameError(f"a chunk of {size} bytes")
        if frame.type == WELCOME and frame.body[:2] != struct.pack(">H", VERSION):
            raise FrameError("another version of the protocol")
        self._welcomed = True
        return frame
