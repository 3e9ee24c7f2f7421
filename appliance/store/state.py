"""What must survive the process, not the power: bindings, dialogs, calls, log-ins, heartbeat. SQLite without fsync.

Writes are queued and merged (a dialog that came and went costs nothing) and carried out in the background within a
moment. A damaged file is thrown away: phones register again, and calls are gone after a power cut anyway.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final

from appliance.store.background import Background
from appliance.store.database import connect, is_damage
from appliance.store.migrations import STATE

BINDINGS: Final = "bindings"
DIALOGS: Final = "dialogs"
CALLS: Final = "calls"
SESSIONS: Final = "sessions"
"""Log-ins of browsers."""
BOX: Final = "box"
"""The box itself: its heartbeat, where it is reached, what telephones in browsers prove themselves with."""


class StateStore:
    """Keys and bytes by kind. Thread-safe; `put` and `drop` never block and never fail."""

    def __init__(self, path: Path, background: Background | None = None) -> None:
        """`background` writes; without one it has its own."""
        self.path = path
        self._pending: dict[tuple[str, str], bytes | None] = {}
        self._lock = threading.Lock()
        """Guards what is queued: held for moments only."""
        self._writing = threading.Lock()
        """Guards the database: never taken by `put` and `drop`."""
        self._idle = threading.Event()
        self._idle.set()
        self.failures = 0
        """Writes the disk refused; what they held is written with the next ones."""
        self._database = self._open()
        self.last_alive = self._read_alive()
        """Wall time of the last heartbeat of the run before this one; 0 when there was none."""
        self._background = background or Background()
        self._owns_background = background is None
        self._background.add(self._write_pending)

    def put(self, kind: str, key: str, data: bytes) -> None:
        """States that this key has this data."""
        self._queue(kind, key, data)

    def drop(self, kind: str, key: str) -> None:
        """States that this key is gone."""
        self._queue(kind, key, None)

    def alive(self, wall: float) -> None:
        """The heartbeat: called every few seconds, it tells the next run how long this one lived."""
        self._queue(BOX, "alive", repr(wall).encode())

    def load(self, kind: str) -> dict[str, bytes]:
        """Everything of a kind, queued writes included. Blocks."""
        self.flush()
        try:
            with self._writing:
                database = self._database
                if database is None:
                    return {}
                rows = database.execute("SELECT key, data FROM state WHERE kind = ?", (kind,)).fetchall()
            return {key: bytes(data) for key, data in rows}
        except sqlite3.Error:
            return {}

    def clear(self, kind: str) -> None:
        """Drops everything of a kind. Blocks."""
        for key in self.load(kind):
            self.drop(kind, key)

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until what was queued is written (or refused)."""
        self._background.hurry()
        return self._idle.wait(timeout)

    def close(self) -> None:
        """Writes what is queued; nothing is written afterwards."""
        if self._owns_background:
            self._background.close()
        self._write_pending()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _queue(self, kind: str, key: str, data: bytes | None) -> None:
        with self._lock:
            self._pending[kind, key] = data
            self._idle.clear()
        self._background.wake()

    def _open(self) -> sqlite3.Connection | None:
        for _attempt in (1, 2):
            try:
                return connect(self.path, "OFF", STATE)
            except sqlite3.Error as error:
                if not is_damage(error):
                    return None
                self._throw_away()
            except OSError:
                return None
        return None

    def _throw_away(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _read_alive(self) -> float:
        if self._database is None:
            return 0.0
        try:
            row = self._database.execute("SELECT data FROM state WHERE kind = 'box' AND key = 'alive'").fetchone()
            return float(row[0]) if row else 0.0
        except (sqlite3.Error, ValueError):
            return 0.0

    def _write_pending(self) -> bool:
        with self._writing:
            with self._lock:
                pending, self._pending = self._pending, {}
            written = not pending or self._write(pending)
        with self._lock:
            if not written:
                # Waits for the next change; newer data for the same key goes before.
                self.failures += 1
                self._pending = pending | self._pending
            if not written or not self._pending:
                self._idle.set()
        return not written

    def _write(self, pending: dict[tuple[str, str], bytes | None]) -> bool:
        try:
            if self._database is None:
                self._database = self._open()
            database = self._database
            if database is None:
                return False
            database.execute("BEGIN")
            puts = [(kind, key, data) for (kind, key), data in pending.items() if data is not None]
            drops = [pair for pair, data in pending.items() if data is None]
            database.executemany("INSERT OR REPLACE INTO state (kind, key, data) VALUES (?,?,?)", puts)
            database.executemany("DELETE FROM state WHERE kind = ? AND key = ?", drops)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database is not None:
                self._database.close()
                self._database = None
            if is_damage(error):
                self._throw_away()
            return False
        return True
