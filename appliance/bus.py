"""Delivers events to their readers: in order, after the drain, never nested.

A reader (ledger, lamps, live page, metrics) that raises is counted and reported; it never reaches a call or another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

E = TypeVar("E")


class Bus(Generic[E]):
    """An ordered queue of events and the readers that receive each of them once."""

    def __init__(self, report: Callable[[str, Exception], None]) -> None:
        """`report(reader_name, error)` is told of a reader's exception (a log line); it must not raise."""
        self._readers: list[tuple[str, Callable[[E], None]]] = []
        self._pending: deque[E] = deque()
        self._delivering = False
        self._report = report
        self.failures: dict[str, int] = {}
        """Exceptions by reader name, for `/metrics` and the doctor."""

    def subscribe(self, name: str, reader: Callable[[E], None]) -> None:
        """Adds a reader; it sees events published from now on, after the readers added before it."""
        self._readers.append((name, reader))

    def unsubscribe(self, name: str) -> None:
        """Removes the reader of this name, if there is one."""
        self._readers = [pair for pair in self._readers if pair[0] != name]

    def publish(self, event: E) -> None:
        """Queues an event; nobody sees it before `deliver`."""
        self._pending.append(event)

    def deliver(self) -> None:
        """Hands every queued event to every reader, in order. Events published by readers follow after these."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._pending:
                event = self._pending.popleft()
                for name, reader in self._readers:
                    try:
                        reader(event)
                    except Exception as error:
                        self.failures[name] = self.failures.get(name, 0) + 1
                        self._report(name, error)
        finally:
            self._delivering = False
