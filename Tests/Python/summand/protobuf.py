# SPDX-License-Identifier: MIT
"""Protocol Buffers, as much as the schemas of this project need: reads the .proto files and codes messages as dicts.

A message is a dict from field name to value; a missing field has the default of proto3, so it is 0, "", b"", False,
[] or, for a message, absent. Unknown fields are passed over, as proto3 demands.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = dict[str, Any]

VARINT, FIXED64, SIZED, FIXED32 = 0, 1, 2, 5
SCALARS: dict[str, tuple[int, Any]] = {
    "uint32": (VARINT, 0),
    "uint64": (VARINT, 0),
    "sint32": (VARINT, 0),
    "bool": (VARINT, False),
    "double": (FIXED64, 0.0),
    "fixed64": (FIXED64, 0),
    "string": (SIZED, ""),
    "bytes": (SIZED, b""),
}


@dataclass(frozen=True)
class FieldType:
    """A field: its name, the name of its type, and whether it repeats."""

    name: str
    type: str
    repeated: bool


class Schema:
    """The messages of a .proto file; nested ones go by their own name, of which there is only one each."""

    def __init__(self, path: Path) -> None:
        self.messages: dict[str, dict[int, FieldType]] = {}
        self.enums: set[str] = set()
        tokens = re.findall(r'"[^"]*"|[\w.]+|[{}=;]', re.sub(r"//[^\n]*", "", path.read_text()))
        self._parse(tokens)

    def _parse(self, tokens: list[str]) -> None:
        stack: list[str] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token in ("message", "oneof", "enum"):
                name = tokens[at + 1]
                # The fields of a oneof belong to the message around it.
                stack.append(stack[-1] if token == "oneof" else name)
                if token == "message":
                    self.messages[name] = {}
                elif token == "enum":
                    self.enums.add(name)
                at += 3
            elif token == "}":
                stack.pop()
                at += 1
            else:
                end = tokens.index(";", at)
                if stack and stack[-1] in self.messages:
                    self._field(stack[-1], tokens[at:end])
                at = end + 1

    def _field(self, message: str, tokens: list[str]) -> None:
        repeated = tokens[0] == "repeated"
        kind, name, _, number = tokens[1:] if repeated else tokens
        self.messages[message][int(number)] = FieldType(name, kind, repeated)

    def _scalar(self, kind: str) -> tuple[int, Any] | None:
        return (VARINT, 0) if kind in self.enums else SCALARS.get(kind)

    def encode(self, name: str, message: Message) -> bytes:
        """Writes a message; raises KeyError for a field that it does not have."""
        result, left = b"", dict(message)
        for number, kind in sorted(self.messages[name].items()):
            if kind.name not in left:
                continue
            value = left.pop(kind.name)
            if kind.repeated and kind.type == "sint32":
                # Numbers that repeat are packed into one field.
                packed = b"".join(varint(zigzag(item)) for item in value)
                result += varint(number << 3 | SIZED) + varint(len(packed)) + packed if value else b""
                continue
            for item in value if kind.repeated else [value]:
                result += self._write(number, kind, item)
        if left:
            raise KeyError(f"{name} has no {', '.join(left)}")
        return result

    def _write(self, number: int, kind: FieldType, value: Any) -> bytes:
        scalar = self._scalar(kind.type)
        if scalar is None:
            data = self.encode(kind.type, value)
            return varint(number << 3 | SIZED) + varint(len(data)) + data
        wire, default = scalar
        if value == default and not kind.repeated:
            return b""
        head = varint(number << 3 | wire)
        if wire == VARINT:
            return head + varint(zigzag(value) if kind.type == "sint32" else int(value))
        if wire == FIXED64:
            return head + struct.pack("<d" if kind.type == "double" else "<Q", value)
        data = value.encode() if kind.type == "string" else value
        return head + varint(len(data)) + data

    def decode(self, name: str, data: bytes) -> Message:
        """Reads a message; raises ValueError where the bytes do not parse."""
        message: Message = {}
        for kind in self.messages[name].values():
            if kind.repeated:
                message[kind.name] = []
            elif (scalar := self._scalar(kind.type)) is not None:
                message[kind.name] = scalar[1]
        at = 0
        while at < len(data):
            tag, at = read_varint(data, at)
            value, at = read_value(data, at, tag & 7)
            known = self.messages[name].get(tag >> 3)
            if known is None:
                continue
            if known.repeated and known.type == "sint32" and tag & 7 == SIZED:
                message[known.name] += unpack(value)
                continue
            value = self._convert(known, tag & 7, value)
            if known.repeated:
                message[known.name].append(value)
            else:
                message[known.name] = value
        return message

    def _convert(self, kind: FieldType, wire: int, value: Any) -> Any:
        scalar = self._scalar(kind.type)
        if wire != (SIZED if scalar is None else scalar[0]):
            raise ValueError(f"{kind.name} has wire type {wire}")
        if scalar is None:
            return self.decode(kind.type, value)
        if kind.type == "string":
            return value.decode()
        if kind.type == "double":
            return struct.unpack("<d", value)[0]
        if kind.type == "fixed64":
            return struct.unpack("<Q", value)[0]
        if kind.type == "sint32":
            return unzigzag(value)
        return bool(value) if kind.type == "bool" else value


def zigzag(value: int) -> int:
    """A signed number as an unsigned one, small where it is near zero."""
    return value << 1 if value >= 0 else -value * 2 - 1


def unzigzag(value: int) -> int:
    """The number that `zigzag` wrote."""
    return value >> 1 if value % 2 == 0 else -(value >> 1) - 1


def unpack(data: bytes) -> list[int]:
    """Signed numbers that lie packed in one field."""
    values, at = [], 0
    while at < len(data):
        value, at = read_varint(data, at)
        values.append(unzigzag(value))
    return values


def varint(value: int) -> bytes:
    """Seven bits a byte, lowest first."""
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A varint and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a message is cut short")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value & 2**64 - 1, at
    raise ValueError("a varint is too long")


def read_value(data: bytes, at: int, wire: int) -> tuple[Any, int]:
    """A value of a wire type and the place behind it."""
    if wire == VARINT:
        return read_varint(data, at)
    if wire == SIZED:
        size, at = read_varint(data, at)
    elif wire in (FIXED64, FIXED32):
        size = 8 if wire == FIXED64 else 4
    else:
        raise ValueError(f"wire type {wire} is not of proto3")
    if at + size > len(data):
        raise ValueError("a message is cut short")
    return data[at : at + size], at + size
