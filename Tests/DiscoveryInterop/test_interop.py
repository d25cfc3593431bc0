# SPDX-License-Identifier: MIT
"""Discovery beside and against other people's software, between namespaces; run by scripts/discovery.sh."""

import json
import os
import sys
import time
import unittest

from network import Avahi, Host, PATIENCE_SECONDS, Peer, Process, run, wait

HERE = os.path.dirname(os.path.abspath(__file__))
FEDERATION = "demo"


def unescape(name: str) -> str:
    """Undoes what avahi-browse writes for the bytes of a name: \\NNN, in decimal."""
    octets, index = bytearray(), 0
    raw = name.encode()
    while index < len(raw):
        if raw[index:index + 1] == b"\\":
            octets.append(int(raw[index + 1:index + 4]))
            index += 4
        else:
            octets.append(raw[index])
            index += 1
    return octets.decode()


class Line(unittest.TestCase):
    """Hosts on one bridge."""

    def setUp(self):
        run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.addCleanup(run, "ip", "link", "delete", "br0")
        run("ip", "link", "set", "br0", "up")

    def host(self, name: str, *addresses: str) -> Host:
        host = Host(name)
        self.addCleanup(host.delete)
        if addresses:
            host.plug("br0", *addresses)
        return host

    def peer(self, host: Host, **options) -> Peer:
        peer = Peer(host, federation=FEDERATION, **options)
        self.addCleanup(peer.kill)
        peer.started()
        return peer

    def zeroconf(self, host: Host, *arguments: str) -> Process:
        process = Process(host, sys.executable, os.path.join(HERE, "zeroconf_peer.py"), *arguments)
        self.addCleanup(process.kill)
        return process

    def avahi(self, host: Host, interface: str = "eth0", ipv6: bool = True) -> Avahi:
        avahi = Avahi(host, interface, ipv6)
        self.addCleanup(avahi.stop)
        return avahi

    def sees(self, peer: Peer, instance: str, addresses=None) -> dict:
        """Waits until a peer knows an instance, with exactly these addresses."""
        def look():
            service = peer.services().get(instance)
            return service if service and addresses in (None, service["addresses"]) else None
        return wait(look, f"{instance} with {addresses}; known are {peer.services()}")

    def misses(self, peer: Peer, instance: str, seconds: float = PATIENCE_SECONDS) -> None:
        wait(lambda: instance not in peer.services(), f"end of {instance}", seconds)


class Families(Line):
    def test_hosts_with_one_family_or_both(self):
        both = self.host("both", "192.0.2.1/24", "2001:db8::1/64")
        only4 = self.host("only4", "192.0.2.4/24")
        only6 = self.host("only6", "2001:db8::6/64")
        peers = {
            host.name: self.peer(host, id=f"0000000{number}", listening="::", interfaces="eth0")
            for number, host in enumerate((both, only4, only6))}
        name = {key: peer.started()["fields"]["instance"] for key, peer in peers.items()}
        self.sees(peers["both"], name["only4"], ["192.0.2.4"])
        self.sees(peers["both"], name["only6"], ["2001:db8::6"])
        for other in ("only4", "only6"):
            self.sees(peers[other], name["both"], ["192.0.2.1", "2001:db8::1"])
            self.assertEqual(set(peers[other].services()), {name["both"]})
        peers["both"].end()
        for other in ("only4", "only6"):
            self.misses(peers[other], name["both"])

    def test_interface_that_appears_goes_and_comes_back_with_another_address(self):
        here = self.host("here", "192.0.2.1/24", "2001:db8::1/64")
        there = self.host("there")
        stays = self.peer(here, id="00000001", listening="::")
        moves = self.peer(there, id="00000002", listening="::")
        name = moves.started()["fields"]["instance"]
        there.plug("br0", "192.0.2.2/24", "2001:db8::2/64")
        self.sees(stays, name, ["192.0.2.2", "2001:db8::2"])
        self.sees(moves, stays.started()["fields"]["instance"])
        there.unplug()
        self.misses(moves, stays.started()["fields"]["instance"])
        there.plug("br0", "192.0.2.3/24")
        self.sees(moves, stays.started()["fields"]["instance"], ["192.0.2.1", "2001:db8::1"])
        # What was said on IPv6 lives on until its time is over: nobody could withdraw it.
        wait(lambda: "192.0.2.3" in stays.services()[name]["addresses"], "the new address")


    def test_hosts_with_nothing_but_link_local_addresses(self):
        left = self.host("left", "fe80::a/64")
        right = self.host("right", "fe80::b/64")
        here = self.peer(left, id="00000001", listening="::", interfaces="eth0")
        there = self.peer(right, id="00000002", port=7123, listening="::", interfaces="eth0")
        self.sees(there, here.started()["fields"]["instance"])
        addresses = self.sees(here, there.started()["fields"]["instance"])["addresses"]
        self.assertIn("fe80::b%eth0", addresses)
        listener = Process(
            right, sys.executable, "-c",
            "import socket\n"
            "listener = socket.create_server(('::', 7123), family=socket.AF_INET6)\n"
            "print('listens', flush=True)\n"
            "while True: listener.accept()\n")
        self.addCleanup(listener.kill)
        listener.wait_for(lambda line: line == "listens", "listener")
        for address in addresses:
            left.run(
                sys.executable, "-c",
                "import socket, sys; socket.create_connection((sys.argv[1], 7123), 60)", address)


