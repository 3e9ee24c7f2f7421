"""The priority mark of what a socket sends (differentiated services, RFC 2474)."""

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
