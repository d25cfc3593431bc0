# SPDX-License-Identifier: MIT
"""An epoch in mode `all` at a member: proposal, seeds, keys, statements (section 4, E1 to E5)."""

import os
from dataclasses import dataclass

from summand import committee, exact, keys
from summand.identity import Signer, open_envelope, spki_of
from summand.primitives import h, party_id
from summand.protobuf import Message


class ProtocolError(ValueError):
    """What another party said breaks the protocol."""


@dataclass(frozen=True)
class Refusal(Exception):
    """Why a member does not take a proposal: a line of section 13 and a sentence."""

    line: int
    detail: str
    parties: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Member:
    """An entry of a proposal."""

    identity: bytes
    spki: bytes
    name: str


def members_of(proposal: Message) -> list[Member]:
    """The members, which have to be in the order of their identities."""
    members = [Member(party_id(entry["spki"]), entry["spki"], entry["name"]) for entry in proposal["members"]]
    if any(a.identity >= b.identity for a, b in zip(members, members[1:], strict=False)):
        raise ProtocolError("the members are not in ascending order")
    return members


def check_proposal(proposal: Message, members: list[Member], own: bytes, federation: str) -> None:
    """The checks of E1 that need no memory; raises Refusal."""
    configuration = proposal["configuration"]
    if proposal["federation"] != federation:
        raise Refusal(0, "another federation")
    if proposal["mode"] != committee.ALL or proposal["slots"] != len(members):
        raise Refusal(7, "only mode all with a slot for each member")
    if own not in [member.identity for member in members]:
        raise Refusal(5, "this party is not among the members")
    if len(members) < 3:
        raise Refusal(6, "fewer than three members")
    least = committee.numbers(len(members), configuration["gamma_percent"], committee.ALL).cohort_min
    if not least <= configuration["cohort_min"] <= len(members):
        raise Refusal(9, f"cohort_min is not between {least} and {len(members)}")
    if configuration["bits"] != exact.BITS and not 7 <= configuration["bits"] <= 32:
        raise Refusal(8, f"there is no encoding of {configuration['bits']} bits")