class Killed(Line):
    def test_who_does_not_answer_one_is_missed_by_all_long_before_its_records_end(self):
        hosts = [self.host(f"host{number}", f"192.0.2.{number}/24") for number in (1, 2, 3)]
        asks, listens, dies = [
            self.peer(host, id=f"0000000{number}", interfaces="eth0") for number, host in enumerate(hosts)]
        instance = dies.started()["fields"]["instance"]
        stays = listens.started()["fields"]["instance"]
        for peer in (asks, listens):
            self.sees(peer, instance, ["192.0.2.3"])
        self.sees(asks, stays)
        dies.kill()
        # One that answers is doubted too, and stays.
        for address in ("192.0.2.3", "192.0.2.2"):
            asks.state(f"unanswered {address} 7443")
        began = time.monotonic()
        self.misses(asks, instance)
        self.misses(listens, instance)
        print(f"\nmissed by the one and by the other within {time.monotonic() - began:.1f} s", flush=True)
        # Without, their records would have lived for another 120 s; the patience of `misses` is half of that.
        self.assertIn(stays, asks.services())
        self.assertIn(asks.started()["fields"]["instance"], listens.services())


class Zeroconf(Line):
    def check(self, version: str, ours: str, theirs: str, prefix: str):
        left = self.host("left", f"{ours}/{prefix}")
        right = self.host("right", f"{theirs}/{prefix}")
        label = "Büro im 3ten Stock"
        zeroconf = self.zeroconf(right, version, label, "7999", theirs, FEDERATION)
        zeroconf.wait_for(lambda line: '"registered"' in line, "registration")
        peer = self.peer(left, id="0123456789abcdef", port=7443, listening="::", interfaces="eth0")
        service = self.sees(peer, label, [theirs])
        self.assertEqual((service["port"], service["host"]), (7999, "zeroconf-host.local"))
        instance = peer.started()["fields"]["instance"]
        found = json.loads(zeroconf.wait_for(
            lambda line: '"found"' in line and instance in line, "our service in zeroconf"))
        self.assertEqual(found["port"], 7443)
        self.assertEqual(found["addresses"], [ours])
        self.assertEqual(found["text"], {"v": "1", "fed": FEDERATION, "role": "party", "id": "0123456789abcdef"})
        peer.end()
        zeroconf.wait_for(lambda line: '"lost"' in line and instance in line, "our goodbye in zeroconf")
        again = self.peer(left, interfaces="eth0")
        self.sees(again, label)
        zeroconf.end()
        self.misses(again, label)

    def test_both_directions_on_ipv4(self):
        self.check("4", "192.0.2.1", "192.0.2.2", "24")

    def test_both_directions_on_ipv6(self):
        self.check("6", "2001:db8::1", "2001:db8::2", "64")


