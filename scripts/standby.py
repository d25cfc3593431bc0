#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what standbys cost. Started by scripts/standby.sh, whose help describes it."""

import argparse
import shutil
import statistics
import sys
import time
from pathlib import Path

from chaos import Failure, Federation, finish, say

BYTES_MAX = 1.25
TIME_MAX = 1.35


def run(options, name, *server):
    """One run; gives for each client the bytes of a round and of the set-up, and the seconds of a round and of the set-up."""
    federation = Federation(name, options, options.rounds)
    federation.server_options = server
    try:
        federation.begin()
        if finish(federation, lambda: None) != 0:
            raise Failure(f"the run {name} did not end well: {federation.server.words()[-500:]}")
        lines = federation.lines()
    finally:
        federation.end()
    set_up = sum(record[way].get("set-up", 0) for record in lines for way in ("bytes_up", "bytes_down"))
    # The first round is in another encoding, and its time includes the wait for the clients.
    later = lines[1:]
    per_round = statistics.mean(
        sum(count for way in ("bytes_up", "bytes_down") for phase, count in record[way].items() if phase != "set-up")
        for record in later)
    return per_round, set_up, statistics.median(record["seconds"] for record in later)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", type=int)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--partition", default="iid")
    parser.add_argument("--model", default="mlp:784-128-10")
    parser.add_argument("--encoding", default="16")
    options = parser.parse_args()
    options.bin, options.metrics = options.bin.resolve(), options.metrics.resolve()
    options.slots, options.limit = None, 60
    silent, checked = [], []
    began = time.monotonic()
    try:
        for number in range(options.runs):
            say(f"== {options.clients} clients, {options.rounds} rounds: run {number + 1} of {options.runs} of each kind")
            silent.append(run(options, f"silent-{number}"))
            checked.append(run(options, f"checked-{number}", "--cross-check"))
    except Failure as failure:
        say(f"standby.sh: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    shutil.rmtree(options.metrics / "state", ignore_errors=True)

    def mean(runs, place):
        return statistics.mean(entry[place] for entry in runs)

    rounds = options.rounds
    without = mean(silent, 0) + mean(silent, 1) / 2 / rounds
    bytes_silent = mean(silent, 0) + mean(silent, 1) / rounds
    bytes_checked = mean(checked, 0) + mean(checked, 1) / rounds
    # Pairs that ran one after the other.
    time_checked = statistics.median(each[2] / other[2] for each, other in zip(checked, silent))
    say("")
    say(f"{'':<34}{'without':>12}{'silent':>12}{'cross-check':>14}")
    say(f"{'bytes a round and client':<34}{without:>12.0f}{bytes_silent:>12.0f}{bytes_checked:>14.0f}")
    seconds = mean(silent, 2), mean(checked, 2)
    say(f"{'seconds a round':<34}{'as silent':>12}{seconds[0]:>12.3f}{seconds[1]:>14.3f}")
    say(f"{'bytes, against without':<34}{'':>12}{bytes_silent / without:>12.3f}{bytes_checked / without:>14.3f}"
        f"   at most {BYTES_MAX}")
    say(f"{'time, against without':<34}{'':>12}{1:>12.3f}{time_checked:>14.3f}   at most {TIME_MAX}")
    within = max(bytes_silent, bytes_checked) / without <= BYTES_MAX and time_checked <= TIME_MAX
    say(f"{'within the limits' if within else 'beyond the limits'}; measured in {time.monotonic() - began:.0f} s")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
