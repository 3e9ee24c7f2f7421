"""Timers of a core: a heap of what is due when. Cancelling is O(1), everything else O(log n)."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from appliance.clock import Instant


class Timer:
    """One thing to do later. `cancel` it and it never happens."""

    __slots__ = ("action", "live", "subject", "when")

    def __init__(self, when: float, action: Callable[[Any, Instant], None], subject: Any) -> None:
        self.when, self.action, self.subject, self.live = when, action, subject, True


class Timers:
    """All timers of one core. Times are monotonic seconds."""

    __slots__ = ("_dead", "_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._serial = 0
        self._dead = 0

    def start(self, when: float, action: Callable[[Any, Instant], None], subject: Any) -> Timer:
        """Calls `action(subject, now)` once, in the first `run` at or after `when`."""
        timer = Timer(when, action, subject)
        self._serial += 1
        heappush(self._heap, (when, self._serial, timer))
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Makes sure that the timer does not happen; None and timers that are over are ignored."""
        if timer is None or not timer.live:
            return
        timer.live = False
        timer.subject = None
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._heap):
            self._heap = [item for item in self._heap if item[2].live]
            heapify(self._heap)
            self._dead = 0

    def deadline(self) -> float | None:
        """When the next timer is due; None when there is none."""
        heap = self._heap
        while heap and not heap[0][2].live:
            heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else None

    def due(self, now: Instant) -> Timer | None:
        """Takes out the earliest timer that is due at `now`; None when none is."""
        when = self.deadline()
        if when is None or when > now.mono:
            return None
        timer = heappop(self._heap)[2]
        timer.live = False
        return timer

    def __len__(self) -> int:
        return len(self._heap) - self._dead
