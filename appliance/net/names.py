"""Finds the flows that reach a host: addresses by the system's resolver, then a datagram flow or a new connection."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from appliance.net.dual import DualUdp
from appliance.net.tcp import TcpDriver
from appliance.net.udp import UdpDriver
from appliance.sip.flow import Flow

LOOKUP_SECONDS = 5.0
MAX_ADDRESSES = 4


def is_literal(host: str) -> bool:
    """Whether the host is an IP address already."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def look_up(host: str) -> list[str]:
    """Addresses of a name, as the system orders them (RFC 6724); a literal is itself; none: not found in time."""
    bare = host.strip("[]")
    if is_literal(bare):
        return [bare]
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await loop.getaddrinfo(bare, None, type=socket.SOCK_DGRAM)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]


class Resolver:
    """Answers the cores' `Resolve`."""

    def __init__(self, udp: UdpDriver | DualUdp, tcp: TcpDriver) -> None:
        self._udp, self._tcp = udp, tcp

    def at_once(self, host: str, port: int | None, transport: str | None) -> list[Flow] | None:
        """The flow to a literal address over UDP, without waiting; None: use `flows`."""
        if (transport or "udp") == "udp" and is_literal(host):
            return [self._udp.flow_to((host.strip("[]"), port or 5060))]
        return None

    async def flows(self, host: str, port: int | None, transport: str | None) -> list[Flow]:
        """Flows that reach the host, best first."""
        addresses = await look_up(host)
        if (transport or "udp") == "udp":
            return [self._udp.flow_to((address, port or 5060)) for address in addresses]
        if transport != "tcp":
            return []
        for address in addresses:
            flow = await self._tcp.connect(address, port or 5060)
            if flow is not None:
                return [flow]
        return []