class AvahiNames(Line):
    def setUp(self):
        if not Avahi.is_usable():
            self.skipTest("avahi-daemon wants to be a user that this one may not become; run as root")
        super().setUp()
        self.left = self.host("left", "192.0.2.1/24", "2001:db8::1/64")
        self.right = self.host("right", "192.0.2.2/24", "2001:db8::2/64")

    def ours(self, host: Host, **options) -> Peer:
        """A peer whose drawn names are always the same."""
        return self.peer(host, id="00000001", port=7001, seed=7, listening="::", interfaces="eth0", **options)

    def browsed(self, browser: Process, name: str) -> None:
        browser.wait_for(
            lambda line: line.startswith("=") and unescape(line.split(";")[3]) == name, f"{name} in avahi-browse")

    def check(self, avahi_host: Host):
        name = self.ours(self.left)
        instance = name.started()["fields"]["instance"]
        avahi = self.avahi(avahi_host)
        browser = avahi.browse()
        self.browsed(browser, instance)
        # Won: the name is in use, so Avahi takes another.
        publisher = avahi.publish(instance, 7999, FEDERATION)
        self.sees(name, f"{instance} #2")
        self.assertEqual(name.state()["fields"]["instance"], instance)
        publisher.kill()
        name.end()
        # Lost: now Avahi has it first.
        publisher = avahi.publish(instance, 7999, FEDERATION)
        publisher.wait_for(lambda line: f"Established under name '{instance}'" in line, "Avahi's service")
        again = self.ours(self.left)
        wait(lambda: again.state()["fields"]["instance"] == f"{instance} (2)", "our other name")
        self.browsed(browser, f"{instance} (2)")
        service = self.sees(again, instance)
        self.assertEqual(service["port"], 7999)

    def test_conflict_won_and_lost_against_avahi_next_door(self):
        self.check(self.right)

    def test_conflict_won_and_lost_against_avahi_on_the_same_host(self):
        self.check(self.left)

    def test_names_with_dots_spaces_and_umlauts(self):
        avahi = self.avahi(self.right)
        avahi.publish("Büro 3. Stock \\ links", 7999, FEDERATION)
        peer = self.ours(self.left)
        self.sees(peer, "Büro 3. Stock \\ links", ["192.0.2.2", "2001:db8::2"])


