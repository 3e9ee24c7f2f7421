"""Ports that nobody uses: outside the kernel's own range, and in a slice that no other test run on this machine has.

A port given out is not given out again before the whole slice has been: what is free now may be promised to a program
that binds it later (the audio ports of a box or phone).
"""

from __future__ import annotations

import fcntl
import socket
import tempfile
from pathlib import Path
from typing import TextIO

LOWEST, SLICE, SLICES = 17400, 3800, 4
"""Below the kernel's ephemeral range (32768 up), above the box's own default range of audio ports."""


def is_free(port: int, host: str = "127.0.0.1", *, tcp: bool = True) -> bool:
    """Whether a program could listen there now, on UDP and (with `tcp`) on TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)[: 2 if tcp else 1]:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


class Slice:
    """The ports of this test run; the lock goes with the process."""

    def __init__(self) -> None:
        self._lock: TextIO | None = None
        self._low = LOWEST
        for number in range(SLICES):
            lock = (Path(tempfile.gettempdir()) / f"hako-test-ports-{number}.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            self._lock, self._low = lock, LOWEST + number * SLICE
            break
        self._next = 0

    def take(self, count: int) -> int:
        """The lowest of `count` neighbouring ports (the first one even) that are free."""
        for _ in range(SLICE // 2):
            if self._next + count > SLICE:
                self._next = 0
            low = self._low + self._next
            self._next += count + count % 2
            if all(is_free(port, "0.0.0.0") for port in range(low, low + count)):
                return low
        raise OSError("no free ports")


_slice = Slice()


def free_port() -> int:
    """An even port that is free on UDP and TCP, and so is the one after it."""
    return _slice.take(2)


def free_range(count: int) -> tuple[int, int]:
    """`count` neighbouring ports, as (lowest, highest)."""
    low = _slice.take(count)
    return low, low + count - 1
