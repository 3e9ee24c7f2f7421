"""Time as the cores see it: a pair of readings that somebody else takes.

Cores never read a clock. Each input they are given carries an `Instant`; each says with `deadline()` when it wants to
be called again. Only the composition root and tests make instants.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

Entropy = Callable[[int], bytes]
"""Gives n unpredictable bytes; seeded in tests."""


class Instant(NamedTuple):
    """One reading of both clocks, in seconds."""

    mono: float
    """Monotonic clock: for timers, durations and states."""
    wall: float
    """Seconds since the epoch (UTC): for business hours, kept expiries and the `at` of events. May step."""

    def later(self, seconds: float) -> Instant:
        """The instant `seconds` after this one when no clock steps meanwhile."""
        return Instant(self.mono + seconds, self.wall + seconds)


def system_now() -> Instant:
    """Reads the machine's clocks."""
    return Instant(time.monotonic(), time.time())


def rfc3339(wall: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with milliseconds: `2026-11-21T09:30:00.250Z`."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