class Strangers(Line):
    def setUp(self):
        super().setUp()
        self.left = self.host("left", "192.0.2.1/24")
        self.right = self.host("right", "192.0.2.2/24")

    def send(self, script: str) -> None:
        """Runs a sender on the right; it has `group`, `send` and `rng`."""
        prelude = (
            "import random, socket, struct\n"
            "rng = random.Random(5)\n"
            "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
            "sock.bind(('192.0.2.2', 5353))\n"
            "sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('192.0.2.2'))\n"
            "def send(data): sock.sendto(data, ('224.0.0.251', 5353))\n"
            "def name(*labels): return b''.join(bytes([len(l)]) + l.encode() for l in labels) + b'\\0'\n"
            "def record(owner, kind, data, ttl=4500, cls=1):\n"
            "    return owner + struct.pack('>HHIH', kind, cls, ttl, len(data)) + data\n"
            "def response(*records): return struct.pack('>6H', 0, 0x8400, 0, len(records), 0, 0) + b''.join(records)\n")
        self.right.run(sys.executable, "-c", prelude + script)

    def test_flood_leaves_memory_bounded_and_the_true_service_known(self):
        peer = self.peer(self.left, interfaces="eth0")
        true = self.peer(self.right, id="00000001", interfaces="eth0")
        instance = true.started()["fields"]["instance"]
        self.sees(peer, instance)
        before = peer.resident_kib()
        self.send(
            "kind = name('_smpc', '_tcp', 'local')\n"
            "text = b''.join(bytes([len(t)]) + t for t in (b'v=1', b'fed=demo', b'role=coordinator', b'id=deadbeef',\n"
            "    b'x' * 250, b'y' * 250, b'z' * 250))\n"
            "for number in range(20000):\n"
            "    own, host = name(f'i{number}', '_smpc', '_tcp', 'local'), name(f'h{number}', 'local')\n"
            "    send(response(record(kind, 12, own), record(own, 33, struct.pack('>3H', 0, 0, 9) + host),\n"
            "        record(own, 16, text), *(record(host, 1, bytes([192, 0, 2, a]), cls=0x8001) for a in range(9))))\n"
            "    if number % 50 == 0: send(rng.randbytes(rng.randrange(1, 1400)))\n")
        state = peer.state()
        after = peer.resident_kib()
        print(f"\nresident before the flood {before} KiB, after it {after} KiB, "
              f"{len(state['services'])} services kept", flush=True)
        self.assertLessEqual(len(state["services"]), 2048)
        self.assertLess(after - before, 64 * 1024)
        self.assertGreater(int(state["fields"]["overflow"]) + int(state["fields"]["malformed"]), 0)
        # The true one may have been displaced; it is found again when it is heard again.
        true.end()
        again = self.peer(self.right, id="00000002", interfaces="eth0")
        self.sees(peer, again.started()["fields"]["instance"])

    def test_malformed_packets_are_counted_and_do_no_harm(self):
        peer = self.peer(self.left, interfaces="eth0")
        true = self.peer(self.right, id="00000001", interfaces="eth0")

        def counted():
            # A pointer to itself, two names that point at each other, bytes without sense.
            self.send(
                "send(struct.pack('>6H', 0, 0, 1, 0, 0, 0) + b'\\xc0\\x0c\\0\\1\\0\\1')\n"
                "send(struct.pack('>6H', 0, 0, 1, 0, 0, 0) + b'\\1a\\xc0\\x10\\1b\\xc0\\x0c\\0\\1\\0\\1')\n"
                "send(b'\\xff' * 1400)\n")
            return int(peer.state()["fields"]["malformed"]) >= 3
        wait(counted, "three malformed packets counted")
        self.sees(peer, true.started()["fields"]["instance"])

    def test_spoofed_goodbye_does_no_lasting_harm(self):
        peer = self.peer(self.left, interfaces="eth0")
        true = self.peer(self.right, id="00000001", interfaces="eth0")
        instance = true.started()["fields"]["instance"]
        self.sees(peer, instance)
        self.send(
            f"kind, own = name('_smpc', '_tcp', 'local'), name('{instance}', '_smpc', '_tcp', 'local')\n"
            "send(response(record(kind, 12, own, ttl=0)))\n")
        later = self.peer(self.left, interfaces="eth0")
        self.sees(later, instance)
        self.sees(peer, instance)

    def test_resolver_without_multicast_is_answered(self):
        true = self.peer(self.right, id="00000001", port=7123, interfaces="eth0")
        instance = true.started()["fields"]["instance"]
        watcher = self.peer(self.left, interfaces="eth0")
        self.sees(watcher, instance)
        script = (
            "import socket, struct, sys\n"
            "name = b''.join(bytes([len(l)]) + l.encode() for l in sys.argv[1:]) + b'\\0'\n"
            "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('192.0.2.1'))\n"
            "sock.settimeout(1)\n"
            "for attempt in range(60):\n"
            "    sock.sendto(struct.pack('>6H', 4711, 0, 1, 0, 0, 0) + name + struct.pack('>2H', 33, 1),\n"
            "        ('224.0.0.251', 5353))\n"
            "    try: answer, source = sock.recvfrom(9000)\n"
            "    except TimeoutError: continue\n"
            "    assert source == ('192.0.2.2', 5353), source\n"
            "    assert answer[:2] == b'\\x12\\x67' and struct.pack('>H', 7123) in answer, answer\n"
            "    break\n"
            "else: sys.exit('no answer')\n")
        self.left.run(sys.executable, "-c", script, instance, "_smpc", "_tcp", "local")


if __name__ == "__main__":
    unittest.main(verbosity=2)
