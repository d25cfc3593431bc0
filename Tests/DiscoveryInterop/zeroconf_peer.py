# SPDX-License-Identifier: MIT
"""What another implementation, python-zeroconf, sees of Summand's services, as lines of JSON; announces one, if told to.

Usage: zeroconf_peer.py 4|6 [NAME PORT ADDRESS FEDERATION]; ends with standard input, with goodbye.
"""

import json
import socket
import sys

from zeroconf import IPVersion, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

TYPE = "_smpc._tcp.local."


def say(**fields) -> None:
    print(json.dumps(fields, ensure_ascii=False), flush=True)


class Listener(ServiceListener):
    def _tell(self, event: str, zeroconf: Zeroconf, name: str) -> None:
        for _ in range(12):
            # It may not have all records yet.
            info = zeroconf.get_service_info(TYPE, name, timeout=5000)
            if info is not None:
                break
        else:
            return say(event="unresolved", name=name)
        say(event=event, name=name, port=info.port, server=info.server,
            addresses=info.parsed_addresses(IPVersion.All),
            text={key.decode(): (value or b"").decode() for key, value in info.properties.items()})

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._tell("found", zc, name)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._tell("updated", zc, name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        say(event="lost", name=name)


def main() -> None:
    sys.stdin.reconfigure(encoding="utf-8")
    version = IPVersion.V4Only if sys.argv[1] == "4" else IPVersion.V6Only
    zeroconf = Zeroconf(ip_version=version)
    info = None
    if len(sys.argv) > 2:
        name, port, address, federation = sys.argv[2:6]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        info = ServiceInfo(
            TYPE, f"{name}.{TYPE}", port=int(port), addresses=[socket.inet_pton(family, address)],
            server="zeroconf-host.local.",
            properties={"v": "1", "fed": federation, "role": "party", "id": "feedface"})
        zeroconf.register_service(info)
        say(event="registered", name=info.name)
    ServiceBrowser(zeroconf, TYPE, Listener())
    sys.stdin.read()
    if info is not None:
        zeroconf.unregister_service(info)
    zeroconf.close()


main()
