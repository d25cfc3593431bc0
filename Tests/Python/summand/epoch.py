# SPDX-License-Identifier: MIT
"""An epoch at a member: proposal, draw, seeds, keys, statements (section 4, E1 to E5)."""

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


def numbers_of(proposal: Message) -> committee.Numbers:
    """Slots, f, q and the smallest cohortMin, as every member computes them."""
    gamma = proposal["configuration"]["gamma_percent"]
    return committee.numbers(len(proposal["members"]), gamma, proposal["mode"], len(proposal["pinned"]))


def slots_fit(proposal: Message, members: list[Member]) -> bool:
    """Says whether mode and number of slots are as n and γ demand, and whether pairs are of different members."""
    mode, n = proposal["mode"], len(members)
    holders = [holder for pair in proposal["pinned"] for holder in (pair["primary"], pair["standby"])]
    if mode == committee.PINNED:
        fits = committee.least_slots(n) <= len(proposal["pinned"]) <= n // 2 and len(set(holders)) == len(holders)
        fits = fits and set(holders) <= {member.identity for member in members}
    else:
        fits = not holders and mode in (committee.ALL, committee.SAMPLED)
    enough = mode == committee.ALL or n >= 4
    return fits and enough and proposal["slots"] == numbers_of(proposal).slots


def check_proposal(proposal: Message, members: list[Member], own: bytes, federation: str) -> None:
    """The checks of E1 that need no memory; raises Refusal."""
    configuration = proposal["configuration"]
    if proposal["federation"] != federation:
        raise Refusal(0, "another federation")
    if not slots_fit(proposal, members):
        raise Refusal(7, "no such mode, or not as many slots as follow")
    if own not in [member.identity for member in members]:
        raise Refusal(5, "this party is not among the members")
    if len(members) < 3:
        raise Refusal(6, "fewer than three members")
    least = numbers_of(proposal).cohort_min
    if not least <= configuration["cohort_min"] <= len(members):
        raise Refusal(9, f"cohort_min is not between {least} and {len(members)}")
    if configuration["bits"] != exact.BITS and not 7 <= configuration["bits"] <= 32:
        raise Refusal(8, f"there is no encoding of {configuration['bits']} bits")


