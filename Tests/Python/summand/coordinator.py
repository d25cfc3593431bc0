# SPDX-License-Identifier: MIT
"""A coordinator without a database or deadlines, for tests: honest steps, each of which a test can leave out or change.

It needs the key and the certificate of a federation that smpc-server made, and parties that have joined it.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from summand import committee, exact, keys
from summand import field as fp
from summand.chain import Chain
from summand.channel import Channel, Closed, Credentials, Event, MessageCame, StreamCame, listen
from summand.encoding import Encoding, Scale
from summand.epoch import Member, members_of
from summand.identity import SCHEMA, Signer, open_envelope
from summand.primitives import layout_bytes, leaf
from summand.protobuf import Message

PATIENCE_SECONDS = 60.0
Pairs = Sequence[tuple[bytes, bytes]]
"""Primary and standby by slot."""
STREAMS = {"upload": "Upload", "partial": "Partial"}


@dataclass
class Site:
    """A connected party and what it said, in order."""

    channel: Channel
    addresses: list[str] = field(default_factory=list)
    said: asyncio.Queue[tuple[str, Any]] = field(default_factory=asyncio.Queue)

    def send(self, kind: str, body: Message) -> None:
        """Sends a control message."""
        self.channel.send(SCHEMA.encode("Frame", {kind: body}))

    async def expect(self, *kinds: str) -> tuple[str, Any]:
        """The next message of one of these kinds; others are passed over."""
        while True:
            kind, body = await asyncio.wait_for(self.said.get(), PATIENCE_SECONDS)
            if kind in kinds:
                return kind, body


@dataclass
class Opened:
    """A round: what was opened, and what came for it."""

    opened: Message
    ctx: bytes
    elements: int
    uploads: list[tuple[fp.Vector, Message]] = field(default_factory=list)
    votes: list[Message] = field(default_factory=list)
    partials: list[tuple[fp.Vector, Message]] = field(default_factory=list)
    answered: list[bytes] = field(default_factory=list)
    """By slot: who answered."""


def configuration(model: str, rounds: int, cohort_min: int, **changes: Any) -> Message:
    """The configuration of a new run, exact unless the changes say otherwise."""
    widths = [int(width) for width in model.partition(":")[2].split("-")]
    layers = list(zip(widths, widths[1:], strict=False))
    tensors: list[tuple[str, Sequence[int]]] = []
    for number, (inputs, outputs) in enumerate(layers, 1):
        tensors += [(f"fc{number}.weight", (outputs, inputs)), (f"fc{number}.bias", (outputs,))]
    return {
        "run": os.urandom(16),
        "bits": exact.BITS,
        "clip": 0.0,
        "weight_max": 2.0**20,
        "layout": layout_bytes(tensors),
        "model": model,
        "initial_seed": os.urandom(32),
        "initial_params_hash": b"",
        "seed": 7,
        "rounds": rounds,
        "rounds_per_epoch": 100,
        "gamma_percent": 20,
        "cohort_min": cohort_min,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.0,
        "batch_size": 32,
        "local_epochs": 1,
        "uniform_weights": False,
        "first_exponent": -31,
        "exponent_min": -40,
        "exponent_max": 8,
        **changes,
    }


class Coordinator:
    """Honest unless a test says otherwise."""

    def __init__(self, credentials: Credentials, federation: str, run: Message) -> None:
        self._credentials, self._federation = credentials, federation
        self._signer = Signer(credentials.key)
        self.chain = Chain.begin(run)
        self.sites: dict[bytes, Site] = {}
        self.epoch = b""
        self.number, self.round = 0, 0
        self.members: list[Member] = []
        self.slots: list[list[int]] = []
        """By slot: the members that hold it, the primary first."""

    async def listen(self) -> int:
        """Begins to listen; gives the port."""
        self._server, port = await listen(self._credentials, self._receive, self._welcome)
        return port

    async def close(self) -> None:
        """Hangs up."""
        for site in self.sites.values():
            site.channel.close(0)
        self._server.close()
        # What was written has to leave before the loop ends.
        await asyncio.sleep(0.05)

    def _welcome(self, channel: Channel) -> bool:
        self.sites[channel.peer.identity] = Site(channel)
        return True

    def _receive(self, channel: Channel, event: Event) -> None:
        site = self.sites[channel.peer.identity]
        if isinstance(event, MessageCame):
            for kind, body in SCHEMA.decode("Frame", event.bytes).items():
                if kind == "hello":
                    site.addresses = body["addresses"]
                site.said.put_nowait((kind, body))
        elif isinstance(event, StreamCame):
            for kind in SCHEMA.decode("StreamHeader", event.header):
                site.said.put_nowait((kind, event))
        elif isinstance(event, Closed):
            site.said.put_nowait(("closed", event))

    async def gather(self, count: int) -> None:
        """Waits until so many parties have said Hello."""
        while len(self.sites) < count or not all(site.addresses for site in self.sites.values()):
            # A Hello sets no event: it is looked for.
            await asyncio.sleep(0.02)

    def ordered(self) -> list[Site]:
        """The members' sites, in member order."""
        return [self.sites[member.identity] for member in self.members]

    def seal(self, name: str, message: Message) -> Message:
        """Signs a message of this epoch."""
        return self._signer.seal(name, self.epoch, name, message)

    async def expect(self, *kinds: str) -> list[tuple[str, Any]]:
        """What every member says, in member order."""
        return list(await asyncio.gather(*(site.expect(*kinds) for site in self.ordered())))

    def proposal(self, number: int, mode: int = committee.ALL, pinned: Pairs = ()) -> Message:
        """What an honest coordinator proposes to everybody who is connected."""
        gamma = self.chain.configuration["gamma_percent"]
        entries = [
            {"spki": self.sites[identity].channel.peer.spki, "name": f"site-{identity.hex()[:4]}"}
            for identity in sorted(self.sites)
        ]
        return {
            "federation": self._federation,
            "epoch": number,
            "round": self.round + 1,
            "model_hash": self.chain.model_hash,
            "params_hash": self.chain.params_hash,
            "members": entries,
            "mode": mode,
            "slots": committee.numbers(len(entries), gamma, mode, len(pinned)).slots,
            "pinned": [{"primary": primary, "standby": standby} for primary, standby in pinned],
            "configuration": self.chain.configuration,
            "applied_rounds": self.chain.applied,
        }

    def envelope(self, proposal: Message) -> Message:
        """The signed proposal."""
        return self._signer.seal("EpochProposal", keys.ZERO, "EpochProposal", proposal)

    def propose(self, mode: int = committee.ALL, pinned: Pairs = ()) -> bytes:
        """E1, to everybody who is connected; gives the proposalHash."""
        self.number += 1
        proposal = self.proposal(self.number, mode, pinned)
        envelope = self.envelope(proposal)
        self.members = members_of(proposal)
        directory = [{"party": identity, "addresses": site.addresses} for identity, site in self.sites.items()]
        for site in self.ordered():
            site.send("directory", {"entries": directory})
            site.send("epoch_proposal", envelope)
        return keys.proposal_hash(envelope["payload"])

    async def draw(self, proposal: bytes) -> bytes:
        """E2 in mode sampled: everybody's commit, then everybody's nonce; gives the beacon."""
        commits = [body for _, body in await self.expect("beacon_commit")]
        self.tell("beacon_commits", {"statements": commits})
        reveals = [body for _, body in await self.expect("beacon_reveal")]
        self.tell("beacon_reveals", {"statements": reveals})
        drawn = [
            (
                member.identity,
                open_envelope(commit, member.spki, "BeaconCommit", "BeaconCommit", zero_epoch=True)["commit"],
                open_envelope(reveal, member.spki, "BeaconReveal", "BeaconReveal", zero_epoch=True)["nonce"],
            )
            for member, commit, reveal in zip(self.members, commits, reveals, strict=True)
        ]
        return committee.beacon(proposal, drawn)

    async def set_up(self, mode: int = committee.ALL, pinned: Pairs = ()) -> None:
        """E1 to E5 with everybody who is connected."""
        proposal = self.propose(mode, pinned)
        self.slots, beacon = [[at] for at in range(len(self.members))], keys.ZERO
        if mode == committee.PINNED:
            places = {member.identity: at for at, member in enumerate(self.members)}
            self.slots = [[places[identity] for identity in pair] for pair in pinned]
        if mode == committee.SAMPLED:
            beacon = await self.draw(proposal)
            _, permutation = committee.draw(beacon, len(self.members))
            gamma = self.chain.configuration["gamma_percent"]
            slots = committee.numbers(len(self.members), gamma, mode).slots
            self.slots = committee.pairs(permutation, slots)
        ordered = [[self.members[holder].identity for holder in slot] for slot in self.slots]
        self.epoch = keys.epoch_hash(proposal, keys.helpers_hash(mode, ordered, beacon))
        ready = await self.expect("epoch_ready", "epoch_refusal")
        if refused := [body for kind, body in ready if kind == "epoch_refusal"]:
            raise AssertionError(f"the proposal was refused: {refused}")
        self.tell("epoch_ready_bundle", {"statements": [body for _, body in ready]})
        await self.expect("slot_ready")

    def tell(self, kind: str, body: Message) -> None:
        """Sends one message to every member."""
        for site in self.ordered():
            site.send(kind, body)

    def open(self, scale: Scale | None = None) -> Opened:
        """R0; with the scale that follows from the sums unless a test gives another."""
        self.round += 1
        kind, made = self.chain.kind, self.chain.encoding
        if scale is not None:
            made = Encoding(self.chain.configuration, kind, scale)
        encoding, elements = made.hash, made.elements
        opened = {
            "epoch_hash": self.epoch,
            "round": self.round,
            "kind": kind,
            "model_hash": self.chain.model_hash,
            "encoding_hash": encoding,
            "deadline_seconds": 60,
        }
        cohort_min = self.chain.configuration["cohort_min"]
        ctx = keys.context(self.epoch, self.round, self.chain.model_hash, encoding, elements, cohort_min)
        self.tell("round_open", opened)
        return Opened(opened, ctx, elements)

    async def collect(self, opened: Opened) -> None:
        """R1: the uploads of all members."""
        opened.uploads = [self._vector(*came) for came in zip(self.members, await self.expect("upload"), strict=True)]

    def _vector(self, member: Member, came: tuple[str, StreamCame]) -> tuple[fp.Vector, Message]:
        """A vector with its signed trailer, whose leaf has to be that of what came."""
        kind, stream = came
        trailer = SCHEMA.decode("Envelope", stream.trailer)
        statement = open_envelope(trailer, member.spki, STREAMS[kind], STREAMS[kind])
        if statement["leaf"] != leaf(stream.data):
            raise AssertionError("the leaf of a vector is another")
        return fp.decode(stream.data), statement

    def survivors(self, opened: Opened, members: Sequence[int]) -> Message:
        """R2: a signed set."""
        bitmap = keys.bitmap_of(members, len(self.members))
        return self.seal("Survivors", {"epoch_hash": self.epoch, "ctx": opened.ctx, "bitmap": bitmap})

    async def vote(self, opened: Opened, members: Sequence[int]) -> None:
        """R2: one set for everybody, and everybody's vote."""
        self.tell("survivors", self.survivors(opened, members))
        opened.votes = [body for _, body in await self.expect("vote")]

    async def answer(self, opened: Opened, place: int = 0) -> None:
        """R3: the certificate, and a partial of every slot from its primary, or with place 1 from its standby."""
        holders = [self.members[slot[place]] for slot in self.slots]
        sites = [self.sites[holder.identity] for holder in holders]
        for site in sites:
            site.send("certificate", {"ctx": opened.ctx, "votes": opened.votes})
        came = await asyncio.gather(*(site.expect("partial") for site in sites))
        opened.partials = [self._vector(*one) for one in zip(holders, came, strict=True)]
        opened.answered = [holder.identity for holder in holders]

    def total(self, opened: Opened, members: Sequence[int]) -> fp.Vector:
        """S."""
        uploads = fp.total((opened.uploads[member][0] for member in members), opened.elements)
        return fp.subtract(uploads, fp.total((partial for partial, _ in opened.partials), opened.elements))

    def publish(self, opened: Opened, members: Sequence[int], total: fp.Vector) -> None:
        """R4: a Result that is consistent with whatever sum is given."""
        bitmap = keys.bitmap_of(members, len(self.members))
        uploads = [(self.members[m].identity, opened.uploads[m][1]["leaf"]) for m in members]
        partials = [(one, said["leaf"]) for one, (_, said) in zip(opened.answered, opened.partials, strict=True)]
        data = fp.encode(total)
        result = {
            "epoch_hash": self.epoch,
            "ctx": opened.ctx,
            "bitmap": bitmap,
            "answered": [identity for identity, _ in partials],
            "upload_leaves": [one for _, one in uploads],
            "partial_leaves": [one for _, one in partials],
            "root": keys.result_root(uploads, partials),
            "sum_hash": leaf(data),
        }
        header = {"result": {"round": opened.opened, "ctx": opened.ctx, "elements": opened.elements}}
        trailer = SCHEMA.encode("Envelope", self.seal("Result", result))
        for site in self.ordered():
            site.channel.send_stream(SCHEMA.encode("StreamHeader", header), data, trailer)

    def step(self, opened: Opened, members: Sequence[int], total: fp.Vector) -> bool:
        """Applies the sum to the own model; says False where it overflowed."""
        survivors = keys.survivors_hash(self.epoch, keys.bitmap_of(members, len(self.members)))
        return self.chain.take(self.chain.encoding, opened.ctx, survivors, total, leaf(fp.encode(total)))

    async def whole_round(self) -> bool:
        """R0 to R4, honestly, over everybody; says False where the sum overflowed."""
        everybody = range(len(self.members))
        opened = self.open()
        await self.collect(opened)
        await self.vote(opened, everybody)
        await self.answer(opened)
        total = self.total(opened, everybody)
        self.publish(opened, everybody, total)
        holds = self.step(opened, everybody, total)
        for _, applied in await self.expect("applied"):
            if applied["model_hash"] != self.chain.model_hash:
                raise AssertionError("a member computed another model")
        return holds
