#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Carries TCP connections as a bad network does, with faults that follow from a plan or a seed.

Stands in front of one address (--to), or is the HTTP proxy (CONNECT) through which somebody dials everything. Prints the
port that it listens on, then a line for every fault when it happens: "<connection> <kind> <direction> <byte>".
docs/TESTING.md says who uses it.
"""

import argparse
import asyncio
import dataclasses
import json
import random

PIECE = 65_536  # bytes that are carried at once, and that wait in one direction
HEADER_MAX = 8_192
CONNECT_SECONDS = 10


@dataclasses.dataclass
class Fault:
    """What is done to one connection. Bytes are counted from 0 in one direction, behind an answer to CONNECT."""

    kind: str
    direction: str = "up"  # from who dialled, or "down" to it
    after: int = 0  # the byte at which it happens
    bit: int = 0  # flip: which one
    rate: int = 65_536  # throttle: bytes a second from that byte on, in both directions
    seconds: float = 0.05  # delay: the most that a piece waits; reorder: the most that the connection waits


# What each kind does, from its byte on:
#   cut         ends both sides with a reset
#   half-close  ends one direction in good order and drops what still comes; the other direction goes on
#   flip        turns one bit over
#   silence     carries nothing any more, in either direction, and closes nothing
#   throttle    carries no more than so many bytes a second
#   delay       carries each piece a random time later
#   reorder     from the first byte on, whichever is named: holds everything back until a later connection has carried bytes
KINDS = ("cut", "half-close", "flip", "silence", "throttle", "delay", "reorder")


def drawn(seed, each, reach):
    """Plans `each` faults of every kind, in an order and at bytes that follow from the seed."""
    generator = random.Random(seed)
    kinds = list(KINDS) * each
    generator.shuffle(kinds)
    # As many in the first thousand bytes, where the handshake is, as between ten and a hundred thousand.
    return [
        Fault(
            kind, generator.choice(("up", "down")), int(10 ** generator.uniform(1, reach)), generator.randrange(8),
            rate=262_144, seconds=6 if kind == "reorder" else 0.2)
        for kind in kinds
    ]


class Link:
    """One connection: two streams, and the fault that it meets."""

    def __init__(self, proxy, number, fault):
        self.proxy = proxy
        self.number = number
        self.fault = fault
        self.has_begun = False
        self.is_silent = False
        self.generator = random.Random(number)
        self.writers = []

    def tell(self):
        """Says that the fault happens, once."""
        if not self.has_begun:
            self.has_begun = True
            byte = 0 if self.fault.kind == "reorder" else self.fault.after
            print(self.number, self.fault.kind, self.fault.direction, byte, flush=True)

    async def carry(self, source, sink, direction):
        """Copies one direction to its end."""
        passed = 0
        is_dropping = False
        try:
            while data := await source.read(PIECE):
                is_due = self.fault and direction == self.fault.direction and passed <= self.fault.after < passed + len(data)
                if is_due:
                    data, is_dropping = await self.meet(sink, data, self.fault.after - passed)
                await self.hold(len(data))
                passed += len(data)
                if not is_dropping:
                    sink.write(data)
                    await sink.drain()
                    self.proxy.carried(self.number)
            if not is_dropping and sink.can_write_eof():
                sink.write_eof()
        except OSError:
            # One side is gone; so is the other, unless it is to believe otherwise.
            if not self.is_silent:
                self.abort()

    async def meet(self, sink, data, at):
        """Does what happens once, at byte `at` of `data`; returns what is to be carried and whether that is dropped."""
        self.tell()
        match self.fault.kind:
            case "flip":
                data = data[:at] + bytes([data[at] ^ 1 << self.fault.bit]) + data[at + 1:]
            case "cut":
                sink.write(data[:at])
                self.abort()
            case "half-close":
                sink.write(data[:at])
                sink.write_eof()
                return data, True
            case "silence":
                sink.write(data[:at])
                self.is_silent = True
        return data, False

    async def hold(self, count):
        """Waits as long as the connection's fault wants the next piece to wait."""
        if self.is_silent:
            await asyncio.Event().wait()
        if self.fault and self.fault.kind == "reorder" and not self.has_begun:
            self.tell()
            await self.proxy.overtaken(self.number, self.fault.seconds)
        if not self.has_begun:
            return
        if self.fault.kind == "throttle":
            # The fault itself: so many bytes a second.
            await asyncio.sleep(count / self.fault.rate)
        if self.fault.kind == "delay":
            # The fault itself: each piece comes later.
            await asyncio.sleep(self.generator.uniform(0, self.fault.seconds))

    def abort(self):
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    """Accepts connections, leads each to where it is to go, and gives the first ones their faults."""

    def __init__(self, target, plan):
        self.target = target
        self.plan = plan
        self.count = 0
        self.waiting = {}  # connection: what it waits for, to be overtaken

    async def accept(self, reader, writer):
        try:
            host, port = self.target or await self.asked(reader)
            there = await asyncio.wait_for(asyncio.open_connection(host, port, limit=PIECE), CONNECT_SECONDS)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return writer.transport.abort()
        if not self.target:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.count += 1
        link = Link(self, self.count, self.plan[self.count - 1] if self.count <= len(self.plan) else None)
        link.writers = [writer, there[1]]
        await asyncio.gather(link.carry(reader, there[1], "up"), link.carry(there[0], writer, "down"))
        for end in link.writers:
            end.close()

    @staticmethod
    async def asked(reader):
        """Reads a CONNECT request; returns whereto."""
        header = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = header.decode("latin-1").split("\r\n")[0].split(" ")
        if method != "CONNECT":
            raise ValueError(method)
        host, _, port = target.rpartition(":")
        return host.strip("[]"), int(port)

    def carried(self, number):
        """Notes that a connection has carried bytes."""
        for waiting, event in self.waiting.items():
            if waiting < number:
                event.set()

    async def overtaken(self, number, seconds):
        """Waits until a later connection has carried bytes, `seconds` at most."""
        event = self.waiting.setdefault(number, asyncio.Event())
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self.waiting.pop(number, None)


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0), help="address:port (default: 127.0.0.1:0)")
    parser.add_argument("--to", type=address, help="address:port of whom it stands in front of")
    parser.add_argument("--plan", default="[]", help="the faults of the first connections: JSON, null for none")
    parser.add_argument("--seed", type=int, help="draws the faults instead of --plan")
    parser.add_argument("--each", type=int, default=1, help="with --seed: how many of each kind")
    parser.add_argument("--reach", type=float, default=5, help="with --seed: the digits of the last byte (default: 5)")
    options = parser.parse_args()
    if options.seed is None:
        plan = [fault and Fault(**fault) for fault in json.loads(options.plan)]
    else:
        plan = drawn(options.seed, options.each, options.reach)
    for fault in filter(None, plan):
        if fault.kind not in KINDS:
            parser.error(f'there is no fault "{fault.kind}"')
    proxy = Proxy(options.to, plan)
    server = await asyncio.start_server(proxy.accept, *options.listen, limit=PIECE)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
