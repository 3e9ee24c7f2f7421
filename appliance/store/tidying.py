"""Work on the ledger's database that may wait: the text index of the records, and forgetting what is old."""

from __future__ import annotations

import sqlite3
from typing import Final


def index_text(database: sqlite3.Connection) -> None:
    """Brings the text index up to the newest record."""
    row = database.execute("SELECT value FROM meta WHERE key = 'text-indexed'").fetchone()
    done = row[0] if row else 0
    newest = database.execute("SELECT max(seq) FROM records").fetchone()[0]
    if newest is None or newest <= done:
        return
    database.execute("BEGIN IMMEDIATE")
    database.execute(
        "INSERT INTO records_text (rowid, caller, caller_name, called) "
        "SELECT seq, caller, caller_name, called FROM records WHERE seq > ?",
        (done,),
    )
    database.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('text-indexed', ?)", (newest,))
    database.execute("COMMIT")


STEP: Final = 1000
"""Rows a transaction at most: whoever waits to commit waits no longer."""


class Pruning:
    """Forgets what is older than `before` (wall time), step by step. Records that are open stay, and those whose
    recording is still there, which has its own end (`RecordingDeleted`)."""

    def __init__(self, before: float) -> None:
        self._before = before
        self._limit: int | None = None

    def step(self, database: sqlite3.Connection) -> bool:
        """Deletes a few rows. False: nothing is left to do."""
        if self._limit is None:
            self._limit = _first_since(database, self._before)
        database.execute("BEGIN IMMEDIATE")
        try:
            left = self._events(database) or self._records(database) or self._visits(database)
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        return left

    def _events(self, database: sqlite3.Connection) -> bool:
        query = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ? ORDER BY seq LIMIT ?)"
        return database.execute(query, (self._limit, STEP)).rowcount == STEP

    def _records(self, database: sqlite3.Connection) -> bool:
        query = (
            "SELECT seq FROM records WHERE started < ? AND ended IS NOT NULL AND recording = '' "
            "ORDER BY started LIMIT ?"
        )
        old = [row[0] for row in database.execute(query, (self._before, STEP))]
        done = database.execute("SELECT value FROM meta WHERE key = 'text-indexed'").fetchone()
        database.executemany(
            "INSERT INTO records_text (records_text, rowid, caller, caller_name, called) "
            "SELECT 'delete', seq, caller, caller_name, called FROM records WHERE seq = ?",
            [(seq,) for seq in old if done and seq <= done[0]],
        )
        database.executemany("DELETE FROM records WHERE seq = ?", [(seq,) for seq in old])
        return len(old) == STEP

    def _visits(self, database: sqlite3.Connection) -> bool:
        query = (
            "DELETE FROM queue_visits WHERE seq IN "
            "(SELECT seq FROM queue_visits WHERE entered < ? AND left IS NOT NULL LIMIT ?)"
        )
        return database.execute(query, (self._before, STEP)).rowcount == STEP


def _first_since(database: sqlite3.Connection, before: float) -> int:
    """Number of the first event that is not older, by halving: events have no index by time."""
    low, high = database.execute("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM events").fetchone()
    while low < high:
        middle = (low + high) // 2
        row = database.execute("SELECT seq, at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).fetchone()
        if row[1] < before:
            low = row[0] + 1
        else:
            high = middle
    # The newest one stays in any case: numbering goes on from it.
    return int(low)
