"""The machine's own addresses, for the first screen and the spoken address (`*99`). Linux, without helpers."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path
from typing import NamedTuple

_SIOCGIFADDR = 0x8915
_SIOCGIFFLAGS = 0x8913
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
        for index, name in enumerate(names):
            address = _ipv4(probe, name)
            if address:
                order = (name.startswith(_NOT_LAN), name != default, False, index)
                found.append((order, Address(name, address)))
    for name, address in _ipv6():
        if name in names:
            order = (name.startswith(_NOT_LAN), name != default, True, names.index(name))
            found.append((order, Address(name, address)))
    return [address for _, address in sorted(found)]


def _ipv4(probe: socket.socket, name: str) -> str:
    request = struct.pack("256s", name.encode()[:15])
    try:
        flags = struct.unpack_from("=H", fcntl.ioctl(probe, _SIOCGIFFLAGS, request), 16)[0]
        if not flags & _IFF_UP or flags & _IFF_LOOPBACK:
            return ""
        return socket.inet_ntoa(fcntl.ioctl(probe, _SIOCGIFADDR, request)[20:24])
    except OSError:
        return ""


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
