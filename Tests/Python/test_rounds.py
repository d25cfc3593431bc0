# SPDX-License-Identifier: MIT
"""Real rounds: the real server, real clients, and parties of this implementation among them.

Run with: python3 -m unittest test_rounds. PROGRAMS is the directory of smpc-server and smpc-client, by default
.build/debug. Everything is on the loopback interface, and every party finds the others through the coordinator.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from summand.channel import ALPN_ENROLL, TLS, bare_context
from summand.enrollment import EXPORTER, Token, ask, certificate_request, read_token
from summand.identity import ENROLLMENT_SCHEMA, sign, spki_of
from summand.primitives import Sized, mac

HERE = Path(__file__).resolve().parent
PROGRAMS = Path(os.environ.get("PROGRAMS", HERE.parent.parent / ".build" / "debug")).resolve()
PATIENCE_SECONDS = 120

# Who is ended from outside still ends what it started.
signal.signal(signal.SIGTERM, signal.default_int_handler)


class Federation:
    """A server with its sites, in a directory of its own; ends every process that it started."""

    def __init__(self, directory: Path, sites: list[str], *options: str) -> None:
        self.directory, self.sites = directory, sites
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.run("smpc-server", "init", "--state", self.at("fed"), "--federation", "python")
        self.invite(*sites)
        network = ["--listen", "127.0.0.1:0", "--discovery", "off"]
        # This implementation has no draws: every member is a helper.
        cohort = ["--cohort", str(len(sites)), "--slots", "all"]
        self.start("server", "smpc-server", "run", "--state", self.at("fed"), *network, *cohort, *options)
        self.address = self.await_log("server", r"listening on (\S+)")

    def at(self, name: str) -> str:
        """A path in the directory."""
        return str(self.directory / name)

    def invite(self, *sites: str) -> None:
        """Makes tokens."""
        self.run("smpc-server", "invite", *sites, "--state", self.at("fed"), "--out", self.at("tokens"))

    def run(self, program: str, *arguments: str) -> str:
        """Runs a program to its end."""
        done = subprocess.run(
            [PROGRAMS / program, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        if done.returncode:
            raise AssertionError(f"{program} {arguments[0]}: {done.stderr}")
        return done.stdout

    def start(self, name: str, program: str | Path, *arguments: str) -> None:
        """Starts a process whose output goes to a log."""
        command = program if isinstance(program, Path) else PROGRAMS / program
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        with (self.directory / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=HERE
            )

    def join(self, site: str) -> None:
        """Lets a real client join."""
        network = ["--state", self.at(site), "--server", self.address, "--discovery", "off"]
        self.run("smpc-client", "join", *network, "--token-file", self.at(f"tokens/{site}.token"))

    def start_client(self, site: str, part: int, parts: int, dataset: str) -> None:
        """Starts a real client, which joins first if it has not."""
        if not Path(self.at(site)).exists():
            self.join(site)
        network = ["--state", self.at(site), "--server", self.address, "--discovery", "off"]
        data = ["--listen", "127.0.0.1:0", "--dataset", dataset, "--part", f"{part}/{parts}"]
        self.start(site, "smpc-client", "run", *network, *data)

    def start_party(self, site: str, *options: str) -> None:
        """Starts a party of this implementation, which joins by itself."""
        files = ["--token-file", self.at(f"tokens/{site}.token"), "--rounds-file", self.at(f"{site}.jsonl")]
        self.start(site, Path(sys.executable), "-m", "summand.party", "--server", self.address, *files, *options)

    def await_log(self, name: str, pattern: str) -> str:
        """Waits until a process has said something; gives the first group of the pattern, or all of it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (match := re.search(pattern + r"\b.*\n", self.log(name))):
            if time.monotonic() > deadline or self.processes[name].poll() is not None:
                raise AssertionError(f"{name} does not say {pattern!r}: {self.log(name)}")
            time.sleep(0.05)
        return match[match.lastindex or 0]

    def log(self, name: str) -> str:
        """What a process said."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def wait(self) -> dict[str, int]:
        """The exit codes, when all have ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            return {name: one.wait(max(0.0, deadline - time.monotonic())) for name, one in self.processes.items()}
        except subprocess.TimeoutExpired:
            logs = "\n".join(f"== {name}\n{self.log(name)}" for name in self.processes)
            raise AssertionError(f"the run does not end\n{logs}") from None

    def end(self) -> None:
        """Ends what still runs."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()

    def rounds(self) -> list[dict[str, Any]]:
        """The rounds as the server has them in its database."""
        lines = self.run("smpc-server", "rounds", "--state", self.at("fed"), "--json").splitlines()
        return [json.loads(line) for line in lines]

    def status(self, site: str) -> dict[str, Any]:
        """Where a real client stands."""
        return json.loads(self.run("smpc-client", "status", "--state", self.at(site), "--json"))

    def computed(self, site: str) -> list[dict[str, Any]]:
        """The rounds as a party of this implementation computed them."""
        return [json.loads(line) for line in (self.directory / f"{site}.jsonl").read_text().splitlines()]


class RealRoundTests(unittest.TestCase):
    """The document is enough to take part."""

    def federation(self, sites: list[str], *options: str) -> Federation:
        """A federation that is gone after the test."""
        directory = tempfile.TemporaryDirectory(prefix="summand-python-")
        self.addCleanup(directory.cleanup)
        federation = Federation(Path(directory.name), sites, *options)
        self.addCleanup(federation.end)
        return federation

    def require_success(self, federation: Federation) -> None:
        """Every process ends with exit code 0; otherwise what they said is in the failure."""
        failed = {name: code for name, code in federation.wait().items() if code}
        logs = "\n".join(f"== {name}\n{federation.log(name)}" for name in (*failed, "server"))
        self.assertFalse(failed, f"exit codes {failed}\n{logs}")

    def require_agreement(self, federation: Federation, party: str, clients: list[str]) -> list[dict[str, Any]]:
        """The party computed every round's hashes as the server did, and all end with the same model."""
        theirs, ours = federation.rounds(), federation.computed(party)
        names = ("round", "epoch", "outcome", "params_hash", "model_hash")
        seen = [entry for entry in theirs if entry["outcome"] != "skipped" and entry["round"] >= ours[0]["round"]]
        self.assertEqual([{n: entry[n] for n in names} for entry in seen], [{n: e[n] for n in names} for e in ours])
        self.assertEqual([entry["kind"] for entry in ours], [0] * (len(ours) - 1) + [1])
        for client in clients:
            status = federation.status(client)
            self.assertEqual(status["model_hash"], ours[-1]["model_hash"])
            self.assertEqual(status["params_hash"], ours[-1]["params_hash"])
            self.assertEqual(status["roster"], ours[-1]["roster"])
        return ours

    def test_participant_and_helper_over_two_epochs(self) -> None:
        """Three rounds, the third in an epoch of its own, and the closing round; clipping, weights by samples."""
        federation = self.federation(
            ["site-a", "site-b", "site-python"],
            *(
                "--encoding",
                "exact",
                "--model",
                "softmax:8-3",
                "--rounds",
                "3",
                "--rounds-per-epoch",
                "2",
                "--clip",
                "0.05",
            ),
        )
        federation.start_party("site-python")
        federation.start_client("site-a", 0, 2, "synthetic:200,8,3")
        federation.start_client("site-b", 1, 2, "synthetic:200,8,3")
        self.require_success(federation)
        ours = self.require_agreement(federation, "site-python", ["site-a", "site-b"])
        self.assertEqual([entry["epoch"] for entry in ours], [1, 1, 2, 2])
        for entry in ours:
            self.assertEqual(sorted(entry["members"]), ["site-a", "site-b", "site-python"])

    def test_vectors_of_several_blocks(self) -> None:
        """152,650 coordinates: three mask blocks, nineteen pieces of a leaf, more than one window of credit."""
        federation = self.federation(
            ["site-a", "site-b", "site-python"],
            *("--encoding", "exact", "--model", "mlp:784-192-10", "--rounds", "2", "--weights", "uniform"),
        )
        federation.start_party("site-python")
        federation.start_client("site-a", 0, 2, "synthetic:60,784,10")
        federation.start_client("site-b", 1, 2, "synthetic:60,784,10")
        self.require_success(federation)
        self.assertEqual(len(self.require_agreement(federation, "site-python", ["site-a", "site-b"])), 3)

    def test_a_party_comes_back_at_every_step(self) -> None:
        """The connection is lost at each step of a round: nobody counts as lost, and no round is skipped."""
        federation = self.federation(
            ["site-a", "site-b", "site-python"], *("--encoding", "exact", "--model", "softmax:8-3", "--rounds", "3")
        )
        steps = ("round_open", "survivors", "certificate", "result")
        federation.start_party("site-python", *(part for step in steps for part in ("--drop", step)))
        federation.start_client("site-a", 0, 2, "synthetic:200,8,3")
        federation.start_client("site-b", 1, 2, "synthetic:200,8,3")
        self.require_success(federation)
        for step in steps:
            self.assertIn(f"hangs up instead of reading {step}", federation.log("site-python"))
        ours = self.require_agreement(federation, "site-python", ["site-a", "site-b"])
        self.assertEqual([(entry["round"], entry["epoch"]) for entry in ours], [(1, 1), (2, 1), (3, 1), (4, 1)])
        for entry in ours:
            self.assertEqual(sorted(entry["members"]), ["site-a", "site-b", "site-python"])

    def test_a_newcomer_is_handed_the_model(self) -> None:
        """A party that comes in the middle of a run takes the parameters over, and computes every later round."""
        for encoding in ("exact", "16"):
            with self.subTest(encoding=encoding):
                self.hand_over(encoding)

    def hand_over(self, encoding: str) -> None:
        """A run with a newcomer in the middle, who needs the scale as well where the encoding has one."""
        sites = ["site-a", "site-b", "site-c"]
        federation = self.federation(sites, *("--encoding", encoding, "--model", "softmax:8-3", "--rounds", "20"))
        federation.invite("site-python")
        federation.start_party("site-python", "--wait-for", federation.at("comes"))
        federation.await_log("site-python", "enrolled")
        for part, site in enumerate(sites):
            federation.join(site)
            policy = federation.directory / site / "policy.toml"
            policy.write_text(policy.read_text().replace('new_members = "ask"', 'new_members = "accept"'))
            federation.start_client(site, part, 3, "synthetic:200,8,3")
        federation.await_log("server", "round 1/20")
        Path(federation.at("comes")).touch()
        self.require_success(federation)
        ours = self.require_agreement(federation, "site-python", sites)
        self.assertIn("took over the model of step", federation.log("site-python"))
        self.assertLess(1, ours[0]["round"])
        self.assertEqual(ours[-1]["members"], ours[0]["members"])
        self.assertIn("site-python", ours[0]["members"])

    def test_the_same_update_again_after_a_loss(self) -> None:
        """A party leaves for good after its upload; the others close that epoch and send the same updates again."""
        federation = self.federation(
            ["site-a", "site-b", "site-leaves", "site-python"],
            *("--slots", "all", "--encoding", "exact", "--model", "softmax:8-3", "--rounds", "2"),
        )
        federation.start_party("site-python")
        federation.start_party("site-leaves", "--leave", "--seed", "2")
        federation.start_client("site-a", 0, 2, "synthetic:200,8,3")
        federation.start_client("site-b", 1, 2, "synthetic:200,8,3")
        self.require_success(federation)
        self.assertIn("leaves instead of voting", federation.log("site-leaves"))
        ours = self.require_agreement(federation, "site-python", ["site-a", "site-b"])
        self.assertEqual([entry["epoch"] for entry in ours], [2, 2, 2])
        for entry in ours:
            self.assertEqual(sorted(entry["members"]), ["site-a", "site-b", "site-python"])

    def test_packed_encodings(self) -> None:
        """Every number of bits: a first round of 32, then those of the run, whose scales follow from the sums."""
        for bits in (7, 9, 16, 21, 32):
            with self.subTest(bits=bits):
                federation = self.federation(
                    ["site-a", "site-b", "site-python"],
                    *("--encoding", str(bits), "--model", "softmax:40-10", "--rounds", "3", "--clip", "0.05"),
                )
                federation.start_party("site-python")
                federation.start_client("site-a", 0, 2, "synthetic:60,40,10")
                federation.start_client("site-b", 1, 2, "synthetic:60,40,10")
                self.require_success(federation)
                ours = self.require_agreement(federation, "site-python", ["site-a", "site-b"])
                self.assertEqual([entry["bits"] for entry in ours], [32, bits, bits, 63])
                self.assertEqual(ours[0]["exponents"], [-31, -31])
                self.assertNotEqual(ours[1]["exponents"], ours[0]["exponents"])
                for entry in ours:
                    self.assertEqual(sorted(entry["members"]), ["site-a", "site-b", "site-python"])

    def test_a_sum_that_overflows_is_made_again(self) -> None:
        """One update far larger than those before: everybody finds the overflow, and the repetition is applied."""
        federation = self.federation(
            ["site-a", "site-b", "site-python"],
            *("--encoding", "16", "--model", "softmax:8-3", "--rounds", "3", "--rounds-per-epoch", "2"),
        )
        federation.start_party("site-python", "--large", "2")
        federation.start_client("site-a", 0, 2, "synthetic:200,8,3")
        federation.start_client("site-b", 1, 2, "synthetic:200,8,3")
        self.require_success(federation)
        ours = self.require_agreement(federation, "site-python", ["site-a", "site-b"])
        outcomes = [entry["outcome"] for entry in ours]
        self.assertEqual(outcomes, ["applied", "overflowed", "applied", "applied", "applied"])
        self.assertEqual([entry["bits"] for entry in ours], [32, 16, 32, 16, 63])
        self.assertEqual([entry["epoch"] for entry in ours], [1, 1, 1, 2, 2])
        self.assertEqual(ours[1]["params_hash"], ours[0]["params_hash"])

    def test_packed_vectors_of_several_blocks(self) -> None:
        """152,650 coordinates of 9 bits: blocks of every size, one guard, signs and masks of several blocks."""
        federation = self.federation(
            ["site-a", "site-b", "site-python"],
            *("--encoding", "9", "--model", "mlp:784-192-10", "--rounds", "2", "--weights", "uniform"),
        )
        federation.start_party("site-python")
        federation.start_client("site-a", 0, 2, "synthetic:60,784,10")
        federation.start_client("site-b", 1, 2, "synthetic:60,784,10")
        self.require_success(federation)
        self.assertEqual(len(self.require_agreement(federation, "site-python", ["site-a", "site-b"])), 3)

    def test_slots_that_are_drawn(self) -> None:
        """Five members draw new slots for each round: two primaries, two standbys, and one that holds nothing. Primary and
        standby are both asked, and compared."""
        sites = ["site-a", "site-b", "site-c", "site-python-1", "site-python-2"]
        federation = self.federation(
            sites,
            *("--slots", "sampled", "--model", "softmax:8-3", "--rounds", "11", "--rounds-per-epoch", "1"),
            "--cross-check",
        )
        for seed, party in enumerate(sites[3:]):
            federation.start_party(party, "--seed", str(seed))
        for part, site in enumerate(sites[:3]):
            federation.start_client(site, part, 3, "synthetic:200,8,3")
        self.require_success(federation)
        held = ""
        for party in sites[3:]:
            ours = self.require_agreement(federation, party, sites[:3])
            self.assertEqual([entry["epoch"] for entry in ours], list(range(1, 13)))
            for entry in ours:
                self.assertEqual(sorted(entry["members"]), sites)
                self.assertEqual(len(set(entry["answered"])), 2)
            held += federation.log(party)
        self.assertNotIn("not done", federation.log("server"))
        # Neither of the two is a primary in three epochs of ten: in twelve running that happens once in two million runs.
        self.assertIn("primary of slot", held)
        self.assertIn("standby of slot", held)

    def test_a_standby_answers(self) -> None:
        """Of four members one slot has two Python parties: its primary leaves for good, and its standby answers."""
        sites = ["site-a", "site-python-1", "site-python-2", "site-python-3"]
        federation = self.federation(sites, *("--slots", "sampled", "--model", "softmax:8-3", "--rounds", "3"))
        for seed, party in enumerate(sites[1:]):
            federation.start_party(party, "--leave-to", "site-python", "--seed", str(seed))
        federation.start_client("site-a", 0, 1, "synthetic:200,8,3")
        self.require_success(federation)
        left = [party for party in sites[1:] if "leaves instead of answering" in federation.log(party)]
        self.assertEqual(len(left), 1)
        for party in set(sites[1:]) - set(left):
            ours = self.require_agreement(federation, party, ["site-a"])
            self.assertEqual(sorted(ours[0]["members"]), sites)
            self.assertNotIn(left[0], ours[0]["answered"])
            self.assertNotIn(left[0], ours[1]["members"])
        answers = federation.log(sites[1]) + federation.log(sites[2]) + federation.log(sites[3])
        self.assertIn("answers as standby", answers)

    def test_an_epoch_is_left_when_a_slot_is_lost(self) -> None:
        """Of six members one holds its upload back, and two that share a slot are killed: the others say that they have
        not voted, count the words of each other, and send the same updates in a second epoch."""
        sites = ["site-a", "site-b", *(f"site-python-{number}" for number in range(4))]
        federation = self.federation(sites, *("--slots", "sampled", "--model", "softmax:8-3", "--rounds", "2"))
        for seed, party in enumerate(sites[2:]):
            federation.start_party(party, *(["--hold"] if seed == 0 else []), "--seed", str(seed))
        for part, site in enumerate(sites[:2]):
            federation.start_client(site, part, 2, "synthetic:400,8,3")
        slots: dict[str, list[str]] = {}
        for site in sites:
            slots.setdefault(federation.await_log(site, r"(?:primary|standby) of slot (\d+)"), []).append(site)
        for party in sites[3:]:
            federation.await_log(party, "uploads in round 1")
        lost = next(pair for pair in slots.values() if sites[2] not in pair and pair != sites[:2])
        for site in lost:
            federation.processes[site].kill()
        codes = federation.wait()
        rest = [site for site in sites if site not in lost]
        self.assertEqual({site: codes[site] for site in ["server", *rest]}, dict.fromkeys(["server", *rest], 0))
        clients = [site for site in rest if site in sites[:2]]
        for party in set(rest) - set(clients):
            log = federation.log(party)
            self.assertIn("has not voted, and never will", log)
            if party != sites[2]:
                self.assertRegex(log, r"[45] of 6 members have not voted in epoch 1")
            ours = self.require_agreement(federation, party, clients)
            self.assertEqual(sorted(ours[0]["members"]), rest)
            self.assertEqual(ours[0]["epoch"], 2)

    def test_enrolment_is_refused_by_code(self) -> None:
        """Section 14: each refusal, then the grant, then the token is used."""
        federation = self.federation(
            ["site-a", "site-b", "site-python"], "--encoding", "exact", "--model", "softmax:8-3"
        )
        token = read_token((federation.directory / "tokens" / "site-python.token").read_text())
        other = ec.generate_private_key(ec.SECP256R1())
        cases: list[tuple[dict[str, Any], int | None]] = [
            ({"token_id": bytes(16)}, 2),
            ({"secret": bytes(32)}, 3),
            ({"exporter": bytes(32)}, 3),
            ({"name": "site-a"}, 6),
            ({"signer": other}, 7),
            ({"certificate_request": b"none"}, 11),
            ({"certificate_request": certificate_request(token.federation, token.name, other)}, 11),
            ({}, None),
            ({}, 5),
        ]
        for changes, expected in cases:
            answer = asyncio.run(self.ask(federation.address, token, **changes))
            with self.subTest(changes=list(changes), expected=expected):
                self.assertEqual(answer.get("refusal", {}).get("reason"), expected)
                self.assertEqual("grant" in answer, expected is None)

    @staticmethod
    async def ask(address: str, token: Token, **changes: Any) -> dict[str, Any]:
        """One request on a connection of its own, with a new key, as it should be but for these changes."""
        host, _, port = address.rpartition(":")
        tls = TLS(bare_context(ALPN_ENROLL), *await asyncio.open_connection(host, int(port)))
        await tls.handshake(dials=True)
        key = ec.generate_private_key(ec.SECP256R1())
        parts = {
            "token_id": token.identity,
            "name": token.name,
            "spki": spki_of(key.public_key()),
            "certificate_request": b"",
        }
        parts |= {name: value for name, value in changes.items() if name in parts}
        payload = ENROLLMENT_SCHEMA.encode("EnrollmentPayload", parts)
        signature = sign(changes.get("signer", key), "EnrollmentRequest", bytes(32), payload)
        exporter = changes.get("exporter") or tls.connection.export_keying_material(EXPORTER, 32, b"")
        secret = changes.get("secret", token.secret)
        request = {
            "payload": payload,
            "signature": signature,
            "authenticator": mac(secret, "enrollment", exporter, Sized(payload), Sized(signature)),
        }
        answer = await ask(tls, ENROLLMENT_SCHEMA.encode("EnrollmentRequest", request))
        tls.close()
        return answer


if __name__ == "__main__":
    unittest.main()