class Epoch:
    """The member's side of one epoch. Seeds and keys are kept in memory; a real member stores them first."""

    def __init__(self, envelope: Message, proposal: Message, signer: Signer) -> None:
        self.envelope, self.proposal, self._signer = envelope, proposal, signer
        self.number, self.first_round = proposal["epoch"], proposal["round"]
        self.mode, self.numbers = proposal["mode"], numbers_of(proposal)
        self.members = members_of(proposal)
        own = party_id(spki_of(signer.key.public_key()))
        self.own = next(at for at, member in enumerate(self.members) if member.identity == own)
        self.proposal_hash = keys.proposal_hash(envelope["payload"])
        self.seeds = [os.urandom(32) for _ in range(proposal["slots"])]
        """By slot: the seeds of this member's own masks."""
        self.share = os.urandom(32)
        self.shares: dict[int, bytes] = {}
        """By holder: its share of the check key."""
        self.given: dict[int, bytes] = {}
        """By member: the seeds for the slot that this member holds."""
        self.statements: dict[int, Message] = {}
        self.seals: dict[tuple[str, int], Message] = {}
        self.own_masks: list[bytes] = []
        self.held_masks: list[bytes] = []
        self.key_round = self.first_round
        self.check_key = b""
        self.ready = False
        self.others_own = 0
        self.nonce = os.urandom(32)
        self.commits: list[bytes] | None = None
        self.reveal: Message | None = None
        """What was said in the draw, once the nonce was shown."""
        self.slots: list[list[int]] = []
        """By slot: the members that hold it, the primary first; empty until they are drawn."""
        self.hash = b""
        if self.mode == committee.ALL:
            self._fix([[at] for at in range(self.n)], keys.ZERO)
        elif self.mode == committee.PINNED:
            pairs = [[self.index_of(pair["primary"]), self.index_of(pair["standby"])] for pair in proposal["pinned"]]
            self._fix(pairs, keys.ZERO)

    def _fix(self, slots: list[list[int]], beacon: bytes) -> None:
        """With the slots the epoch has its hash."""
        self.slots = slots
        ordered = [[self.members[holder].identity for holder in slot] for slot in slots]
        self.hash = keys.epoch_hash(self.proposal_hash, keys.helpers_hash(self.mode, ordered, beacon))
        self.holders = [holder for slot in slots for holder in slot]
        self.slot_of = {holder: number for number, slot in enumerate(slots) for holder in slot}
        self.own_slot = self.slot_of.get(self.own)
        if self.own_slot is not None:
            self.shares[self.own] = self.share
            self.given[self.own] = self.seeds[self.own_slot]

    @property
    def drawing(self) -> bool:
        """Whether the slots are not known yet."""
        return not self.slots

    @property
    def n(self) -> int:
        """The number of members."""
        return len(self.members)

    @property
    def me(self) -> Member:
        """This member."""
        return self.members[self.own]

    @property
    def complete(self) -> bool:
        """Whether seeds and shares of everybody are there."""
        return not self.drawing and not self.unfinished()

    def unfinished(self) -> list[int]:
        """The members that keys are not yet exchanged with."""
        missing = {holder for holder in self.holders if holder not in self.shares}
        if self.own_slot is not None:
            missing |= {at for at in range(self.n) if at not in self.given}
        return sorted(missing)

    # The draw (E2).

    def commit(self) -> Message:
        """BeaconCommit; the same bytes each time."""
        commit = committee.commit(self.proposal_hash, self.me.identity, self.nonce)
        return self._seal("BeaconCommit", 0, "BeaconCommit", self._about_draw("commit", commit))

    def take_commits(self, body: Message) -> Message:
        """Checks everybody's commit, and only then shows the nonce: BeaconReveal."""
        commits = self._drawn("BeaconCommit", "commit", body)
        if commits[self.own] != committee.commit(self.proposal_hash, self.me.identity, self.nonce):
            raise ProtocolError("the own commit is another")
        if self.commits is not None and self.commits != commits:
            raise ProtocolError("evidence: other commits than before the reveal")
        self.commits = commits
        self.reveal = self._seal("BeaconReveal", 0, "BeaconReveal", self._about_draw("nonce", self.nonce))
        return self.reveal

    def take_reveals(self, body: Message) -> None:
        """Checks everybody's nonce against its commit; then the slots are known."""
        nonces = self._drawn("BeaconReveal", "nonce", body)
        if self.commits is None:
            raise ProtocolError("reveals before the commits")
        identities = [member.identity for member in self.members]
        for identity, commit, nonce in zip(identities, self.commits, nonces, strict=True):
            if committee.commit(self.proposal_hash, identity, nonce) != commit:
                raise ProtocolError("evidence: a nonce that is not the one committed to")
        beacon = committee.beacon(self.proposal_hash, list(zip(identities, self.commits, nonces, strict=True)))
        _, permutation = committee.draw(beacon, self.n)
        self._fix(committee.pairs(permutation, self.proposal["slots"]), beacon)

    def _about_draw(self, name: str, value: bytes) -> Message:
        return {"proposal_hash": self.proposal_hash, name: value}

    def _drawn(self, kind: str, name: str, body: Message) -> list[bytes]:
        """One value of each member, signed before there is an epoch."""
        if self.mode != committee.SAMPLED or len(body["statements"]) != self.n:
            raise ProtocolError("statements about a draw that are not of all members")
        values = []
        for member, envelope in zip(self.members, body["statements"], strict=True):
            said = open_envelope(envelope, member.spki, kind, kind, zero_epoch=True)
            if said["proposal_hash"] != self.proposal_hash or len(said[name]) != 32:
                raise ProtocolError("a statement about another draw")
            values.append(said[name])
        return values

    # Seeds (E3).

    def seed_for(self, holder: int) -> Message:
        """SlotSeed for a holder of a slot; the same bytes for both and each time."""
        slot = self.slot_of[holder]
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
        if statement["epoch_hash"] != self.hash or statement["slot"] != self.own_slot:
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
        if sender not in self.slot_of:
            raise ProtocolError("a share of the check key from somebody without a slot")
        if self.shares.setdefault(sender, share) != share:
            raise ProtocolError("a second share of the check key with other bytes")

    def _seal(self, name: str, about: int, schema_name: str, message: Message) -> Message:
        """Signs once: a repeated statement has the same bytes."""
        if (name, about) not in self.seals:
            self.seals[name, about] = self._signer.seal(name, self.hash or keys.ZERO, schema_name, message)
        return self.seals[name, about]

    def statement(self, computed: bool) -> Message:
        """EpochReady, once complete; makes the keys (E4)."""
        if not self.own_masks:
            me = self.me.identity
            self.own_masks = [keys.slot_key(self.hash, seed, me, slot) for slot, seed in enumerate(self.seeds)]
            if self.own_slot is not None:
                self.held_masks = [
                    keys.slot_key(self.hash, self.given[at], member.identity, self.own_slot)
                    for at, member in enumerate(self.members)
                ]
            self.check_key = keys.check_key([self.shares[holder] for holder in self.holders])
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
            if len(said["seed_hashes"]) != len(self.slots) or said["own"] > 1:
                raise ProtocolError(f"the statement of member {at} is not one")
            if self.own_slot is not None and said["seed_hashes"][self.own_slot] != h("slot-seed", self.given[at]):
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
