"""Ports that nobody uses, outside the range the kernel gives out by itself, so that tests may run beside a box."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 17400, 32600
"""Below the kernel's ephemeral range (32768 up), above the box's own default range of audio ports."""

_dice = random.SystemRandom()


def is_free(port: int, host: str = "127.0.0.1", *, tcp: bool = True) -> bool:
    """Whether a program could listen there now, on UDP and (with `tcp`) on TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)[: 2 if tcp else 1]:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def free_port() -> int:
    """An even port that was free a moment ago on UDP and TCP, and the one after it too."""
    for _ in range(500):
        port = _dice.randrange(LOWEST, HIGHEST, 2)
        if is_free(port) and is_free(port + 1):
            return port
    raise OSError("no free port")


def free_range(count: int) -> tuple[int, int]:
    """`count` neighbouring UDP ports, as (lowest, highest)."""
    for _ in range(200):
        low = _dice.randrange(LOWEST, HIGHEST - count, 2)
        if all(is_free(port, "0.0.0.0", tcp=False) for port in range(low, low + count)):
            return low, low + count - 1
    raise OSError("no free range of ports")
