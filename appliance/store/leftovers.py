"""What the run before this one left in the ledger's database: its last number, open calls and recordings, agents."""

from __future__ import annotations

import sqlite3

import msgspec

from appliance.store.projection import Projection

_OPEN = """
    SELECT seq, id, kind, journey, caller, caller_name, called, trunk, extension, queue, agent, started, answered,
        ended, wait, talk, hold, cause, cause_code, recording, boot, open
    FROM records WHERE ended IS NULL ORDER BY seq
"""


class OpenCall(msgspec.Struct, frozen=True):
    """A call whose record a crash left open."""

    call: str
    journey: str
    kind: str
    agent: str
    queue: str
    """Set while it waits in a queue."""
    queued: float
    """Wall time at which it entered that queue."""
    last_seen: float
    """Wall time of the last sign of life of the box; its record will end then."""


class OpenRecording(msgspec.Struct, frozen=True):
    """A recording of which nobody has said that it stopped."""

    recording: str
    call: str
    path: str
    """Relative to the recordings folder."""
    rate: int = 8000
    """Samples a second."""


class AgentStatus(msgspec.Struct, frozen=True):
    """What an agent last chose."""

    agent: str
    status: str
    reason: str
    extension: str
    at: float


class Leftovers(msgspec.Struct, frozen=True):
    """Everything a new run takes over."""

    last_seq: int = 0
    clean: bool = True
    """The run before said that it stopped (or there was none)."""
    calls: tuple[OpenCall, ...] = ()
    recordings: tuple[OpenRecording, ...] = ()
    statuses: tuple[AgentStatus, ...] = ()


def take_over(database: sqlite3.Connection, projection: Projection, last_alive: float) -> Leftovers:
    """Reads it, and gives the projection the records that are open. `last_alive`: last heartbeat, 0 when unknown."""
    last_seq, clean = 0, True
    last = database.execute("SELECT seq, at, type FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    if last is not None:
        last_seq, clean = last[0], last[2] == "box-stopped"
        projection.last_seen = max(last[1], last_alive)
    for row in database.execute(_OPEN):
        projection.load(row)
    visits = database.execute("SELECT call, queue, entered FROM queue_visits WHERE left IS NULL").fetchall()
    waiting = {call: (queue, entered) for call, queue, entered in visits}
    calls = []
    for record in projection.open.values():
        kind, journey = record.fixed[0], record.fixed[1]
        seen = max(record.started, projection.last_seen)
        queue, queued = waiting.get(record.call, ("", 0.0))
        calls.append(OpenCall(record.call, journey, kind, record.agent, queue, queued, seen))
    recordings = database.execute("SELECT id, call, path, rate FROM recordings WHERE seconds IS NULL").fetchall()
    statuses = database.execute("SELECT agent, status, reason, extension, at FROM agent_status").fetchall()
    return Leftovers(
        last_seq,
        clean,
        tuple(calls),
        tuple(OpenRecording(*row) for row in recordings),
        tuple(AgentStatus(*row) for row in statuses),
    )
