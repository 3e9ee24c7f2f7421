"""The C library's memory allocator, told to give back what it does not need."""

from __future__ import annotations

import contextlib
import ctypes

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""Parameters of mallopt(3)."""
LARGE, ARENAS = 256 * 1024, 2


def give_back() -> None:
    """Large blocks (an Argon2 hash needs 19 MB for a moment) are mapped and unmapped each time. Left alone, glibc
    learns from the first one to keep such blocks, in an arena for each thread: tens of megabytes for a few changes of
    the configuration. Other C libraries have no such knob, and none is needed."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, LARGE)
        library.mallopt(_ARENA_MAX, ARENAS)
