# SPDX-License-Identifier: MIT
"""A member of a federation on the network: participant, helper and witness of real rounds.

    python3 -m summand.party --server HOST:PORT --token-file FILE [--rounds-file FILE]

Joins, takes part in one run and ends with its outcome as exit code. Trains on nothing: its updates are small numbers
from a seed, which is all that the protocol can tell. Each applied round is one JSON line in the rounds file.
"""

import argparse
import asyncio
import json
import os
import random
import sys
from pathlib import Path

from summand import committee, exact, keys
from summand.bases import NO_RECORD, Bases
from summand.chain import Chain
from summand.channel import (
    Channel,
    ChannelError,
    Closed,
    Credentials,
    Event,
    MessageCame,
    StreamCame,
    StreamRefused,
    dial,
    listen,
)
from summand.encoding import CLOSING, TRAINING
from summand.enrollment import enroll, read_token
from summand.epoch import Epoch, ProtocolError, Refusal, check_proposal, members_of, open_proposal
from summand.identity import COORDINATOR, PARTY, SCHEMA, IdentityError, Signer, open_envelope, read_certificate
from summand.primitives import party_id, roster_fingerprint
from summand.protobuf import Message
from summand.round import Round, Stream, Update

UNCONFIRMED_HANDOVER = 3
ALREADY_HELD, NOT_EXPECTED = 1, 2
DONE = 0
TURNED_AWAY_MAX = 5
REDIAL_SECONDS = 0.2
SMALL, LARGE = 0.01, 30.0
"""Sizes of an update."""
OPTIONS = ("server", "rounds_file", "seed", "drop", "leave", "large", "leave_to", "hold")
LEAVE_TO_HELP = "leave for good instead of answering, as primary of a slot whose standby's name begins so"
DROP_HELP = "hang up once instead of reading this message (round_open, survivors, certificate, result), and come back"


