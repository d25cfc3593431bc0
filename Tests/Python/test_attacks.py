# SPDX-License-Identifier: MIT
"""Real clients under a coordinator of this implementation: first an honest one, then one that attacks (section 9).

Run with: python3 -m unittest test_attacks.
"""

import asyncio
import json
import unittest
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from summand import committee, exact, field
from summand.channel import Credentials
from summand.coordinator import Coordinator, Opened, configuration
from summand.encoding import Scale
from summand.identity import spki_of
from summand.keys import bitmap_of
from summand.primitives import party_id
from test_rounds import Federation

QUIET_SECONDS = 1.5
VERIFICATION_FAILED = 3
OVERFLOWING = {"bits": 16, "exponent_min": -40, "exponent_max": -40}
"""A run in which every sum of 16 bits overflows."""


def batched(identities: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Two by two."""
    return zip(identities[::2], identities[1::2], strict=True)


class AttackTests(unittest.TestCase):
    """What a client does with a coordinator that is not what it should be."""

    def setUp(self) -> None:
        directory = TemporaryDirectory(prefix="summand-python-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def attack(
        self,
        sites: int,
        script: Callable[[Coordinator], Awaitable[None]],
        prepare: Callable[[Path], None] = lambda _: None,
        **run: Any,
    ) -> Federation:
        """Lets clients join at the real server, then runs them against the script until they end or it does.

        `prepare` may change a site's state before it starts. What `run` names is other than in the usual configuration.
        """
        names = [f"site-{number}" for number in range(sites)]
        federation = Federation(self.directory, names, "--model", "softmax:8-3")
        self.addCleanup(federation.end)
        for name in names:
            federation.join(name)
        self.identities = [self.identity(name) for name in names]
        federation.end()
        federation.processes.clear()
        for name in names:
            prepare(self.directory / name)
        asyncio.run(self.run_script(federation, names, script, run))
        return federation

    async def run_script(
        self,
        federation: Federation,
        names: list[str],
        script: Callable[[Coordinator], Awaitable[None]],
        changes: dict[str, Any],
    ) -> None:
        run = configuration("softmax:8-3", **{"rounds": 1, "cohort_min": 3, **changes})
        coordinator = Coordinator(self.credentials(), "python", run)
        federation.address = f"127.0.0.1:{await coordinator.listen()}"
        for part, name in enumerate(names):
            federation.start_client(name, part, len(names), "synthetic:200,8,3")
        try:
            await coordinator.gather(len(names))
            await coordinator.set_up()
            await script(coordinator)
        except TimeoutError as error:
            logs = "\n".join(f"== {name}\n{federation.log(name)}" for name in names)
            raise AssertionError(f"the clients do not answer\n{logs}") from error
        finally:
            await coordinator.close()

    def identity(self, site: str) -> bytes:
        """That of a site that has joined."""
        certificate = x509.load_pem_x509_certificate((self.directory / site / "certificate.pem").read_bytes())
        return party_id(spki_of(certificate.public_key()))

    def credentials(self) -> Credentials:
        """Those of the federation's coordinator."""
        state = self.directory / "fed"
        key = serialization.load_pem_private_key((state / "key.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        certificate = x509.load_pem_x509_certificate((state / "certificate.pem").read_bytes())
        return Credentials(key, certificate, x509.load_pem_x509_certificate((state / "ca.pem").read_bytes()))

    def require_stopped(self, federation: Federation, applied: int = 0) -> None:
        """Every client has stopped for good, and none has applied the round."""
        codes = federation.wait()
        logs = "\n".join(federation.log(name) for name in codes)
        self.assertEqual(set(codes.values()), {VERIFICATION_FAILED}, f"{codes}\n{logs}")
        for name in codes:
            self.assertEqual(federation.status(name)["applied_rounds"], applied)

    def test_an_honest_run(self) -> None:
        async def script(coordinator: Coordinator) -> None:
            await coordinator.whole_round()
            await coordinator.whole_round()
            self.model = coordinator.chain.model_hash.hex()
            coordinator.tell("run_end", {"outcome": 0, "sentence": "done"})
            # The sites end by themselves; hanging up sooner would look like a loss.
            await asyncio.sleep(QUIET_SECONDS)

        federation = self.attack(3, script)
        self.assertEqual(set(federation.wait().values()), {0})
        for name in federation.sites:
            self.assertEqual(federation.status(name)["model_hash"], self.model)

    def test_an_overflow_and_its_repetition(self) -> None:
        """Scales far too small: digits are clamped, their sum overflows, every client finds it and sends again."""

        async def script(coordinator: Coordinator) -> None:
            self.assertTrue(await coordinator.whole_round())
            before = coordinator.chain.params_hash
            self.assertFalse(await coordinator.whole_round())
            self.assertEqual(coordinator.chain.params_hash, before)
            # The epoch is over, but for the repetition.
            self.assertEqual(coordinator.chain.encoding.scale, Scale(32, (-31,), True))
            self.assertTrue(await coordinator.whole_round())
            coordinator.open()
            await self.require_silence(coordinator, "upload", "silence")
            await coordinator.set_up()
            self.assertTrue(await coordinator.whole_round())
            self.assertTrue(coordinator.chain.ended)
            self.model = coordinator.chain.model_hash.hex()
            coordinator.tell("run_end", {"outcome": 0, "sentence": "done"})
            # The sites end by themselves; hanging up sooner would look like a loss.
            await asyncio.sleep(QUIET_SECONDS)

        federation = self.attack(3, script, rounds=2, rounds_per_epoch=2, **OVERFLOWING)
        self.assertEqual(set(federation.wait().values()), {0})
        for name in federation.sites:
            self.assertEqual(federation.status(name)["model_hash"], self.model)

    def test_another_scale_is_refused(self) -> None:
        """In a first round, in a later one and in a repetition: nobody sends anything for another b or e."""

        async def script(coordinator: Coordinator) -> None:
            for holds in (True, False, True):
                right = coordinator.chain.encoding.scale
                larger = tuple(exponent + 1 for exponent in right.exponents)
                for wrong in (
                    replace(right, exponents=larger),
                    replace(right, exponents=right.exponents * 2),
                    replace(right, exponents=()),
                    replace(right, bits=48 - right.bits),
                    Scale(exact.BITS),
                ):
                    coordinator.open(wrong)
                await self.require_silence(coordinator, "upload", "silence")
                self.assertEqual(await coordinator.whole_round(), holds)

        self.attack(3, script, rounds=2, **OVERFLOWING)

    def test_another_set_in_the_repetition_gets_no_vote(self) -> None:
        """The set of the sum that overflowed is the only one under its base, whoever else has uploaded."""

        async def script(coordinator: Coordinator) -> None:
            await coordinator.whole_round()
            self.assertFalse(await coordinator.whole_round())
            again = coordinator.open()
            await coordinator.collect(again)
            coordinator.tell("survivors", coordinator.survivors(again, range(3)))
            await self.require_silence(coordinator, "vote")
            await coordinator.vote(again, range(4))

        self.attack(4, script, rounds=2, **OVERFLOWING)

    def test_primary_and_standby_answer_with_the_same_bytes(self) -> None:
        """An honest run in mode sampled; both holders of each slot are asked, with any q of the votes."""

        async def script(coordinator: Coordinator) -> None:
            await coordinator.set_up(committee.SAMPLED)
            opened = coordinator.open()
            await coordinator.collect(opened)
            await coordinator.vote(opened, [0, 1, 3])
            self.assertEqual([len(slot) for slot in coordinator.slots], [2, 2])
            votes = opened.votes
            opened.votes = votes[1:]
            await coordinator.answer(opened, place=1)
            standbys = opened.partials
            opened.votes = votes[:3]
            await coordinator.answer(opened)
            self.assertEqual([vector for vector, _ in standbys], [vector for vector, _ in opened.partials])
            total = coordinator.total(opened, [0, 1, 3])
            coordinator.publish(opened, [0, 1, 3], total)
            coordinator.step(opened, [0, 1, 3], total)
            await coordinator.expect("applied")
            await coordinator.whole_round()
            self.model = coordinator.chain.model_hash.hex()
            coordinator.tell("run_end", {"outcome": 0, "sentence": "done"})
            # The sites end by themselves; hanging up sooner would look like a loss.
            await asyncio.sleep(QUIET_SECONDS)

        federation = self.attack(4, script)
        self.assertEqual(set(federation.wait().values()), {0})
        for name in federation.sites:
            self.assertEqual(federation.status(name)["model_hash"], self.model)

    def test_pinned_slots_are_those_of_the_policy(self) -> None:
        """Each site's policy names the pairs: those are taken, the same in another order are refused."""

        async def script(coordinator: Coordinator) -> None:
            pairs = list(batched(self.identities))
            for wrong in (pairs[::-1], [pairs[0][::-1], pairs[1]]):
                coordinator.propose(committee.PINNED, wrong)
                refusals = [body["line"] for _, body in await coordinator.expect("epoch_refusal")]
                self.assertEqual(refusals, [12] * 4)
            coordinator.propose(committee.PINNED, pairs[:1])
            refusals = [body["line"] for _, body in await coordinator.expect("epoch_refusal")]
            self.assertEqual(refusals, [7] * 4)
            await coordinator.set_up(committee.PINNED, pairs)
            await coordinator.whole_round()

        def write(site: Path) -> None:
            pairs = [[identity.hex() for identity in pair] for pair in batched(self.identities)]
            policy = site / "policy.toml"
            policy.write_text(policy.read_text() + f"\npinned_slots = {json.dumps(pairs)}\n")

        self.attack(4, script, prepare=write)

    def test_no_answer_with_fewer_votes_than_the_quorum(self) -> None:
        async def script(coordinator: Coordinator) -> None:
            await coordinator.set_up(committee.SAMPLED)
            opened = coordinator.open()
            await coordinator.collect(opened)
            await coordinator.vote(opened, range(4))
            votes = opened.votes
            wrong = [votes[:2], [votes[0], votes[0], votes[2]], [votes[2], votes[1], votes[0]]]
            for some in wrong:
                coordinator.tell("certificate", {"ctx": opened.ctx, "votes": some})
            await self.require_silence(coordinator, "partial")
            await coordinator.answer(opened)

        self.attack(4, script)

    def test_nonces_stay_hidden_until_all_have_committed(self) -> None:
        """Too few commits, one twice, or another member's own: nobody shows its nonce, and nobody takes a false one."""

        async def script(coordinator: Coordinator) -> None:
            coordinator.propose(committee.SAMPLED)
            commits = [body for _, body in await coordinator.expect("beacon_commit")]
            for wrong in (commits[:3], [*commits[:3], commits[2]], commits[::-1], []):
                coordinator.tell("beacon_commits", {"statements": wrong})
            await self.require_silence(coordinator, "beacon_reveal")
            coordinator.tell("beacon_commits", {"statements": commits})
            reveals = [body for _, body in await coordinator.expect("beacon_reveal")]
            for wrong in (reveals[:3], [*reveals[:3], reveals[2]], [*reveals[:3], commits[3]]):
                coordinator.tell("beacon_reveals", {"statements": wrong})
            await self.require_silence(coordinator, "epoch_ready")
            coordinator.tell("beacon_reveals", {"statements": reveals})
            await coordinator.expect("epoch_ready")

        self.attack(4, script)

    def test_a_member_that_learns_the_slots_late(self) -> None:
        """The others, who know the members of the epoch before, have connected to it by then and sent their seeds."""

        async def script(coordinator: Coordinator) -> None:
            coordinator.propose(committee.SAMPLED)
            commits = [body for _, body in await coordinator.expect("beacon_commit")]
            coordinator.tell("beacon_commits", {"statements": commits})
            reveals = [body for _, body in await coordinator.expect("beacon_reveal")]
            *others, late = coordinator.ordered()
            for site in others:
                site.send("beacon_reveals", {"statements": reveals})
            # Nobody is ready without it; meanwhile the others connect.
            await self.require_silence(coordinator, "epoch_ready")
            late.send("beacon_reveals", {"statements": reveals})
            await coordinator.expect("epoch_ready")

        self.attack(4, script)

    def test_a_false_sum_is_not_applied(self) -> None:
        """Leaves, root and H(S) fit; only the check inside the vector does not."""

        async def script(coordinator: Coordinator) -> None:
            opened, everybody = coordinator.open(), range(3)
            await coordinator.collect(opened)
            await coordinator.vote(opened, everybody)
            await coordinator.answer(opened)
            total = coordinator.total(opened, everybody)
            coordinator.publish(opened, everybody, [(total[0] + 1) % field.P, *total[1:]])
            await coordinator.expect("closed")

        self.require_stopped(self.attack(3, script))

    def test_two_sets_for_one_round(self) -> None:
        async def script(coordinator: Coordinator) -> None:
            opened = coordinator.open()
            await coordinator.collect(opened)
            await coordinator.vote(opened, range(4))
            coordinator.tell("survivors", coordinator.survivors(opened, range(3)))
            await coordinator.expect("closed")

        self.require_stopped(self.attack(4, script))

    def test_a_skip_after_the_set(self) -> None:
        async def script(coordinator: Coordinator) -> None:
            opened = coordinator.open()
            await coordinator.collect(opened)
            await coordinator.vote(opened, range(3))
            skip = {"epoch_hash": coordinator.epoch, "ctx": opened.ctx, "round": coordinator.round, "reason": 1}
            coordinator.tell("skip", coordinator.seal("Skip", skip))
            await coordinator.expect("closed")

        self.require_stopped(self.attack(3, script))

    def test_no_answer_without_a_whole_certificate(self) -> None:
        """A vote too few, one twice in place of another, or of another set: nobody answers until it is right."""

        async def script(coordinator: Coordinator) -> None:
            opened = coordinator.open()
            await coordinator.collect(opened)
            await coordinator.vote(opened, range(3))
            votes = opened.votes
            for wrong in (
                [],
                votes[:2],
                [votes[0], votes[0], votes[2]],
                [*votes[:2], self.forged(coordinator, opened)],
            ):
                coordinator.tell("certificate", {"ctx": opened.ctx, "votes": wrong})
            await self.require_silence(coordinator, "partial")
            await coordinator.answer(opened)

        self.attack(3, script)

    @staticmethod
    def forged(coordinator: Coordinator, opened: Opened) -> Any:
        """A vote that C signed in place of a member."""
        return coordinator.seal(
            "Vote",
            {
                "epoch_hash": coordinator.epoch,
                "ctx": opened.ctx,
                "base": coordinator.chain.params_hash,
                "survivors_hash": bytes(32),
            },
        )

    async def require_silence(self, coordinator: Coordinator, *kinds: str) -> None:
        """Nobody says any of this for a while."""
        # That nothing comes can only be waited for.
        await asyncio.sleep(QUIET_SECONDS)
        for site in coordinator.ordered():
            said = [site.said.get_nowait()[0] for _ in range(site.said.qsize())]
            self.assertFalse(set(kinds) & set(said), said)

    def test_too_small_a_set_gets_no_vote(self) -> None:
        async def script(coordinator: Coordinator) -> None:
            opened = coordinator.open()
            await coordinator.collect(opened)
            for members in ([0, 1], [], [2]):
                coordinator.tell("survivors", coordinator.survivors(opened, members))
            unused = {"epoch_hash": coordinator.epoch, "ctx": opened.ctx, "bitmap": b"\xff"}
            coordinator.tell("survivors", coordinator.seal("Survivors", unused))
            longer = {**unused, "bitmap": bitmap_of(range(3), 3) + b"\0"}
            coordinator.tell("survivors", coordinator.seal("Survivors", longer))
            await self.require_silence(coordinator, "vote")
            await coordinator.vote(opened, range(3))

        self.attack(3, script)

    def test_who_has_answered_sends_no_update_in_a_later_epoch(self) -> None:
        """The same base in a new epoch: everybody who answered is silent, with cause 0."""

        async def script(coordinator: Coordinator) -> None:
            opened = coordinator.open()
            await coordinator.collect(opened)
            await coordinator.vote(opened, range(3))
            await coordinator.answer(opened)
            await coordinator.set_up()
            again = coordinator.open()
            for kind, body in await coordinator.expect("upload", "silence"):
                self.assertEqual((kind, body["ctx"], body["cause"]), ("silence", again.ctx, 0))

        self.attack(3, script)

    def test_an_epoch_that_was_left_is_closed(self) -> None:
        """Uploaded in two epochs under one base: neither vote nor answer in the first one any more."""

        async def script(coordinator: Coordinator) -> None:
            opened = coordinator.open()
            await coordinator.collect(opened)
            old = coordinator.survivors(opened, range(3))
            await coordinator.set_up()
            again = coordinator.open()
            await coordinator.collect(again)
            coordinator.tell("survivors", old)
            await self.require_silence(coordinator, "vote")
            await coordinator.vote(again, range(3))

        self.attack(3, script)

    def test_two_proposals_with_one_number(self) -> None:
        async def script(coordinator: Coordinator) -> None:
            other = {**coordinator.proposal(coordinator.number), "round": 9}
            coordinator.tell("epoch_proposal", coordinator.envelope(other))
            await coordinator.expect("closed")

        self.require_stopped(self.attack(3, script))

    def test_refused_proposals_by_line(self) -> None:
        """E1: each proposal has one fault, and every member refuses it with that line."""

        async def script(coordinator: Coordinator) -> None:
            await coordinator.set_up()
            await coordinator.collect(coordinator.open())
            honest = coordinator.proposal(coordinator.number + 1)
            run = honest["configuration"]
            invented = spki_of(ec.generate_private_key(ec.SECP256R1()).public_key())
            entries = [*honest["members"], {"spki": invented, "name": "site-invented"}]
            changed = [{**entry, "spki": invented} if at == 1 else entry for at, entry in enumerate(honest["members"])]
            # The line, or one for each member in order.
            faults: list[tuple[int | list[int], dict[str, Any]]] = [
                (0, {"federation": "other"}),
                (1, {"epoch": 1}),
                (2, {"round": coordinator.round}),
                (3, {"members": self.sort(entries), "slots": 4}),
                ([4, 5, 4], {"members": self.sort(changed)}),
                ([6, 6, 5], {"members": honest["members"][:2], "slots": 2}),
                (7, {"mode": 2}),
                (7, {"slots": 2}),
                (8, {"configuration": {**run, "bits": 33}}),
                (9, {"configuration": {**run, "cohort_min": 2}}),
                (9, {"configuration": {**run, "cohort_min": 4}}),
                (10, {"model_hash": bytes(32)}),
                (10, {"applied_rounds": 1}),
                (17, {"configuration": {**run, "learning_rate": 0.2}}),
            ]
            for lines, fault in faults:
                coordinator.tell("epoch_proposal", coordinator.envelope({**honest, **fault}))
                refusals = [body["line"] for _, body in await coordinator.expect("epoch_refusal")]
                with self.subTest(fault=list(fault), lines=lines):
                    self.assertEqual(refusals, lines if isinstance(lines, list) else [lines] * 3)
            await coordinator.set_up()

        self.attack(3, script)

    @staticmethod
    def sort(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """In the order of identities."""
        return sorted(entries, key=lambda entry: party_id(entry["spki"]))


if __name__ == "__main__":
    unittest.main()
