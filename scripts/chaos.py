#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills a federation that trains, and says what became of it. Started by scripts/chaos.sh, whose help describes it."""

import argparse
import contextlib
import datetime
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ACCURACY_MAX = 0.5  # points between the two models
BACK_MAX = 2.0  # seconds from the start of a process to its place in the round
STANDSTILL = 5  # seconds after which a round counts as one more for those who are down: it may be waiting for them
LOOK = 0.02  # seconds between two looks at what other processes have written


class Failure(Exception):
    """Something that is demanded and did not happen."""


class Program:
    """A process, its output in a file of its own."""

    def __init__(self, command, log):
        self.log = log
        self.began = time.time()
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=dict(os.environ, OPENBLAS_NUM_THREADS="1", NO_COLOR="1"))

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def words(self):
        return self.log.read_text(errors="replace")

    def time_of(self, pattern):
        """When the log's first line of this kind was written, after the start of the process; None without one."""
        for line in self.words().splitlines():
            if re.search(pattern, line) and (found := re.match(r"(\S+Z) ", line)):
                return datetime.datetime.fromisoformat(found[1].replace("Z", "+00:00")).timestamp() - self.began
        return None


class Federation:
    """A server and its clients as processes on loopback, in a directory of their own."""

    def __init__(self, name, options, rounds):
        self.options = options
        self.rounds = rounds
        self.directory = options.metrics / "state" / name
        self.records = options.metrics / name
        self.logs = options.metrics / "logs" / name
        for path in (self.directory, self.records, self.logs):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True, mode=0o700)
        self.launches = 0
        self.server_options = ()
        self.client_options = ()
        self.server = None
        self.clients = {}
        self.port = 0
        self.run("smpc-server", "init", "--state", self.directory / "fed", "--federation", f"chaos-{name}")
        names = [f"site-{k}" for k in range(options.clients)]
        self.run("smpc-server", "invite", *names, "--state", self.directory / "fed", "--out", self.directory / "tokens")

    def log(self, name):
        self.launches += 1
        return self.logs / f"{self.launches:04}-{name}.log"

    def program(self, name, *words):
        return [str(self.options.bin / name), *map(str, words)]

    def run(self, program, *words):
        """Runs a command to its end, which must be a good one, and gives what it printed."""
        done = subprocess.run(self.program(program, *words), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{program} {words[0]} ended with exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start_server(self):
        options = self.options
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        chosen = ["--slots", options.slots] if options.slots else []
        self.server = Program(
            self.program(
                "smpc-server", "run", "--state", self.directory / "fed", "--rounds", self.rounds, "--cohort",
                options.clients, "--listen", f"127.0.0.1:{self.port}", "--discovery", "off", "--port-file", port_file,
                "--model", options.model, "--seed", options.seed, "--encoding", options.encoding, "--metrics",
                self.records, "--dataset", options.dataset, "--partition", options.partition, "--verbose", *chosen,
                *self.server_options),
            self.log("server"))
        self.wait(lambda: port_file.exists() and port_file.read_text().strip(), "the server listens")
        self.port = int(port_file.read_text().split(":")[-1])

    def join(self):
        for k in range(self.options.clients):
            self.run(
                "smpc-client", "join", "--state", self.directory / f"site-{k}", "--token-file",
                self.directory / "tokens" / f"site-{k}.token", "--server", f"127.0.0.1:{self.port}")

    def start_client(self, k):
        options = self.options
        self.clients[k] = Program(
            self.program(
                "smpc-client", "run", "--state", self.directory / f"site-{k}", "--server", f"127.0.0.1:{self.port}",
                "--discovery", "off", "--listen", "127.0.0.1:0", "--dataset", options.dataset, "--partition",
                options.partition, "--part", f"{k}/{options.clients}", "--verbose", *self.client_options),
            self.log(f"site-{k}"))

    def begin(self):
        self.start_server()
        self.join()
        for k in range(self.options.clients):
            self.start_client(k)

    def lines(self):
        path = self.records / "rounds.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []

    def applied(self):
        return len(self.lines())

    def history(self):
        """Every round that is over, as the server's database has it."""
        printed = self.run("smpc-server", "rounds", "--state", self.directory / "fed", "--json")
        return [line for line in map(json.loads, printed.splitlines()) if line.get("event") == "result"]

    def wait(self, condition, what, seconds=None):
        """Waits for something that other processes do."""
        deadline = time.monotonic() + (seconds or 60 * self.options.limit)
        while not condition():
            if self.server and not self.server.is_running():
                raise Failure(f"{what}: the server has ended: {last_line(self.server)}")
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within the time that there is")
            # Other processes give no sign that could be waited for.
            time.sleep(LOOK)

    def end(self):
        for program in [*self.clients.values(), *([self.server] if self.server else [])]:
            if program.is_running():
                program.kill()


def last_line(program):
    lines = program.words().strip().splitlines()
    return f"{lines[-1] if lines else 'it said nothing'} (exit code {program.process.poll()}, {program.log})"


def calm(options):
    """The run without disturbance."""
    say(f"== undisturbed: {options.clients} clients, {options.rounds} rounds, {options.dataset}")
    federation = Federation("calm", options, options.rounds)
    began = time.monotonic()
    try:
        federation.begin()
        code = finish(federation, lambda: None)
        return federation.lines(), federation.history(), time.monotonic() - began, code
    finally:
        federation.end()


def finish(federation, look):
    """Waits for the server's end, looking after what has to be done, and shows every fifth round."""
    deadline = time.monotonic() + 60 * federation.options.limit
    shown = 0
    while federation.server.is_running():
        look()
        applied = federation.applied()
        if applied >= shown + 5:
            shown = applied
            say(f"   {applied} of {federation.rounds} rounds, accuracy {100 * federation.lines()[-1]['accuracy']:.2f} %")
        if time.monotonic() > deadline:
            raise Failure(f"not over within {federation.options.limit} minutes: {last_line(federation.server)}")
        # What is looked for are lines in files of other processes.
        time.sleep(LOOK)
    return federation.server.process.returncode


class Disturbance:
    """Decides from a seed who dies in which round, when, and for how long, and does it."""

    def __init__(self, federation):
        self.federation = federation
        self.random = random.Random(federation.options.seed)
        self.round = 0
        self.began = time.monotonic()
        self.length = 1.0
        self.due = []  # (moment, what)
        self.down = {}  # client: the round in which it returns, and when at the latest
        self.kills = self.starts = self.server_kills = 0

    def look(self):
        now = time.monotonic()
        applied = self.federation.applied()
        if applied + 1 != self.round:
            if self.round:
                self.length = now - self.began
            self.began = now
            self.round = applied + 1
            self.plan(now)
        self.bring_back(now)
        for moment, action in sorted(entry for entry in self.due if entry[0] <= now):
            self.due.remove((moment, action))
            self.perform(action)

    def bring_back(self, now):
        for client, (back, latest) in sorted(self.down.items()):
            if self.round >= back or now >= latest:
                del self.down[client]
                self.federation.start_client(client)
                self.starts += 1

    def plan(self, now):
        if self.round > self.federation.rounds:
            return
        # A random moment of the round, so that every step is met: as long as the round before took, at most.
        count = self.federation.options.clients // 10
        up = [client for client in range(self.federation.options.clients) if client not in self.down]
        for client in self.random.sample(up, min(count, len(up))):
            moment = now + self.random.uniform(0, self.length)
            self.due.append((moment, ("client", client, self.random.randint(1, 3))))
        if self.round % 10 == 0:
            self.due.append((now + self.random.uniform(0, self.length), ("server", 0, 0)))

    def perform(self, action):
        kind, client, rounds = action
        if kind == "server":
            if self.federation.server.is_running():
                self.federation.server.kill()
                self.server_kills += 1
                self.federation.start_server()
        elif client not in self.down:
            if not self.federation.clients[client].is_running():
                code = self.federation.clients[client].process.returncode
                if code == 0:
                    return
                raise Failure(f"site-{client} has ended by itself: {last_line(self.federation.clients[client])}")
            self.federation.clients[client].kill()
            self.kills += 1
            latest = time.monotonic() + rounds * max(self.length, STANDSTILL)
            self.down[client] = (self.round + rounds, latest)


def chaos(options):
    """The run that is disturbed."""
    say(f"== disturbed: one client in ten killed every round, the server every tenth, seed {options.seed}")
    federation = Federation("chaos", options, options.rounds)
    began = time.monotonic()
    try:
        federation.begin()
        # Whoever is not in the first epoch is a newcomer, whom every site has to confirm.
        federation.wait(lambda: "epoch 1: " in federation.server.words(), "the first epoch is set up")
        disturbance = Disturbance(federation)
        code = finish(federation, disturbance.look)
        wait_for_clients(federation, disturbance)
        return federation.lines(), federation.history(), time.monotonic() - began, code, disturbance, federation
    finally:
        federation.end()


def wait_for_clients(federation, disturbance):
    """Lets the clients hear of the run's end; one that was started too late to hear of it finds nobody."""
    deadline = time.monotonic() + 15
    for k, client in sorted(federation.clients.items()):
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.process.wait(timeout=max(0, deadline - time.monotonic()))
        if k not in disturbance.down and client.process.poll() != 0:
            say(f"   site-{k} did not hear of the end: {last_line(client)}")


def restarts(options):
    """How long a client and a server that were killed in the middle of a round take to be back in it."""
    say(f"== restarts in mid-round, {options.restarts} of each")
    federation = Federation("restarts", options, 100_000)
    generator = random.Random(options.seed)
    clients, servers = [], []
    try:
        federation.begin()
        federation.wait(lambda: federation.applied() >= 3, "three rounds are applied")
        for trial in range(options.restarts):
            settle(federation)
            victim = generator.randrange(options.clients)
            federation.clients[victim].kill()
            federation.start_client(victim)
            back = federation.clients[victim]
            federation.wait(lambda: back.time_of("received message=RoundOpen") is not None, "a client is back", 300)
            clients.append(back.time_of("received message=RoundOpen"))
            settle(federation)
            seen = {k: client.words().count("received message=RoundOpen") for k, client in federation.clients.items()}
            federation.server.kill()
            federation.start_server()
            began = federation.server.began
            # Back is the server when the last of its clients has been sent into the round again.
            times = {}

            def everybody():
                for k, client in federation.clients.items():
                    lines = [line for line in client.words().splitlines() if "received message=RoundOpen" in line]
                    if k not in times and len(lines) > seen[k]:
                        stamp = lines[seen[k]].split(" ")[0].replace("Z", "+00:00")
                        times[k] = datetime.datetime.fromisoformat(stamp).timestamp() - began
                return len(times) == len(federation.clients)

            federation.wait(everybody, "the server is back", 300)
            servers.append(max(times.values()))
        return clients, servers
    finally:
        federation.end()


def settle(federation):
    """Waits for the middle of a round: one more is applied, and the next is open."""
    applied = federation.applied()
    federation.wait(lambda: federation.applied() > applied, "a round is applied")
    opened = re.compile("received message=RoundOpen")
    before = {k: len(opened.findall(client.words())) for k, client in federation.clients.items()}
    # The record comes with the sum; the next round opens when it is applied everywhere.
    federation.wait(
        lambda: any(len(opened.findall(client.words())) > before[k] for k, client in federation.clients.items())
        or federation.applied() > applied + 1, "the next round is open")


def account(history, rounds):
    """Sorts the rounds by what became of them; complains about one that nobody accounts for."""
    outcomes, complaints = {}, []
    numbers = [entry["round"] for entry in history]
    if numbers != list(range(1, len(numbers) + 1)):
        complaints.append(f"the rounds are not numbered without gaps: {numbers}")
    for entry in history:
        kind = entry["outcome"] if entry["kind"] == "training" else entry["kind"]
        outcomes[kind] = outcomes.get(kind, 0) + 1
        if entry["outcome"] != "applied" and not entry.get("reason"):
            complaints.append(f"round {entry['round']} was {entry['outcome']} without a reason")
    if outcomes.get("applied", 0) != rounds:
        complaints.append(f"{outcomes.get('applied', 0)} of {rounds} rounds were applied")
    return outcomes, complaints


def say(text):
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", type=int)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--partition", default="iid")
    parser.add_argument("--model", default="mlp:784-128-10")
    parser.add_argument("--encoding", default="16")
    parser.add_argument("--slots")
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.bin, options.metrics = options.bin.resolve(), options.metrics.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    complaints = []
    try:
        still, still_history, still_seconds, still_code = calm(options)
        if still_code != 0:
            raise Failure(f"the undisturbed run ended with exit code {still_code}")
        lines, history, seconds, code, disturbance, federation = chaos(options)
        if code != 0:
            complaints.append(f"the run ended with exit code {code}: {last_line(federation.server)}")
        outcomes, more = account(history, options.rounds)
        complaints += more
        clients, servers = restarts(options) if options.restarts else ([], [])
    except Failure as failure:
        say(f"chaos.sh: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    accuracy = [100 * (records[-1]["accuracy"] if records else 0) for records in (still, lines)]
    apart = abs(accuracy[0] - accuracy[1])
    if apart > ACCURACY_MAX:
        complaints.append(f"the accuracies are {apart:.2f} points apart, {ACCURACY_MAX} at most")
    slow = [f"{each:.2f}" for each in clients + servers if each > BACK_MAX]
    if slow:
        complaints.append(f"back in the round after {', '.join(slow)} s, {BACK_MAX:.0f} at most")
    cohorts = [record["cohort"] for record in lines]
    table = {
        "clients killed": disturbance.kills,
        "clients started again": disturbance.starts,
        "server killed and started again": disturbance.server_kills,
        "rounds": ", ".join(f"{count} {kind}" for kind, count in sorted(outcomes.items())),
        "epochs": len({record["epoch"] for record in lines}),
        "updates in a sum": f"{min(cohorts, default=0)} to {max(cohorts, default=0)}, "
        f"mean {sum(cohorts) / max(1, len(cohorts)):.1f} of {options.clients}",
        "accuracy, undisturbed": f"{accuracy[0]:.2f} %",
        "accuracy, disturbed": f"{accuracy[1]:.2f} %",
        "points apart": f"{apart:.2f} (at most {ACCURACY_MAX})",
        "seconds, undisturbed": f"{still_seconds:.0f}",
        "seconds, disturbed": f"{seconds:.0f}",
    }
    for name, times in (("client", clients), ("server", servers)):
        if times:
            ordered = sorted(times)
            table[f"{name} back in mid-round"] = (
                f"{ordered[len(ordered) // 2]:.2f} s, at most {ordered[-1]:.2f} s (at most {BACK_MAX:.0f} s)")
    say("")
    for name, value in table.items():
        say(f"{name:<34}{value}")
    result = dict(table, complaints=complaints, passed=not complaints)
    (options.metrics / "chaos.json").write_text(json.dumps(result, indent=2) + "\n")
    if not options.keep:
        shutil.rmtree(options.metrics / "state", ignore_errors=True)
    say("")
    for complaint in complaints:
        say(f"chaos.sh: {complaint}")
    say("every demand is met" if not complaints else f"not met: {len(complaints)}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
