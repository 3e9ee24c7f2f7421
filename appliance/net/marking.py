"""The priority mark of what a socket sends (differentiated services, RFC 2474), and sockets that carry it."""

from __future__ import annotations

import contextlib
import socket


def mark(of: socket.socket, dscp: int) -> None:
    """Sets the code point, 0..63. Where the system refuses it, what is sent goes unmarked."""
    level, option = (
        (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        if of.family == socket.AF_INET6
        else (socket.IPPROTO_IP, socket.IP_TOS)
    )
    with contextlib.suppress(OSError):
        of.setsockopt(level, option, dscp << 2)


def listening(host: str, port: int) -> socket.socket:
    """A TCP socket bound to a literal address; IPv6's wildcard takes no IPv4. Raises OSError."""
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
