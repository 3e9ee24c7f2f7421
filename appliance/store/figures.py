"""Figures of the queues from the ledger's rows, each with its definition.

A visit is one caller's stay in one queue, counted on the day it began (local midnight to midnight). Service calls never
enter a queue and so are in no figure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from appliance.store.records import Records


class QueueDay(msgspec.Struct, frozen=True, kw_only=True):
    """One queue since a moment."""

    offered: int = 0
    """Visits that began."""
    answered: int = 0
    """Visits that ended with an agent."""
    abandoned: int = 0
    """Visits that ended because the caller hung up."""
    answered_in_level: int = 0
    """Answered visits that waited no longer than the queue's `service_level_seconds`."""
    redirected: int = 0
    """Visits sent to overflow: nobody logged in, or waited too long."""
    waited_seconds: float = 0.0
    """Waiting time of the answered visits; divided by `answered` it is the average speed of answer."""


def local_midnight(wall: float, timezone: str) -> float:
    """When the local day of `wall` began, in seconds since the epoch; UTC where the zone is unknown."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    local = datetime.fromtimestamp(wall, zone)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # A zone may skip midnight itself; the first moment of the day is then one hour on.
    begun = start.timestamp()
    return begun if datetime.fromtimestamp(begun, zone).date() == local.date() else begun + timedelta(hours=1).seconds


def queue_days(records: Records, since: float, levels: Mapping[str, float]) -> dict[str, QueueDay]:
    """Figures of each queue in `levels` (queue -> service_level_seconds) for visits that began at `since` or later."""
    found = queue_days_at(records, since, levels)
    return found[1] if found is not None else {}


def queue_days_at(
    records: Records, since: float, levels: Mapping[str, float]
) -> tuple[int, dict[str, QueueDay]] | None:
    """`queue_days` and the number of the last ledger entry that is in them; None when the file cannot be read."""

    def ask(database: sqlite3.Connection) -> tuple[int, dict[str, QueueDay]]:
        # One transaction is one state of the file.
        database.execute("BEGIN")
        try:
            seq: int = database.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
            return seq, {queue: _day(database, queue, since, level) for queue, level in levels.items()}
        finally:
            database.execute("ROLLBACK")

    return records.read(ask, None)


def _day(database: sqlite3.Connection, queue: str, since: float, level: float) -> QueueDay:
    row: tuple[Any, ...] = database.execute(
        "SELECT count(*), total(outcome = 'answered'), total(outcome = 'abandoned'), "
        "total(outcome = 'answered' AND waited <= ?), total(outcome IN ('overflow', 'timeout')), "
        "total(CASE WHEN outcome = 'answered' THEN waited END) "
        "FROM queue_visits WHERE entered >= ? AND queue = ?",
        (level, since, queue),
    ).fetchone()
    return QueueDay(
        offered=row[0],
        answered=int(row[1]),
        abandoned=int(row[2]),
        answered_in_level=int(row[3]),
        redirected=int(row[4]),
        waited_seconds=row[5],
    )
