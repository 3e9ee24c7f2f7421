"""Other networks: a namespace behind a veth pair, in which a phone runs, and whose packets can be lost or refused."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

OUTGOING = 4
"""Kind of a captured packet that this machine sent (PACKET_OUTGOING)."""
EVERYTHING = 3
"""ETH_P_ALL"""
UDP = 17
_PLACE = f"10.{150 + os.getpid() // 250 % 50}.{os.getpid() % 250}", f"fd6b:3c2a:{os.getpid() & 0xFFFF:x}"
"""Another network for each run of the tests: two at a time must not take each other's packets."""
IPV4, IPV6 = (f"{_PLACE[0]}.1", f"{_PLACE[0]}.2"), (f"{_PLACE[1]}::1", f"{_PLACE[1]}::2")
"""Our address, and theirs."""


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


class Network:
    """The other one is at `theirs` and reaches us at `ours`."""

    def __init__(self, name: str, near: str, ours: str, theirs: str) -> None:
        self.name, self.near, self.ours, self.theirs = name, near, ours, theirs

    def filter(self, hook: str, *rule: str) -> None:
        """An nftables rule for what comes to the other network (`input`) or leaves it (`output`)."""
        inside = ("ip", "netns", "exec", self.name, "nft")
        run(*inside, "add", "table", "inet", "t")
        run(*inside, "add", "chain", "inet", "t", hook, f"{{ type filter hook {hook} priority 0; }}")
        run(*inside, "add", "rule", "inet", "t", hook, *rule)

    def heal(self) -> None:
        """No rule is left."""
        run("ip", "netns", "exec", self.name, "nft", "flush", "ruleset")


@contextlib.contextmanager
def other_network(addresses: tuple[str, str] = IPV4) -> Iterator[Network]:
    """A network that has IPv4 or IPv6, as its addresses say; skips the test without rights."""
    ours, theirs = addresses
    mark = f"{os.getpid()}{6 if ':' in ours else ''}"
    name, near, far = f"hako{mark}", f"hk{mark}a", f"hk{mark}b"
    size = "64" if ":" in ours else "24"
    here: tuple[str, ...] = ("nodad",) if ":" in ours else ()
    inside = ("ip", "netns", "exec", name, "ip")
    try:
        run("ip", "netns", "add", name)
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
    except (OSError, subprocess.CalledProcessError) as error:
        with contextlib.suppress(OSError):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        pytest.skip(f"a network namespace needs root: {getattr(error, 'stderr', '') or error}")
    try:
        run("ip", "link", "set", near, "up")
        run(*inside, "link", "set", far, "up")
        run("ip", "addr", "add", f"{ours}/{size}", "dev", near, *here)
        run(*inside, "addr", "add", f"{theirs}/{size}", "dev", far, *here)
        yield Network(name, near, ours, theirs)
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", near], capture_output=True)


class Capture:
    """What this machine sends to another network from now on."""

    def __init__(self, network: Network) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING))
        self._socket.bind((network.near, EVERYTHING))
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def classes(self) -> dict[int, set[int]]:
        """Source port of the UDP datagrams sent so far -> traffic classes in their IP headers (DSCP and ECN)."""
        found: dict[int, set[int]] = {}
        while True:
            try:
                packet, (_, _, kind, _, _) = self._socket.recvfrom(2048)
            except BlockingIOError:
                return found
            header = 4 * (packet[0] & 15) if packet[0] >> 4 == 4 else 40
            protocol = packet[9] if packet[0] >> 4 == 4 else packet[6]
            traffic = packet[1] if packet[0] >> 4 == 4 else (packet[0] & 15) << 4 | packet[1] >> 4
            if kind == OUTGOING and protocol == UDP:
                found.setdefault(int.from_bytes(packet[header : header + 2]), set()).add(traffic)