class Party:
    """One member. Everything happens in one task, in the order in which it came."""

    def __init__(
        self,
        credentials: Credentials,
        server: str,
        rounds: Path | None,
        seed: int,
        drops: list[str],
        leaves: bool,
        large: int | None,
        leaves_to: str | None,
        holds: bool,
    ) -> None:
        self._credentials, self._server_address, self._rounds_file = credentials, server, rounds
        self._drops, self._leaves, self._large = list(drops), leaves, large
        self._leaves_to, self._holds = leaves_to, holds
        self._signer = Signer(credentials.key)
        certified = read_certificate(credentials.certificate)
        self._federation, self._identity = certified.federation, certified.identity
        self._instance = os.urandom(16)
        self._random = random.Random(seed)
        self._events: asyncio.Queue[tuple[Channel, Event]] = asyncio.Queue()
        self._server: Channel | None = None
        self._directory: dict[bytes, list[str]] = {}
        self._peers: dict[bytes, Channel] = {}
        """The last connection with each peer."""
        self._links: list[Channel] = []
        """All of them: where both sides have dialled, either may be spoken on."""
        self._kept_seeds: dict[bytes, Message] = {}
        self._records: dict[str, bytes] = {}
        self._largest_epoch = 0
        self._last_epoch = 0
        self._last_round = 0
        self._epoch: Epoch | None = None
        self._chain: Chain | None = None
        self._handed: Chain | None = None
        self._computed = True
        """Whether this party computed its model itself."""
        self._round: Round | None = None
        self._update: tuple[bytes, Update] | None = None
        self._bases = Bases()
        self._epochs: dict[bytes, Epoch] = {}
        """The epochs with standbys that this party was in."""
        self._dialling: set[asyncio.Task[None]] = set()
        self._dropped = False
        self._turned_away = 0
        self.outcome: int | None = None

    async def run(self) -> int:
        """Takes part until the run ends; gives its outcome."""
        listener, self._port = await listen(self._credentials, self._receive, self._welcomes)
        server = await self._connect()
        while self.outcome is None:
            channel, event = await self._events.get()
            if channel is server and isinstance(event, Closed):
                server = await self._come_back(event)
            elif channel is server and not self._dropped:
                self._turned_away = 0
                self._from_server(event)
            elif any(link is channel for link in self._links):
                self._from_peer(channel, event)
        server.close(0)
        listener.close()
        # What was written has to leave before the loop ends.
        await asyncio.sleep(0.05)
        return self.outcome

    async def _come_back(self, closed: Closed) -> Channel:
        """Connects again where this party hung up, or was turned away before the coordinator knew it (section 14)."""
        if not self._dropped:
            self._turned_away += 1
            if closed.reason != DONE or self._turned_away > TURNED_AWAY_MAX:
                raise ChannelError(f"the coordinator is gone, reason {closed.reason}")
            # Right after an enrolment a server may not know the member yet, and says nothing when it does.
            await asyncio.sleep(REDIAL_SECONDS)
        return await self._connect()

    async def _connect(self) -> Channel:
        """Connects to the coordinator and says where this party stands."""
        self._dropped = False
        server = await dial(self._credentials, self._server_address, self._receive)
        if (server.peer.federation, server.peer.role) != (self._federation, COORDINATOR):
            raise IdentityError("the other side is not the coordinator of this federation")
        server.refuses = self._refuses
        self._server = server
        server.start()
        self._say_hello()
        return server

    def _drop(self, kind: str) -> bool:
        """Hangs up instead of reading a message, once for each kind that was asked for."""
        assert self._server is not None
        if kind not in self._drops:
            return False
        self._drops.remove(kind)
        print(f"hangs up instead of reading {kind}", flush=True)
        self._dropped = True
        self._server.close(None)
        return True

    def _refuses(self, header: bytes) -> int | None:
        """A party that has a model of this run is handed nothing (section 5)."""
        handed = "handover" in SCHEMA.decode("StreamHeader", header)
        return NOT_EXPECTED if handed and self._chain is not None else None

    def _say_hello(self) -> None:
        """Says where this party can be dialled and where it stands."""
        hello: Message = {"version": 1, "instance": self._instance, "addresses": [f"127.0.0.1:{self._port}"]}
        if self._chain is not None:
            hello["run"] = self._chain.configuration["run"]
            hello["chain_index"] = self._chain.index
            hello["model_hash"] = self._chain.model_hash
        if self._epoch is not None and self._epoch.own_masks:
            hello["epoch"] = self._epoch.number
        self._send("hello", hello)

    def _receive(self, channel: Channel, event: Event) -> None:
        self._events.put_nowait((channel, event))

    def _send(self, kind: str, body: Message) -> None:
        assert self._server is not None
        self._server.send(SCHEMA.encode("Frame", {kind: body}))

    def _send_stream(self, stream: Stream) -> None:
        assert self._server is not None
        header = SCHEMA.encode("StreamHeader", stream.header)
        self._server.send_stream(header, stream.data, SCHEMA.encode("Envelope", stream.trailer))

    # The coordinator.

    def _from_server(self, event: Event) -> None:
        if isinstance(event, MessageCame):
            for kind, body in SCHEMA.decode("Frame", event.bytes).items():
                handle = getattr(self, f"_on_{kind}", None)
                if handle is None:
                    raise ProtocolError(f"the coordinator sent {kind}")
                if not self._drop(kind):
                    handle(body)
        elif isinstance(event, StreamCame):
            if not self._drop("result"):
                self._on_stream(event)
        elif isinstance(event, StreamRefused) and event.code == NOT_EXPECTED and self._chain and self._chain.repeats:
            print("this party is not in the set that sends again", flush=True)
        elif isinstance(event, StreamRefused) and event.code != ALREADY_HELD:
            raise ProtocolError(f"the coordinator refused a vector with code {event.code}")

    def _on_directory(self, body: Message) -> None:
        for entry in body["entries"]:
            self._directory[entry["party"]] = entry["addresses"]

    def _on_epoch_proposal(self, envelope: Message) -> None:
        assert self._server is not None
        proposal = open_proposal(envelope, self._server.peer.spki)
        if self._epoch is not None and proposal["epoch"] == self._epoch.number:
            self._repeat_epoch(envelope)
            return
        try:
            self._check(proposal)
        except Refusal as refusal:
            self._refuse(envelope, proposal, refusal)
            return
        self._enter_epoch(Epoch(envelope, proposal, self._signer))

    def _repeat_epoch(self, envelope: Message) -> None:
        """The same proposal again, from a coordinator that misses something."""
        assert self._epoch is not None
        if envelope["payload"] != self._epoch.envelope["payload"]:
            raise ProtocolError("evidence: two proposals with one number")
        if self._epoch.drawing:
            self._say_draw(self._epoch)
        elif self._epoch.complete:
            self._send("epoch_ready", self._epoch.statement(self._computed))
        else:
            missing = tuple(self._epoch.members[at].identity for at in self._epoch.unfinished())
            refusal = Refusal(18, "keys are not exchanged with everybody", missing)
            self._refuse(envelope, self._epoch.proposal, refusal)

    def _check(self, proposal: Message) -> None:
        """E1, in the order of the document."""
        members = members_of(proposal)
        if proposal["federation"] == self._federation:
            if proposal["epoch"] <= self._last_epoch:
                raise Refusal(1, "the number of an earlier epoch")
            if proposal["round"] <= self._last_round:
                raise Refusal(2, "a round that was acted in")
        check_proposal(proposal, members, self._identity, self._federation)
        if len(members) < -(-2 * self._largest_epoch // 3):
            raise Refusal(6, "too few members")
        unknown = tuple(
            member.identity for member in members if self._records and member.spki not in self._records.values()
        )
        if unknown:
            changed = any(m.name in self._records and m.identity in unknown for m in members)
            raise Refusal(4 if changed else 3, "members that are not confirmed", unknown)
        self._check_model(proposal)
        found = {member.name: member.spki for member in members}
        if found.items() - self._records.items():
            self._records.update(found)
            self._say_hello()

    def _check_model(self, proposal: Message) -> None:
        configuration = proposal["configuration"]
        if self._chain is None and self._handed is not None:
            self._chain, self._computed = self._handed, False
        elif self._chain is None:
            self._chain = Chain.begin(configuration)
        if {**configuration, "cohort_min": 0} != {**self._chain.configuration, "cohort_min": 0}:
            raise Refusal(17, "not the configuration that the run began with")
        if (proposal["model_hash"], proposal["params_hash"]) != (self._chain.model_hash, self._chain.params_hash):
            raise Refusal(10, "not the model that this party computed")
        if proposal["applied_rounds"] != self._chain.applied:
            raise Refusal(10, f"{proposal['applied_rounds']} applied rounds, not {self._chain.applied}")
        self._chain.configuration = configuration

    def _refuse(self, envelope: Message, proposal: Message, refusal: Refusal) -> None:
        body = {
            "epoch": proposal["epoch"],
            "proposal_hash": keys.proposal_hash(envelope["payload"]),
            "line": refusal.line,
            "detail": refusal.detail,
            "parties": list(refusal.parties),
        }
        print(f"refused the proposal of epoch {proposal['epoch']}: {refusal.detail}", flush=True)
        self._send("epoch_refusal", body)

    def _enter_epoch(self, epoch: Epoch) -> None:
        self._close_peers()
        self._epoch, self._round = epoch, None
        self._last_epoch, self._largest_epoch = epoch.number, max(self._largest_epoch, epoch.n)
        print(f"epoch {epoch.number} of {epoch.n} members", flush=True)
        if epoch.drawing:
            self._say_draw(epoch)
        else:
            self._exchange(epoch)

    def _say_draw(self, epoch: Epoch) -> None:
        """The commit, and the nonce if it was shown before."""
        self._send("beacon_commit", epoch.commit())
        if epoch.reveal is not None:
            self._send("beacon_reveal", epoch.reveal)

    def _on_beacon_commits(self, body: Message) -> None:
        # Behind its draw a member passes these messages over.
        if self._epoch is not None and self._epoch.drawing:
            self._send("beacon_reveal", self._epoch.take_commits(body))

    def _on_beacon_reveals(self, body: Message) -> None:
        if self._epoch is not None and self._epoch.drawing:
            self._epoch.take_reveals(body)
            self._exchange(self._epoch)

    def _exchange(self, epoch: Epoch) -> None:
        """E3: the slots are known; this side dials where its identity is the smaller one."""
        if epoch.own_slot is not None:
            place = "primary" if epoch.slots[epoch.own_slot][0] == epoch.own else "standby"
            print(f"{place} of slot {epoch.own_slot}", flush=True)
        for member in epoch.members:
            if member.identity > self._identity:
                task = asyncio.get_running_loop().create_task(self._dial_peer(epoch, member.identity))
                self._dialling.add(task)
                task.add_done_callback(self._dialling.discard)

    def _on_epoch_ready_bundle(self, body: Message) -> None:
        assert self._epoch is not None
        kind, answer = self._epoch.take_bundle(body)
        self._send(kind, answer)
        self._close_peers()

    def _on_round_open(self, opened: Message) -> None:
        assert self._epoch is not None and self._chain is not None
        if not self._epoch.ready:
            raise ProtocolError("a round before the epoch is ready")
        self._bases.enter(self._epoch.hash)
        self._epochs[self._epoch.hash] = self._epoch
        if self._round is None or self._round.opened != opened:
            self._round = Round(self._epoch, self._chain, self._signer, opened)
            self._last_round = self._round.number
        self._upload(self._round)

    def _upload(self, opened: Round) -> None:
        """R1: the vector, or why there is none."""
        epoch = opened.epoch
        if self._holds and epoch.number == 1:
            print("holds its upload back", flush=True)
            return
        if not self._computed and epoch.others_own < epoch.numbers.f + 1:
            cause: int | None = UNCONFIRMED_HANDOVER
        else:
            cause = self._bases.begin_upload(epoch.hash, opened.base, epoch.mode != committee.ALL)
        if cause is not None:
            self._send("silence", {"ctx": opened.ctx, "cause": cause})
            return
        if self._update is None or self._update[0] != opened.base:
            self._update = opened.base, self._train(opened)
        self._send_stream(opened.upload(self._update[1]))
        print(f"uploads in round {opened.number}", flush=True)

    def _train(self, opened: Round) -> Update:
        """Small numbers from a seed, in place of training; the metrics are as plausible."""
        largest = LARGE if opened.number == self._large else SMALL
        count = opened.encoding.coordinates
        difference = [exact.float32(self._random.uniform(-largest, largest)) for _ in range(count)]
        metrics = exact.Metrics(loss_sum=23.5, correct=21, tested=37, clipped=False)
        return Update(difference, 150, metrics, os.urandom(32), os.urandom(32))

    def _on_survivors(self, envelope: Message) -> None:
        if self._leaves:
            print("leaves instead of voting", flush=True)
            self.outcome = 0
            return
        current = self._current()
        vote = current.vote(envelope, self._coordinator())
        self._bases.lock(current.epoch.hash, current.base, current.survivors_hash)
        self._send("vote", vote)

    def _on_certificate(self, body: Message) -> None:
        current = self._current()
        stream = current.answer(body)
        if self._leaves_to and self._standby_of(current.epoch).startswith(self._leaves_to):
            print("leaves instead of answering", flush=True)
            self.outcome = 0
            return
        self._bases.answer(current.epoch.hash, current.base, current.survivors_hash)
        if current.epoch.slots[current.epoch.own_slot or 0][0] != current.epoch.own:
            print(f"answers as standby of slot {current.epoch.own_slot}", flush=True)
        self._send_stream(stream)

    @staticmethod
    def _standby_of(epoch: Epoch) -> str:
        """The name of the member that answers when this one does not; empty where nobody does."""
        slot = epoch.slots[epoch.own_slot] if epoch.own_slot is not None else []
        return epoch.members[slot[1]].name if len(slot) > 1 and slot[0] == epoch.own else ""

    def _on_not_voted_request(self, asked: Message) -> None:
        """Says that it has not voted there and never will, or why it cannot (section 5, leaving an epoch)."""
        assert self._chain is not None
        epoch, base = asked["epoch_hash"], asked["base"]
        present = [keys.base(kind, self._chain.params_hash) for kind in (TRAINING, CLOSING)]
        reason = self._bases.not_voted(epoch, base) if base in present else NO_RECORD
        if reason is not None:
            self._send("not_voted_refusal", {**asked, "reason": reason})
            return
        print("has not voted, and never will", flush=True)
        self._send("not_voted", self._signer.seal("NotVoted", epoch, "NotVoted", asked))

    def _on_not_voted_bundle(self, bundle: Message) -> None:
        """Counts the members of an earlier epoch that have not voted there, with their keys and by its own numbers."""
        place = bundle["epoch_hash"], bundle["base"]
        epoch = self._epochs.get(bundle["epoch_hash"])
        if epoch is None or not self._bases.needs_words(*place):
            return
        bits = int.from_bytes(bundle["bitmap"], "little")
        said = [member for member in range(epoch.n) if bits >> member & 1]
        if len(bundle["bitmap"]) != -(-epoch.n // 8) or bits >> epoch.n or len(said) != len(bundle["statements"]):
            raise ProtocolError("a bitmap of another epoch")
        valid = 0
        for member, envelope in zip(said, bundle["statements"], strict=True):
            try:
                word = open_envelope(envelope, epoch.members[member].spki, "NotVoted", "NotVoted")
            except IdentityError:
                continue
            valid += (word["epoch_hash"], word["base"]) == place
        if valid < committee.not_voted(epoch.n, epoch.numbers):
            raise ProtocolError(f"only {valid} members have not voted")
        print(f"{valid} of {epoch.n} members have not voted in epoch {epoch.number}", flush=True)
        self._bases.rule_out(*place)

    def _on_skip(self, envelope: Message) -> None:
        current = self._current()
        current.skip(envelope, self._coordinator())
        print(f"round {current.number} was skipped", flush=True)
        self._round = None

    def _on_stream(self, stream: StreamCame) -> None:
        header = SCHEMA.decode("StreamHeader", stream.header)
        if "handover" in header:
            self._handed = Chain.handed(header["handover"], stream.data)
            print(f"took over the model of step {self._handed.index}", flush=True)
            return
        if "result" not in header:
            raise ProtocolError(f"an unexpected stream: {', '.join(header)}")
        assert self._epoch is not None and self._chain is not None
        opened, chain = header["result"]["round"], self._chain
        current = self._round
        if current is None or current.opened != opened:
            # A round that was missed while away.
            current = Round(self._epoch, chain, self._signer, opened)
        envelope = SCHEMA.decode("Envelope", stream.trailer)
        before = chain.params_hash
        holds = current.apply(header["result"], stream.data, envelope, self._coordinator())
        self._computed = True
        if chain.params_hash != before:
            self._bases.leave(before)
            self._update = None
        self._record(current, chain, holds)
        self._send("applied", {"ctx": current.ctx, "model_hash": chain.model_hash})
        self._round = None

    def _record(self, current: Round, chain: Chain, holds: bool) -> None:
        outcome, scale = "applied" if holds else "overflowed", current.encoding.scale
        line = {
            "round": current.number,
            "outcome": outcome,
            "kind": current.kind,
            "bits": scale.bits,
            "exponents": list(scale.exponents),
            "epoch": current.epoch.number,
            "params_hash": chain.params_hash.hex(),
            "model_hash": chain.model_hash.hex(),
            "members": [current.epoch.members[member].name for member in current.members],
            "answered": [current.epoch.members[holder].name for holder in current.answered],
            "roster": roster_fingerprint([member.spki for member in current.epoch.members]),
        }
        print(f"round {current.number} {outcome}, model {chain.model_hash.hex()[:16]}", flush=True)
        if self._rounds_file:
            with self._rounds_file.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def _on_run_end(self, body: Message) -> None:
        print(f"the run ended with outcome {body['outcome']}: {body['sentence']}", flush=True)
        self.outcome = body["outcome"]

    def _current(self) -> Round:
        if self._round is None:
            raise ProtocolError("a message about a round, and none is open")
        return self._round

    def _coordinator(self) -> bytes:
        assert self._server is not None
        return self._server.peer.spki

    # The peers.

    def _welcomes(self, channel: Channel) -> bool:
        """Pinning: a peer has to be a member of the epoch that this party knows."""
        peer = channel.peer
        epoch = self._epoch
        known = epoch is not None and not epoch.drawing and not epoch.ready
        known = known and peer.spki in [member.spki for member in epoch.members]
        if known and peer.role == PARTY:
            self._peers[peer.identity] = channel
            self._links.append(channel)
            asyncio.get_running_loop().call_soon(self._greet, channel)
        return known

    async def _dial_peer(self, epoch: Epoch, identity: bytes) -> None:
        """Of two peers the smaller identity dials, until keys are exchanged."""
        while self._epoch is epoch and epoch.index_of(identity) in epoch.unfinished():
            connected = identity in self._peers and not self._peers[identity].closed
            for address in [] if connected else self._directory.get(identity, []):
                try:
                    channel = await dial(self._credentials, address, self._receive)
                except (OSError, ChannelError, IdentityError):
                    continue
                if party_id(channel.peer.spki) != identity or self._epoch is not epoch:
                    channel.close(3)
                    continue
                self._peers[identity] = channel
                self._links.append(channel)
                channel.start()
                self._greet(channel)
                break
            # A peer that does not listen yet gives no sign when it does.
            await asyncio.sleep(REDIAL_SECONDS)

    def _greet(self, channel: Channel) -> None:
        """Whoever is connected to a holder of a slot sends it a seed, at once."""
        if self._epoch is not None:
            peer = self._epoch.index_of(channel.peer.identity)
            if peer in self._epoch.slot_of:
                self._send_peer(channel, "slot_seed", self._epoch.seed_for(peer))

    def _send_peer(self, channel: Channel, kind: str, body: Message) -> None:
        channel.send(SCHEMA.encode("Frame", {kind: body}))

    def _from_peer(self, channel: Channel, event: Event) -> None:
        if not isinstance(event, MessageCame) or self._epoch is None:
            return
        epoch, was_complete = self._epoch, self._epoch.complete
        sender = epoch.index_of(channel.peer.identity)
        for kind, body in SCHEMA.decode("Frame", event.bytes).items():
            if kind == "slot_seed":
                self._on_slot_seed(channel, epoch, sender, body)
            elif kind == "slot_seed_ack":
                epoch.take_ack(sender, body)
            elif kind == "slot_reject":
                print(f"{channel.peer.identity.hex()[:8]} is in epoch {body['epoch']}", flush=True)
            else:
                raise ProtocolError(f"a peer sent {kind}")
        if epoch.complete and not was_complete:
            self._send("epoch_ready", epoch.statement(self._computed))

    def _on_slot_seed(self, channel: Channel, epoch: Epoch, sender: int, body: Message) -> None:
        stated = SCHEMA.decode("SlotSeedStatement", body["statement"]["payload"])
        if stated["epoch_hash"] != epoch.hash:
            self._kept_seeds[channel.peer.identity] = body
            self._send_peer(channel, "slot_reject", {"epoch": epoch.number, "proposal": epoch.envelope})
        else:
            self._send_peer(channel, "slot_seed_ack", epoch.take_seed(sender, body))

    def _close_peers(self) -> None:
        for channel in self._links:
            channel.close(0)
        self._peers, self._links = {}, []


async def take_part(arguments: argparse.Namespace) -> int:
    """Enrols and takes part."""
    token = read_token(arguments.token_file.read_text())
    credentials = await enroll(token, arguments.server)
    print("enrolled", flush=True)
    while arguments.wait_for and not arguments.wait_for.exists():
        await asyncio.sleep(0.01)
    options = (getattr(arguments, name) for name in OPTIONS)
    party = Party(credentials, *options)
    return await party.run()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Takes part in one run of a federation, to test the protocol.")
    parser.add_argument("--server", required=True, help="the coordinator's HOST:PORT")
    parser.add_argument("--token-file", required=True, type=Path, help="the file that holds the token")
    parser.add_argument("--rounds-file", type=Path, help="where each applied round is written as a line of JSON")
    parser.add_argument("--drop", action="append", default=[], metavar="MESSAGE", help=DROP_HELP)
    parser.add_argument("--leave", action="store_true", help="leave for good instead of the first vote")
    parser.add_argument("--wait-for", type=Path, metavar="FILE", help="connect, once enrolled, when this file exists")
    parser.add_argument("--leave-to", metavar="PREFIX", help=LEAVE_TO_HELP)
    parser.add_argument("--hold", action="store_true", help="upload nothing in the first epoch, without a word")
    parser.add_argument("--large", type=int, metavar="ROUND", help="train to something far off in this round")
    parser.add_argument("--seed", type=int, default=1, help="the number that the updates derive from")
    try:
        return asyncio.run(take_part(parser.parse_args()))
    except (ProtocolError, IdentityError, ChannelError) as error:
        print(f"stopped: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
