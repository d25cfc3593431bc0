#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains through a bad network, and says whether the models are those of a good one. Started by scripts/chaos-network.sh."""

import argparse
import dataclasses
import json
import math
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import chaos
import chaos_proxy

SITES = 3  # of three nobody can be left out of a sum: whoever is away is waited for, and both runs sum the same
REACH = 2.3  # digits of the last byte of a fault that has to happen on any connection: in the first message of either side
REACH_BULK = (4, 5.3)  # of one on a first connection to the server: in the vectors that it carries


def plan(options):
    """The faults of the first connections, as many of each kind as is asked for, from the seed."""
    faults = chaos_proxy.drawn(options.fault_seed, options.each, REACH)
    generator = random.Random(f"bulk {options.fault_seed}")
    for fault in faults[:options.clients]:
        fault.after = int(10 ** generator.uniform(*REACH_BULK))
    return faults


class ProxiedFederation(chaos.Federation):
    """One whose sites dial everybody through a proxy: the server and each other."""

    proxy = None

    def begin(self):
        self.start_server()
        self.join()
        if self.options.faults is not None:
            script = Path(__file__).with_name("chaos_proxy.py")
            faults = json.dumps([dataclasses.asdict(fault) for fault in self.options.faults])
            self.proxy = chaos.Program([sys.executable, str(script), "--plan", faults], self.logs / "proxy.log")
            self.wait(lambda: "\n" in self.proxy.words(), "the proxy listens")
            self.client_options = ("--proxy", f"127.0.0.1:{self.proxy.words().split()[0]}")
        for k in range(self.options.clients):
            self.start_client(k)

    def require_sites(self):
        """Complains about a site that gave up."""
        for k, client in self.clients.items():
            if client.process.poll():
                raise chaos.Failure(f"site-{k} has ended: {chaos.last_line(client)}")

    def faults(self):
        """What has happened, as the proxy tells it: (connection, kind)."""
        return [tuple(line.split()[:2]) for line in self.proxy.words().splitlines()[1:]]

    def end(self):
        super().end()
        if self.proxy:
            self.proxy.kill()


def train(name, options):
    """Trains to the end; returns the models' hashes, the seconds, and the federation."""
    federation = ProxiedFederation(name, options, options.rounds)
    federation.server_options = ("--rejoin-wait", f"{math.ceil(60 * options.limit)}s")
    began = time.monotonic()
    try:
        federation.begin()
        code = chaos.finish(federation, federation.require_sites)
        seconds = time.monotonic() - began
        if code != 0:
            raise chaos.Failure(f"the run \"{name}\" ended with exit code {code}: {chaos.last_line(federation.server)}")
        for k, client in sorted(federation.clients.items()):
            if client.process.wait(60) != 0:
                raise chaos.Failure(f"site-{k}: {chaos.last_line(client)}")
        summary = json.loads((federation.records / "summary.json").read_text())
        return summary["params_hashes"], seconds, federation
    except subprocess.TimeoutExpired:
        raise chaos.Failure("a site did not hear of the end") from None
    finally:
        federation.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=3, dest="fault_seed")
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--model", default="mlp:784-128-10")
    parser.add_argument("--limit", type=float, default=30)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.bin, options.metrics = options.bin.resolve(), options.metrics.resolve()
    # Sums that do not depend on the order in which updates come.
    options.clients, options.encoding, options.slots, options.partition, options.seed = SITES, "exact", "all", "iid", 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        options.faults = None
        chaos.say(f"== undisturbed: {options.clients} clients, {options.rounds} rounds, {options.dataset}")
        expected, calm_seconds, _ = train("calm", options)
        options.faults = plan(options)
        chaos.say(f"== disturbed: {len(options.faults)} faults on the way, seed {options.fault_seed}")
        hashes, seconds, federation = train("chaos", options)
    except chaos.Failure as failure:
        chaos.say(f"chaos-network.sh: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    happened = federation.faults()
    counts = {kind: sum(1 for _, other in happened if other == kind) for kind in chaos_proxy.KINDS}
    complaints = []
    if hashes != expected or len(hashes) != options.rounds:
        complaints.append("the models differ")
    if missing := [kind for kind, count in counts.items() if not count]:
        complaints.append(f"did not happen: {', '.join(missing)}")
    table = {
        "rounds, all with the same model" if hashes == expected else "rounds": len(hashes),
        "faults": f"{len(happened)} of {len(options.faults)}: "
        + ", ".join(f"{count} {kind}" for kind, count in counts.items()),
        "seconds, undisturbed": f"{calm_seconds:.0f}",
        "seconds, disturbed": f"{seconds:.0f}",
    }
    chaos.say("")
    for name, value in table.items():
        chaos.say(f"{name:<34}{value}")
    result = dict(table, complaints=complaints, passed=not complaints)
    (options.metrics / "chaos-network.json").write_text(json.dumps(result, indent=2) + "\n")
    if not options.keep:
        shutil.rmtree(options.metrics / "state", ignore_errors=True)
    for complaint in complaints:
        chaos.say(f"chaos-network.sh: {complaint}; seed {options.fault_seed}, logs in {options.metrics / 'logs'}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
