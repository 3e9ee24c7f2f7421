"""TCP sockets to listen on: of one address, or of every address of the machine in both IP versions.

Each version has a socket of its own, so that an IPv4 peer is never met as an IPv6 address that stands for it.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

EVERYWHERE: Final = ("", "::")
"""Hosts that mean every address of the machine, IPv4 and IPv6. (`0.0.0.0` is every IPv4 address.)"""
NO_IPV6: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
"""What a machine without IPv6 answers."""
ATTEMPTS: Final = 20
"""Free ports that are tried until one is free in both versions."""


def listening(host: str, port: int) -> socket.socket:
    """A TCP socket bound to one address; IPv6's wildcard takes no IPv4. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setblocking(False)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found


def everywhere(port: int) -> tuple[socket.socket, ...]:
    """Sockets bound to one port on every address: IPv4, then IPv6 where the machine has it. Port 0: one that is free in
    both. Raises OSError and holds nothing then."""
    for _ in range(ATTEMPTS):
        ipv4 = listening("0.0.0.0", port)
        try:
            return ipv4, listening("::", ipv4.getsockname()[1])
        except OSError as error:
            if error.errno in NO_IPV6:
                return (ipv4,)
            ipv4.close()
            if port:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free in both IP versions")
