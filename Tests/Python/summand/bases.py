# SPDX-License-Identifier: MIT
"""What a member remembers so that no update enters two sums (section 5, "One base, one set")."""

from summand.epoch import ProtocolError

ANSWERED_UNDER_THIS_BASE, SPENT_BASE, MAY_BE_OPENED_ELSEWHERE = 0, 1, 6
VOTED, NO_RECORD = 0, 1
"""Reasons of a NotVotedRefusal."""

Place = tuple[bytes, bytes]
"""A base within an epoch: epochHash and base."""


class Bases:
    """Locks, answers and closed bases. A real member stores each of them before it acts on it."""

    def __init__(self) -> None:
        self._uploaded: dict[bytes, set[bytes]] = {}
        """By base: the epochs in which this party uploaded under it."""
        self._left: set[bytes] = set()
        self._locks: dict[Place, bytes] = {}
        self._answered: set[Place] = set()
        self._closed: set[Place] = set()
        self._with_standbys: set[Place] = set()
        """Where a sum can be opened without this party."""
        self._unopenable: set[Place] = set()
        """Where so many have not voted that none can be opened."""
        self._epochs: set[bytes] = set()

    def begin_upload(self, epoch: bytes, base: bytes, standbys: bool) -> int | None:
        """Rules (b) and (c): notes the upload and closes the base in earlier epochs, or gives a cause of silence."""
        if base in self._left:
            return SPENT_BASE
        earlier = {(other, base) for other in self._uploaded.get(base, set()) - {epoch}}
        if earlier & self._answered:
            return ANSWERED_UNDER_THIS_BASE
        if earlier & self._with_standbys - self._unopenable:
            return MAY_BE_OPENED_ELSEWHERE
        self._closed |= earlier
        if standbys:
            self._with_standbys.add((epoch, base))
        self._uploaded.setdefault(base, set()).add(epoch)
        return None

    def lock(self, epoch: bytes, base: bytes, survivors_hash: bytes) -> None:
        """Rule (a), before a vote: one set under one base, and none where the base is closed."""
        place = epoch, base
        if place in self._closed or self._locks.setdefault(place, survivors_hash) != survivors_hash:
            raise ProtocolError("a second set under one base")

    def answer(self, epoch: bytes, base: bytes, survivors_hash: bytes) -> None:
        """Rule (a), before an answer: only for the set that was voted for."""
        place = epoch, base
        if place in self._closed or self._locks.get(place) != survivors_hash:
            raise ProtocolError("an answer for another set than the one voted for")
        self._answered.add(place)

    def enter(self, epoch: bytes) -> None:
        """An epoch that this party takes part in."""
        self._epochs.add(epoch)

    def not_voted(self, epoch: bytes, base: bytes) -> int | None:
        """Closes a base where this party has neither voted nor answered, or gives the reason why it cannot say so."""
        place = epoch, base
        if epoch not in self._epochs:
            return NO_RECORD
        if place in self._locks or place in self._answered:
            return VOTED
        self._closed.add(place)
        return None

    def needs_words(self, epoch: bytes, base: bytes) -> bool:
        """Whether this party uploaded where a sum can be opened without it, and does not know that none can."""
        place = epoch, base
        return epoch in self._uploaded.get(base, set()) and place in self._with_standbys - self._unopenable

    def rule_out(self, epoch: bytes, base: bytes) -> None:
        """Enough members have said that they have not voted: there is no certificate and never will be."""
        self._unopenable.add((epoch, base))

    def leave(self, base: bytes) -> None:
        """The parameters moved: nothing is ever uploaded under this base again."""
        self._left.add(base)
