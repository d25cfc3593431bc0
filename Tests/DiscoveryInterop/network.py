# SPDX-License-Identifier: MIT
"""Processes in network namespaces, and waiting for what they say.

Everything here runs inside a network and a mount namespace of its own, made by scripts/discovery.sh, with /run to itself.
"""

import json
import os
import pwd
import signal
import subprocess
import threading
import time

# Ends a hang only; nothing is expected to take nearly as long.
PATIENCE_SECONDS = 60


def run(*command: str) -> None:
    """Runs a command and raises where it fails."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def wait(condition, what: str, seconds: float = PATIENCE_SECONDS):
    """Waits until `condition` answers something true, and answers that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        # Conditions are about other processes, which give no sign that could be waited for.
        time.sleep(0.02)


class Host:
    """A network namespace with loopback up, joined to a bridge by `eth0` once it is plugged in."""

    def __init__(self, name: str):
        self.name = name
        self.is_plugged = False
        run("ip", "netns", "add", name)
        self.run("ip", "link", "set", "lo", "up")

    def plug(self, bridge: str, *addresses: str) -> None:
        """Connects `eth0` to a bridge and gives it addresses; without an IPv6 one it has no IPv6."""
        run("ip", "link", "add", f"v-{self.name}", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        self.is_plugged = True
        run("ip", "link", "set", f"v-{self.name}", "master", bridge, "up")
        speaks_ipv6 = any(":" in address for address in addresses)
        self.sysctl("net/ipv6/conf/eth0/disable_ipv6", "0" if speaks_ipv6 else "1")
        self.sysctl("net/ipv6/conf/eth0/accept_dad", "0")
        self.run("ip", "link", "set", "eth0", "up")
        for address in addresses:
            self.run("ip", "address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))

    def unplug(self) -> None:
        run("ip", "link", "delete", f"v-{self.name}")
        self.is_plugged = False

    def sysctl(self, key: str, value: str) -> None:
        self.run("sh", "-c", f"echo {value} >/proc/sys/{key}")

    def command(self, *command: str) -> list:
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    def run(self, *command: str) -> None:
        run(*self.command(*command))

    def delete(self) -> None:
        # The namespace goes some time after its name; by then the next test has a link of the same name.
        if self.is_plugged:
            self.unplug()
        run("ip", "netns", "delete", self.name)


class Process:
    """A process whose lines are read as they come."""

    def __init__(self, host: Host, *command: str, environment=None):
        self.lines = []
        self.process = subprocess.Popen(
            host.command(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(environment or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, condition, what: str, seconds: float = PATIENCE_SECONDS):
        """Waits for a line, of those already there too, that `condition` accepts."""
        def find():
            return next((line for line in list(self.lines) if condition(line)), None)
        try:
            return wait(find, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n" + "\n".join(self.lines[-40:])) from None

    def end(self) -> None:
        """Closes standard input and waits for the end."""
        self.process.stdin.close()
        self._wait()

    def kill(self) -> None:
        self.process.kill()
        self._wait()
        self.process.stdin.close()

    def _wait(self) -> None:
        self.process.wait(PATIENCE_SECONDS)
        self.reader.join(PATIENCE_SECONDS)
        self.process.stdout.close()


class Peer(Process):
    """A DiscoveryPeer; its lines are JSON."""

    program = os.environ["DISCOVERY_PEER"]

    def __init__(self, host: Host, **options):
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        super().__init__(host, self.program, *words)

    def events(self) -> list:
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def started(self) -> dict:
        return self.wait_for_event(lambda event: event["event"] == "started", "start")

    def wait_for_event(self, condition, what: str, seconds: float = PATIENCE_SECONDS) -> dict:
        def matches(line):
            return line.startswith("{") and condition(json.loads(line))
        return json.loads(self.wait_for(matches, what, seconds))

    def state(self, line: str = "?") -> dict:
        """Asks for the present state, after `line` was heeded."""
        before = sum(event["event"] == "state" for event in self.events())
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

        def answer():
            states = [event for event in self.events() if event["event"] == "state"]
            return states[before] if len(states) > before else None
        return wait(answer, "state of a peer")

    def services(self) -> dict:
        """The services known now, by instance."""
        return {service["instance"]: service for service in self.state()["services"]}

    def resident_kib(self) -> int:
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Avahi:
    """An avahi-daemon of its own; one at a time, since its socket has a fixed place in /run."""

    BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/bus</listen><policy context="default">
<allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""

    @staticmethod
    def is_usable() -> bool:
        """Whether files can be given to the user `avahi`, as the daemon does with its folder in /run."""
        try:
            user = pwd.getpwnam("avahi")
            with open("/run/test", "wb") as file:
                os.chown(file.name, user.pw_uid, user.pw_gid)
            return True
        except (KeyError, OSError):
            return False

    def __init__(self, host: Host, interface: str, ipv6: bool):
        self.host = host
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/bus"}
        with open("/run/bus.conf", "w", encoding="ascii") as file:
            file.write(self.BUS)
        with open("/run/avahi.conf", "w", encoding="ascii") as file:
            file.write(
                f"[server]\nhost-name=avahi-{host.name}\nuse-ipv4=yes\nuse-ipv6={'yes' if ipv6 else 'no'}\n"
                f"allow-interfaces={interface}\n[publish]\npublish-hinfo=no\npublish-workstation=no\n")
        self.children = []
        self._start("dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile", socket="/run/bus")
        self._start(
            "avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", "/run/avahi.conf",
            socket="/run/avahi-daemon/socket")

    def _start(self, *command: str, socket: str) -> None:
        process = Process(self.host, *command, environment=self.environment)
        self.children.append(process)
        wait(lambda: os.path.exists(socket), f"{command[0]}: {process.lines}")

    def publish(self, name: str, port: int, federation: str) -> Process:
        process = Process(
            self.host, "avahi-publish", "-s", name, "_smpc._tcp", str(port), "v=1", f"fed={federation}", "role=party",
            "id=feedface", environment=self.environment)
        self.children.append(process)
        return process

    def browse(self) -> Process:
        process = Process(
            self.host, "stdbuf", "-oL", "avahi-browse", "--resolve", "--parsable", "--no-db-lookup", "_smpc._tcp",
            environment=self.environment)
        self.children.append(process)
        return process

    def stop(self) -> None:
        for child in reversed(self.children):
            child.process.send_signal(signal.SIGKILL)
            child.kill()
        for socket in ("/run/bus", "/run/avahi-daemon/socket", "/run/avahi-daemon/pid"):
            if os.path.exists(socket):
                os.unlink(socket)
