"""The machine's own addresses, for the first screen and the spoken address (`*99`). Linux, without helpers."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from array import array
from pathlib import Path
from typing import NamedTuple

_SIOCGIFCONF = 0x8912
_SIOCGIFFLAGS = 0x8913
_IFREQ = 16 + 3 * struct.calcsize("P")
"""Bytes of a struct ifreq (netdevice(7)): a name, then a union whose largest member is a struct ifmap."""
_MOST = 128
_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_NOT_LAN = ("docker", "br-", "veth", "virbr", "tun", "tap", "wg")
"""Interfaces that no phone is on; their addresses come last."""


class Address(NamedTuple):
    """An address phones or browsers may use."""

    interface: str
    address: str
    """Without brackets or scope."""


def lan_addresses() -> list[Address]:
    """IPv4 and global IPv6 addresses of interfaces that are up; the one with the default route first, IPv4 before IPv6.

    Empty where there is no network. Reads the kernel's tables; no packet is sent. Never raises.
    """
    default = _default_interface()
    found: list[tuple[tuple[bool, bool, bool, int], Address]] = []
    names = [name for _, name in socket.if_nameindex()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for name, address in _ipv4(probe):
            if name in names:
                order = (name.startswith(_NOT_LAN), name != default, False, names.index(name))
                found.append((order, Address(name, address)))
    for name, address in _ipv6():
        if name in names:
            order = (name.startswith(_NOT_LAN), name != default, True, names.index(name))
            found.append((order, Address(name, address)))
    # An interface's own first address stays before those that were added to it.
    return [address for _, address in sorted(found, key=lambda one: one[0])]


def _ipv4(probe: socket.socket) -> list[tuple[str, str]]:
    """(interface, address) of every IPv4 address, further ones of an interface included (netdevice(7), SIOCGIFCONF)."""
    table = array("B", bytes(_MOST * _IFREQ))
    try:
        answer = fcntl.ioctl(probe, _SIOCGIFCONF, struct.pack("iP", len(table), table.buffer_info()[0]))
    except OSError:
        return []
    rows = table.tobytes()[: struct.unpack("iP", answer)[0]]
    found = []
    for start in range(0, len(rows), _IFREQ):
        label = rows[start : start + 16].split(b"\0")[0]
        name = label.partition(b":")[0].decode("utf-8", "replace")
        if _carries(probe, name):
            found.append((name, socket.inet_ntoa(rows[start + 20 : start + 24])))
    return found


def _carries(probe: socket.socket, name: str) -> bool:
    """Whether the interface is up and leads out of this machine."""
    request = struct.pack("256s", name.encode()[:15])
    try:
        flags = struct.unpack_from("=H", fcntl.ioctl(probe, _SIOCGIFFLAGS, request), 16)[0]
    except OSError:
        return False  # it has just gone
    return bool(flags & _IFF_UP) and not flags & _IFF_LOOPBACK


def _ipv6(table: Path = Path("/proc/net/if_inet6")) -> list[tuple[str, str]]:
    """(interface, address) of addresses with global scope (0x00), unique local ones included."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        fields = line.split()
        if len(fields) == 6 and fields[3] == "00":
            try:
                found.append((fields[5], str(ipaddress.IPv6Address(int(fields[0], 16)))))
            except ValueError:
                continue
    return found


def _default_interface(table: Path = Path("/proc/net/route")) -> str:
    """Interface of the default route with the lowest metric; "" without one."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return ""
    routes = []
    for line in lines:
        fields = line.split()
        if len(fields) >= 8 and fields[1] == "00000000" and fields[7] == "00000000":
            routes.append((int(fields[6]), fields[0]))
    return min(routes)[1] if routes else ""
