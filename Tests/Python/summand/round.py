# SPDX-License-Identifier: MIT
"""A round at a member: upload, vote, answer, result (section 5, R0 to R4)."""

from dataclasses import dataclass

from summand import exact, field, keys
from summand.chain import Chain
from summand.encoding import TRAINING
from summand.epoch import Epoch, ProtocolError
from summand.identity import IdentityError, Signer, open_envelope
from summand.primitives import leaf
from summand.protobuf import Message


@dataclass(frozen=True)
class Update:
    """What a participant trained under a base, and the seeds of its blinds and rounding: kept until the base moves."""

    difference: list[float]
    samples: int
    metrics: exact.Metrics
    blind_seed: bytes
    rounding_seed: bytes


@dataclass(frozen=True)
class Stream:
    """A vector to send: header, elements, trailer."""

    header: Message
    data: bytes
    trailer: Message


class Round:
    """The member's side of one round; begins with a RoundOpen that fits what the member knows."""

    def __init__(self, epoch: Epoch, chain: Chain, signer: Signer, opened: Message) -> None:
        self.epoch, self.chain, self._signer, self.opened = epoch, chain, signer, opened
        self.number, self.kind, self.encoding = opened["round"], opened["kind"], chain.encoding
        expected = (epoch.hash, chain.kind, chain.model_hash, self.encoding.hash)
        said = tuple(opened[name] for name in ("epoch_hash", "kind", "model_hash", "encoding_hash"))
        if said != expected or chain.ended:
            raise ProtocolError(f"round {self.number} is not the one expected")
        # Until an overflow is made up for, its rounds come on top of the epoch's.
        past = self.number >= epoch.first_round + chain.configuration["rounds_per_epoch"]
        if past and not chain.repeats:
            raise ProtocolError(f"round {self.number} is not of this epoch")
        epoch.enter(self.number)
        self.elements = self.encoding.elements
        cohort_min = chain.configuration["cohort_min"]
        self.ctx = keys.context(
            epoch.hash, self.number, chain.model_hash, opened["encoding_hash"], self.elements, cohort_min
        )
        self.base = keys.base(self.kind, chain.params_hash)
        self.check = keys.Check(epoch.check_key, self.ctx)
        self.own_leaf: bytes | None = None
        # What was said is said again in the same bytes.
        self._sent_upload: Stream | None = None
        self._sent_vote: Message | None = None
        self._sent_partial: Stream | None = None
        self.survivors: Message | None = None
        self.members: list[int] = []
        self.answered: list[int] = []
        """By slot: who answered for it."""
        self.survivors_hash = b""

    def _mask(self, key: bytes, member: int, slot: int) -> field.Vector:
        identity = self.epoch.members[member].identity
        return keys.mask(keys.round_key(key, self.ctx), self.ctx, identity, slot, self.elements)

    def upload(self, update: Update) -> Stream:
        """R1: X from the update, hidden by one mask for every slot."""
        if self._sent_upload is not None:
            return self._sent_upload
        epoch, encoding, configuration = self.epoch, self.encoding, self.chain.configuration
        weight = 0
        difference, clipped = exact.clip(update.difference, configuration["clip"])
        if self.kind == TRAINING:
            clipped = clipped or (update.samples > encoding.weight_max and not configuration["uniform_weights"])
            weight = exact.weight_of(update.samples, encoding.weight_max, configuration["uniform_weights"])
        model = encoding.model_part(difference, weight, epoch.n, self.ctx, update.rounding_seed)
        scalars = update.metrics.scalars()
        scalars[3] = int(clipped)
        blind = keys.blind(update.blind_seed, self.ctx)
        y = exact.assemble(model, weight, scalars, self.check, epoch.me.identity, blind)
        for slot, key in enumerate(epoch.own_masks):
            y = field.add(y, self._mask(key, epoch.own, slot))
        data = field.encode(y)
        self.own_leaf = leaf(data)
        statement = {"epoch_hash": epoch.hash, "ctx": self.ctx, "leaf": self.own_leaf}
        header = {"upload": {"ctx": self.ctx, "slot": 0, "elements": self.elements}}
        self._sent_upload = Stream(header, data, self._signer.seal("Upload", epoch.hash, "Upload", statement))
        return self._sent_upload

    def vote(self, envelope: Message, coordinator: bytes) -> Message:
        """R2: checks the set and votes for it."""
        said = open_envelope(envelope, coordinator, "Survivors", "Survivors")
        self._require(said)
        members = keys.members_of(said["bitmap"], self.epoch.n)
        if len(members) < self.chain.configuration["cohort_min"]:
            raise ProtocolError(f"a set of {len(members)} members is too small")
        if self.survivors is not None and self.survivors["bitmap"] != said["bitmap"]:
            raise ProtocolError("evidence: two sets for one round")
        self.survivors, self.members = said, members
        self.survivors_hash = keys.survivors_hash(self.epoch.hash, said["bitmap"])
        if self._sent_vote is None:
            self._sent_vote = self._signer.seal("Vote", self.epoch.hash, "Vote", self._vote())
        return self._sent_vote

    def _vote(self) -> Message:
        return {
            "epoch_hash": self.epoch.hash,
            "ctx": self.ctx,
            "base": self.base,
            "survivors_hash": self.survivors_hash,
        }

    def answer(self, certificate: Message) -> Stream:
        """R3: checks the certificate and sums the masks of the set for the own slot."""
        if certificate["ctx"] != self.ctx or self.survivors is None:
            raise ProtocolError("a certificate for another round, or before the set")
        self._check_votes(certificate["votes"])
        if self._sent_partial is not None:
            return self._sent_partial
        slot = self.epoch.own_slot
        if slot is None:
            raise ProtocolError("a certificate, and no slot to answer for")
        masks = [self._mask(self.epoch.held_masks[member], member, slot) for member in self.members]
        data = field.encode(field.total(masks, self.elements))
        statement = {
            "epoch_hash": self.epoch.hash,
            "ctx": self.ctx,
            "survivors_hash": self.survivors_hash,
            "slot": slot,
            "leaf": leaf(data),
        }
        header = {"partial": {"ctx": self.ctx, "slot": slot, "elements": self.elements}}
        self._sent_partial = Stream(header, data, self._signer.seal("Partial", self.epoch.hash, "Partial", statement))
        return self._sent_partial

    def _check_votes(self, votes: list[Message]) -> None:
        """At least q members have signed exactly the vote that this one would sign; votes stand in member order."""
        if len(votes) < self.epoch.numbers.q:
            raise ProtocolError(f"{len(votes)} votes are no certificate")
        members = iter(self.epoch.members)
        for envelope in votes:
            if not any(self._is_vote(envelope, member.spki) for member in members):
                raise ProtocolError("a vote for something else, out of order, or of nobody")

    def _is_vote(self, envelope: Message, spki: bytes) -> bool:
        try:
            return open_envelope(envelope, spki, "Vote", "Vote") == self._vote()
        except IdentityError:
            return False

    def _require(self, said: Message) -> None:
        if said["epoch_hash"] != self.epoch.hash or said["ctx"] != self.ctx:
            raise ProtocolError("a statement about another round")

    def apply(self, header: Message, data: bytes, envelope: Message, coordinator: bytes) -> bool:
        """R4: checks the Result in the order of the document, then the sum, then takes the step.

        Says False where the sum overflowed, so that the next round repeats this one.
        """
        result = open_envelope(envelope, coordinator, "Result", "Result")
        self._require(result)
        if header["ctx"] != self.ctx or header["elements"] != self.elements or len(data) != 8 * self.elements:
            raise ProtocolError("a sum of another length or round")
        if leaf(data) != result["sum_hash"]:
            raise ProtocolError("H(S) is not the leaf of the sum")
        self._check_lists(result)
        total = field.decode(data)
        identities = [self.epoch.members[member].identity for member in self.members]
        if not self.check.holds(identities, total):
            raise ProtocolError("the check of the sum does not hold")
        return self.chain.take(self.encoding, self.ctx, self.survivors_hash, total, result["sum_hash"])

    def _check_lists(self, result: Message) -> None:
        epoch = self.epoch
        members = keys.members_of(result["bitmap"], epoch.n)
        if len(members) < self.chain.configuration["cohort_min"]:
            raise ProtocolError("a result over too small a set")
        if self.survivors is not None and self.survivors["bitmap"] != result["bitmap"]:
            raise ProtocolError("evidence: a result over another set than the one voted for")
        self.members = members
        self.survivors_hash = keys.survivors_hash(epoch.hash, result["bitmap"])
        self.answered = [epoch.index_of(identity) for identity in result["answered"]]
        held = [[epoch.members[holder].identity for holder in slot] for slot in epoch.slots]
        answered = result["answered"]
        if len(answered) != len(held) or any(one not in slot for one, slot in zip(answered, held, strict=True)):
            raise ProtocolError("a slot that its holder did not answer")
        if len(result["upload_leaves"]) != len(members) or len(result["partial_leaves"]) != len(held):
            raise ProtocolError("lists of the wrong length")
        identities = [epoch.members[member].identity for member in members]
        uploads = list(zip(identities, result["upload_leaves"], strict=True))
        partials = list(zip(result["answered"], result["partial_leaves"], strict=True))
        if keys.result_root(uploads, partials) != result["root"]:
            raise ProtocolError("the root is not that of the leaves")
        if epoch.own in members and result["upload_leaves"][members.index(epoch.own)] != self.own_leaf:
            raise ProtocolError("the own leaf is another")

    def skip(self, envelope: Message, coordinator: bytes) -> None:
        """Gives the round up; the parameters stay."""
        said = open_envelope(envelope, coordinator, "Skip", "Skip")
        self._require(said)
        if self.survivors is not None:
            raise ProtocolError("evidence: a Skip after the set")
        self.chain.step(keys.middle_skip(self.ctx, said["reason"]))
