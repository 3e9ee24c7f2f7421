"""The thread that writes: one for everything that is stored while calls go on.

Whoever has something to write wakes it; it waits a moment for company, then gives each of its writers a turn. Waking a
thread costs more than most of what it then writes, so there is one of them and not one for each file.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger("hako.store")

GATHER_SECONDS: Final = 0.04
"""How long it waits for company; what it then does is on top (group commit within 50 ms)."""
RETRY_SECONDS: Final = 2.0
"""When it looks again by itself after a turn that left something over."""
IDLE_SECONDS: Final = 30.0


class Background:
    """Runs writers' turns in a thread of its own until closed. Thread-safe."""

    def __init__(self) -> None:
        self._turns: list[Callable[[], bool]] = []
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def add(self, turn: Callable[[], bool]) -> None:
        """`turn` writes what waits to be written; True when something is left over that should be tried again."""
        self._turns.append(turn)

    def wake(self) -> None:
        """There is something to write."""
        if not self._wake.is_set():
            self._wake.set()

    def hurry(self) -> None:
        """Somebody waits for it: write now."""
        self._hurry.set()
        self._wake.set()

    def close(self, timeout: float = 10.0) -> None:
        """Gives every writer a last turn and ends the thread."""
        self._stopping = True
        self.hurry()
        self._thread.join(timeout)

    def _run(self) -> None:
        left = False
        while True:
            if self._wake.wait(RETRY_SECONDS if left else IDLE_SECONDS) and not self._stopping:
                self._hurry.wait(GATHER_SECONDS)
            stopping = self._stopping
            self._wake.clear()
            self._hurry.clear()
            left = False
            for turn in self._turns:
                try:
                    left = turn() or left
                except Exception:
                    log.exception("a writer failed")
            if stopping:
                return
