"""The timer values of SIP (RFC 3261 17, RFC 6026, RFC 3262, RFC 4028) and the one heap that all of them wait in."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Protocol

import msgspec

from appliance.clock import Instant


class Timers(msgspec.Struct, frozen=True, gc=False):
    """The base values in seconds (RFC 3261 17.1.1.1) and, as properties, every timer made of them (its table 4)."""

    t1: float = 0.5
    """Round-trip estimate."""
    t2: float = 4.0
    """Longest interval between retransmissions of a non-INVITE request or an INVITE response."""
    t4: float = 5.0
    """Longest time that a message stays in the network."""

    @property
    def transaction(self) -> float:
        """64*T1: timers B, F, H, J, L, M, and how long a 2xx or a reliable provisional response is repeated."""
        return 64 * self.t1

    @property
    def completed_invite(self) -> float:
        """Timer D: at least 32 s, how long an INVITE client answers repeated final responses with ACK."""
        return max(32.0, 64 * self.t1)


class Alarmed(Protocol):
    """Who is called when a timer is due."""

    def fire(self, name: str, now: Instant) -> None:
        """The timer of this name, set earlier by the same object, is due."""


class Alarm:
    """One set timer. Keep it to cancel it."""

    __slots__ = ("name", "target", "when")

    def __init__(self, when: float, name: str, target: Alarmed) -> None:
        self.when, self.name = when, name
        self.target: Alarmed | None = target


class TimerHeap:
    """All timers of an endpoint, the earliest first. Cancelled ones leave lazily, so cancelling costs nothing."""

    __slots__ = ("_cancelled", "_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._serial = 0
        self._cancelled = 0

    def __len__(self) -> int:
        """Timers that will fire."""
        return len(self._heap) - self._cancelled

    def set(self, when: float, name: str, target: Alarmed) -> Alarm:
        """Sets a timer for `when` (monotonic seconds)."""
        alarm = Alarm(when, name, target)
        self._serial += 1
        heappush(self._heap, (when, self._serial, alarm))
        return alarm

    def cancel(self, alarm: Alarm | None) -> None:
        """Makes sure that a timer never fires; None, fired and cancelled ones are fine."""
        if alarm is None or alarm.target is None:
            return
        alarm.target = None
        self._cancelled += 1
        if self._cancelled > 256 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].target is not None]
            heapify(self._heap)
            self._cancelled = 0

    def deadline(self) -> float | None:
        """When the earliest timer is due (monotonic seconds), or None when none is set."""
        heap = self._heap
        while heap and heap[0][2].target is None:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def pop_due(self, mono: float) -> tuple[Alarmed, str] | None:
        """Takes out the earliest timer that is due at `mono`: its target and name."""
        heap = self._heap
        while heap and (heap[0][2].target is None or heap[0][0] <= mono):
            alarm = heappop(heap)[2]
            target = alarm.target
            if target is not None:
                alarm.target = None
                return target, alarm.name
            self._cancelled -= 1
        return None
