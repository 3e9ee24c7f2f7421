"""Simulated time: one heap of what will happen, and the two clocks as the box reads them."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from appliance.clock import Instant

WALL = 1_795_500_000.0
"""Wall clock at the start: Tuesday, 24 November 2026, 15:00 in Tokyo."""


class Happening:
    """Something that will happen, unless it is cancelled."""

    __slots__ = ("action", "when")

    def __init__(self, when: float, action: Callable[[], None] | None) -> None:
        self.when, self.action = when, action

    def cancel(self) -> None:
        """It will not happen."""
        self.action = None


class Clock:
    """Time moves from one happening to the next, never by itself."""

    def __init__(self) -> None:
        self.mono = 1000.0
        self.offset = WALL - self.mono
        self.happened = 0
        self._heap: list[tuple[float, int, Happening]] = []
        self._serial = 0

    def now(self) -> Instant:
        """Both clocks."""
        return Instant(self.mono, self.mono + self.offset)

    def step_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.offset += seconds

    def at(self, when: float, action: Callable[[], None]) -> Happening:
        """`action` happens at `when` (monotonic), after what was planned earlier for the same moment."""
        happening = Happening(max(when, self.mono), action)
        self._serial += 1
        heapq.heappush(self._heap, (happening.when, self._serial, happening))
        return happening

    def after(self, seconds: float, action: Callable[[], None]) -> Happening:
        """`action` happens in `seconds`."""
        return self.at(self.mono + seconds, action)

    def step(self) -> bool:
        """Lets the earliest thing happen; False when nothing is planned."""
        while self._heap:
            when, _, happening = heapq.heappop(self._heap)
            action = happening.action
            if action is None:
                continue
            happening.action = None
            self.mono = when
            self.happened += 1
            action()
            return True
        return False

    def run(self, seconds: float) -> None:
        """Lets everything happen that is planned for the next `seconds`."""
        end = self.mono + seconds
        while self._heap and self._heap[0][0] <= end:
            self.step()
        self.mono = end
