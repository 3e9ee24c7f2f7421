"""The queues' figures of the day, counted with every event: who is told of an event reads figures that have it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from appliance.clock import Instant
from appliance.events import Entry, QueueEntered, QueueLeft
from appliance.site.model import Site
from appliance.store.figures import QueueDay, local_midnight, queue_days_at
from appliance.store.records import Records

READ_SECONDS = 60.0
"""The figures are read anew from the records this often: a day begins at midnight, a queue may have another target."""
RECENT = 10_000
"""Events that a reading may lack (it began before them, or the disk is full) and that are counted on top of it."""


class Figures:
    """`committed` is a reader of the ledger that stands before the pages."""

    def __init__(self, records: Records, site: Callable[[], Site], clock: Callable[[], Instant]) -> None:
        self._records, self._site, self._clock = records, site, clock
        self._days: dict[str, QueueDay] = {}
        self._since = float("inf")
        """Visits that began before are in no figure."""
        self._read_to = 0
        """Number of the last entry that was in the records when they were read."""
        self._began: dict[str, float] = {}
        """Call -> when its present visit to a queue began."""
        self._recent: deque[tuple[int, float, QueueEntered | QueueLeft]] = deque(maxlen=RECENT)
        """Number of the entry, when the visit began, the event."""

    def of(self, queue: str) -> QueueDay:
        """The queue's figures of today."""
        return self._days.get(queue) or QueueDay()

    def committed(self, entries: Sequence[Entry]) -> None:
        """Counts callers who came or left."""
        for entry in entries:
            event = entry.event
            if isinstance(event, QueueEntered):
                began = self._began[event.call] = entry.at
            elif isinstance(event, QueueLeft):
                began = self._began.pop(event.call, 0.0)
            else:
                continue
            self._recent.append((entry.seq, began, event))
            self._count(entry.seq, began, event)

    def _count(self, seq: int, began: float, event: QueueEntered | QueueLeft) -> None:
        if seq <= self._read_to or began < self._since:
            return
        day = self.of(event.queue)
        changed: dict[str, float] = {}
        if isinstance(event, QueueEntered):
            changed = {"offered": day.offered + 1}
        elif event.outcome == "answered":
            level = next((one.service_level_seconds for one in self._site().queues if one.id == event.queue), 0.0)
            changed = {
                "answered": day.answered + 1,
                "answered_in_level": day.answered_in_level + (event.waited <= level),
                "waited_seconds": day.waited_seconds + event.waited,
            }
        elif event.outcome == "abandoned":
            changed = {"abandoned": day.abandoned + 1}
        elif event.outcome in ("overflow", "timeout"):
            changed = {"redirected": day.redirected + 1}
        self._days[event.queue] = msgspec.structs.replace(day, **changed)

    async def read(self) -> None:
        """Reads the figures from the records, in a thread, and counts what they did not have yet."""
        site = self._site()
        since = local_midnight(self._clock().wall, site.site.timezone)
        levels = {queue.id: queue.service_level_seconds for queue in site.queues}
        found = await asyncio.to_thread(queue_days_at, self._records, since, levels)
        if found is None:
            return
        self._since = since
        self._read_to, self._days = found
        while self._recent and self._recent[0][0] <= self._read_to:
            self._recent.popleft()
        for recent in self._recent:
            self._count(*recent)

    async def keep(self) -> None:
        """Reads them now and then; until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(READ_SECONDS)
