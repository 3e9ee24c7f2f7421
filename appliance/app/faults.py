"""What is wrong now: raised and cleared by whoever notices, told to the ledger once, shown on every page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.clock import rfc3339
from appliance.events import Event, FaultCleared, FaultRaised
from appliance.events.base import Words
from appliance.exchange.view import FaultView

log = logging.getLogger("hako.faults")


class Faults:
    """Call from the loop's thread."""

    def __init__(self, emit: Callable[[Event], None], wall: Callable[[], float]) -> None:
        self._emit, self._wall = emit, wall
        self._present: dict[str, FaultView] = {}

    def raise_(self, fault: str, text: Words, remedy: Words | None = None) -> None:
        """Something is wrong, in both languages; said again it changes nothing but the words."""
        remedy = remedy or {}
        before = self._present.get(fault)
        if before is not None and (before.text, before.remedy) == (text, remedy):
            return
        since = before.since if before is not None else rfc3339(self._wall())
        self._present[fault] = FaultView(id=fault, text=text, remedy=remedy, since=since)
        log.warning("%s %s", text.get("en", ""), remedy.get("en", ""))
        self._emit(FaultRaised(fault=fault, text=text, remedy=remedy))

    def clear(self, fault: str) -> None:
        """It is right again."""
        if self._present.pop(fault, None) is not None:
            self._emit(FaultCleared(fault=fault))

    def noted(self, event: Event) -> None:
        """A fault that the exchange itself put into the ledger."""
        if isinstance(event, FaultRaised):
            before = self._present.get(event.fault)
            since = before.since if before is not None else rfc3339(self._wall())
            self._present[event.fault] = FaultView(id=event.fault, text=event.text, remedy=event.remedy, since=since)
        elif isinstance(event, FaultCleared):
            self._present.pop(event.fault, None)

    def views(self) -> tuple[FaultView, ...]:
        """All of them, oldest first."""
        return tuple(self._present.values())
