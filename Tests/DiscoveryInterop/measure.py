# SPDX-License-Identifier: MIT
"""How soon 20 processes on one host find one another, and how soon they miss one that leaves; run by scripts/discovery.sh.

Times are those that the processes themselves give, by the one monotonic clock of the host.
"""

import sys
import time

from network import Host, Peer, wait

COUNT = 20
# The life of the records that name a host, and a second for what is left of it when it ends.
SILENCE_SECONDS = 120 + 5


def others(peer: Peer) -> set:
    return {event["services"][0]["instance"] for event in peer.events() if event["event"] == "found"}


def last(peers: list, event: str, **fields) -> float:
    """The time of the last event of a kind among all peers."""
    return max(
        line["time"] for peer in peers for line in peer.events()
        if line["event"] == event and all(line["fields"].get(key) == value for key, value in fields.items()))


def loss(peers: list, instance: str, since: float, seconds: float) -> float:
    """Waits until all peers have lost an instance, and answers how long that took."""
    def lost(peer):
        return any(line["event"] == "lost" and line["fields"]["instance"] == instance for line in peer.events())
    wait(lambda: all(lost(peer) for peer in peers), f"loss of {instance}", seconds)
    return last(peers, "lost", instance=instance) - since


def main() -> None:
    host = Host("host")
    peers = [
        Peer(host, id=f"{number:08x}", port=7000 + number, interfaces="lo", federation="measure")
        for number in range(COUNT)]
    for peer in peers:
        peer.started()
    wait(lambda: all(len(others(peer)) == COUNT - 1 for peer in peers), "all find all")
    started = [peer.started()["time"] for peer in peers]
    found = last(peers, "found")
    print(f"{COUNT} processes on one host, started within {max(started) - min(started):.2f} s")
    print(f"all have found all {found - max(started):.2f} s after the last was started, "
          f"{found - min(started):.2f} s after the first")

    # RFC 6762, section 8.3: announced again after a second; what is measured next is a quiet network.
    time.sleep(3)
    leaving = peers.pop()
    now = time.monotonic()
    leaving.process.stdin.close()
    took = loss(peers, leaving.started()["fields"]["instance"], now, 60)
    print(f"one that ends with goodbye is missed by all after {took:.2f} s")

    if "--silent" in sys.argv:
        killed = peers.pop()
        now = time.monotonic()
        killed.kill()
        took = loss(peers, killed.started()["fields"]["instance"], now, SILENCE_SECONDS)
        print(f"one that is killed is missed by all after {took:.1f} s; its records live 120 s")
    for peer in peers:
        peer.kill()


main()