class Epoch:
    """The member's side of one epoch. Seeds and keys are kept in memory; a real member stores them first."""

    def __init__(self, envelope: Message, proposal: Message, signer: Signer) -> None:
        self.envelope, self.proposal, self._signer = envelope, proposal, signer
        self.number, self.first_round = proposal["epoch"], proposal["round"]
        self.members = members_of(proposal)
        own = party_id(spki_of(signer.key.public_key()))
        self.own = next(at for at, member in enumerate(self.members) if member.identity == own)
        self.proposal_hash = keys.proposal_hash(envelope["payload"])
        slots = [[member.identity] for member in self.members]
        self.hash = keys.epoch_hash(self.proposal_hash, keys.helpers_hash(committee.ALL, slots))
        self.seeds = [os.urandom(32) for _ in self.members]
        """By slot: the seeds of this member's own masks."""
        self.share = os.urandom(32)
        self.shares: dict[int, bytes] = {self.own: self.share}
        self.given: dict[int, bytes] = {self.own: self.seeds[self.own]}
        """By member: the seeds for the slot that this member holds."""
        self.statements: dict[int, Message] = {}
        self.seals: dict[tuple[str, int], Message] = {}
        self.own_masks: list[bytes] = []
        self.held_masks: list[bytes] = []
        self.key_round = self.first_round
        self.check_key = b""
        self.ready = False
        self.others_own = 0

    @property
    def n(self) -> int:
        """The number of members, and of slots."""
        return len(self.members)

    @property
    def f(self) -> int:
        """The corrupt members that are planned for."""
        return committee.numbers(self.n, self.proposal["configuration"]["gamma_percent"], committee.ALL).f

    @property
    def me(self) -> Member:
        """This member."""
        return self.members[self.own]

    @property
    def complete(self) -> bool:
        """Whether seeds and shares of everybody are there."""
        return len(self.shares) == self.n == len(self.given)

    def unfinished(self) -> list[int]:
        """The members that keys are not yet exchanged with."""
        return [at for at in range(self.n) if at not in self.shares or at not in self.given]

    def seed_for(self, slot: int) -> Message:
        """SlotSeed for the helper of a slot; the same bytes each time."""
        statement = self._seal(
            "SlotSeed",
            slot,
            "SlotSeedStatement",
            {"epoch_hash": self.hash, "slot": slot, "seed_hash": h("slot-seed", self.seeds[slot])},
        )
        return {"statement": statement, "seed": self.seeds[slot]}

    def take_seed(self, sender: int, message: Message) -> Message:
        """Checks a SlotSeed and gives the SlotSeedAck for it."""
        statement = open_envelope(message["statement"], self.members[sender].spki, "SlotSeed", "SlotSeedStatement")
        if statement["epoch_hash"] != self.hash or statement["slot"] != self.own:
            raise ProtocolError("a seed for another epoch or slot")
        if len(message["seed"]) != 32 or h("slot-seed", message["seed"]) != statement["seed_hash"]:
            raise ProtocolError("a seed that is not the one stated")
        if self.given.setdefault(sender, message["seed"]) != message["seed"]:
            raise ProtocolError("a second seed with other bytes")
        self.statements.setdefault(sender, message["statement"])
        acknowledged = self._seal(
            "SlotSeedAck",
            0,
            "SlotSeedAckStatement",
            {"epoch_hash": self.hash, "check_share_hash": h("g", self.share)},
        )
        return {"statement": acknowledged, "check_share": self.share}

    def take_ack(self, sender: int, message: Message) -> None:
        """Checks a SlotSeedAck and keeps the helper's share of the check key."""
        spki = self.members[sender].spki
        statement = open_envelope(message["statement"], spki, "SlotSeedAck", "SlotSeedAckStatement")
        share = message["check_share"]
        if statement["epoch_hash"] != self.hash or h("g", share) != statement["check_share_hash"] or len(share) != 32:
            raise ProtocolError("a share of the check key that is not the one stated")
        if self.shares.setdefault(sender, share) != share:
            raise ProtocolError("a second share of the check key with other bytes")

    def _seal(self, name: str, about: int, schema_name: str, message: Message) -> Message:
        """Signs once: a repeated statement has the same bytes."""
        if (name, about) not in self.seals:
            self.seals[name, about] = self._signer.seal(name, self.hash, schema_name, message)
        return self.seals[name, about]

    def statement(self, computed: bool) -> Message:
        """EpochReady, once complete; makes the keys (E4)."""
        if not self.own_masks:
            me = self.me.identity
            self.own_masks = [keys.slot_key(self.hash, seed, me, slot) for slot, seed in enumerate(self.seeds)]
            self.held_masks = [
                keys.slot_key(self.hash, self.given[at], member.identity, self.own)
                for at, member in enumerate(self.members)
            ]
            self.check_key = keys.check_key([self.shares[slot] for slot in range(self.n)])
        return self._seal(
            "EpochReady",
            0,
            "EpochReady",
            {
                "epoch_hash": self.hash,
                "own": int(computed),
                "ready_hash": h("ready", self.check_key),
                "seed_hashes": [h("slot-seed", seed) for seed in self.seeds],
            },
        )

    def take_bundle(self, bundle: Message) -> tuple[str, Message]:
        """Checks everybody's statements; gives the kind and body of the answer, slot_ready or slot_dispute."""
        if len(bundle["statements"]) != self.n:
            raise ProtocolError("a bundle that is not of all members")
        others_own = 0
        for at, envelope in enumerate(bundle["statements"]):
            said = open_envelope(envelope, self.members[at].spki, "EpochReady", "EpochReady")
            if said["epoch_hash"] != self.hash or said["ready_hash"] != h("ready", self.check_key):
                raise ProtocolError(f"member {at} is ready for something else")
            if len(said["seed_hashes"]) != self.n or said["own"] > 1:
                raise ProtocolError(f"the statement of member {at} is not one")
            if said["seed_hashes"][self.own] != h("slot-seed", self.given[at]):
                return "slot_dispute", {
                    "party": self.members[at].identity,
                    "slot_seed": self.statements[at],
                    "epoch_ready": envelope,
                }
            others_own += said["own"] if at != self.own else 0
        self.others_own = others_own
        self.ready = True
        return "slot_ready", self._seal("SlotReady", 0, "SlotReady", {"epoch_hash": self.hash})

    def enter(self, number: int) -> None:
        """Advances the keys to a round; there is no way back."""
        if number < self.key_round:
            raise ProtocolError(f"the keys of round {number} are gone")
        self.own_masks = [keys.advance(key, self.key_round, number) for key in self.own_masks]
        self.held_masks = [keys.advance(key, self.key_round, number) for key in self.held_masks]
        self.key_round = number

    def index_of(self, identity: bytes) -> int:
        """The place of a member; raises ProtocolError for somebody else."""
        for at, member in enumerate(self.members):
            if member.identity == identity:
                return at
        raise ProtocolError(f"{identity.hex()[:8]} is no member")


def open_proposal(envelope: Message, coordinator_spki: bytes) -> Message:
    """Parses and verifies a proposal, which is signed before there is an epoch."""
    return open_envelope(envelope, coordinator_spki, "EpochProposal", "EpochProposal", zero_epoch=True)
