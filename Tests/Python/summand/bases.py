# SPDX-License-Identifier: MIT
"""What a member remembers so that no update enters two sums (section 5, "One base, one set")."""

from summand.epoch import ProtocolError

ANSWERED_UNDER_THIS_BASE, SPENT_BASE, MAY_BE_OPENED_ELSEWHERE = 0, 1, 6

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

    def begin_upload(self, epoch: bytes, base: bytes, standbys: bool) -> int | None:
        """Rules (b) and (c): notes the upload and closes the base in earlier epochs, or gives a cause of silence."""
        if base in self._left:
            return SPENT_BASE
        earlier = {(other, base) for other in self._uploaded.get(base, set()) - {epoch}}
        if earlier & self._with_standbys:
            return MAY_BE_OPENED_ELSEWHERE
        if earlier & self._answered:
            return ANSWERED_UNDER_THIS_BASE
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

    def leave(self, base: bytes) -> None:
        """The parameters moved: nothing is ever uploaded under this base again."""
        self._left.add(base)
