"""Numbered steps that bring a database to the present shape, forward only.

Each step only adds (tables, columns with defaults, indexes), so that an older version of the software, put back by a
rolled-back update, still works on a database that a newer one has touched.
"""

from __future__ import annotations

import sqlite3
from typing import Final

RECORDS: Final = (
    # 1: the ledger and its projections
    """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY, at REAL NOT NULL, mono REAL NOT NULL, boot TEXT NOT NULL,
        type TEXT NOT NULL, schema INTEGER NOT NULL, call TEXT NOT NULL, data TEXT NOT NULL);
    CREATE INDEX events_call ON events (call) WHERE call <> '';
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, journey TEXT NOT NULL,
        caller TEXT NOT NULL, caller_name TEXT NOT NULL, called TEXT NOT NULL, trunk TEXT NOT NULL,
        extension TEXT NOT NULL, queue TEXT NOT NULL, agent TEXT NOT NULL,
        started REAL NOT NULL, answered REAL, ended REAL,
        wait REAL NOT NULL, talk REAL NOT NULL, hold REAL NOT NULL,
        cause TEXT NOT NULL, cause_code INTEGER NOT NULL, recording TEXT NOT NULL,
        boot TEXT NOT NULL, open TEXT NOT NULL);
    CREATE INDEX records_started ON records (started, seq);
    CREATE INDEX records_agent ON records (agent, started) WHERE agent <> '';
    CREATE INDEX records_queue ON records (queue, started) WHERE queue <> '';
    CREATE INDEX records_journey ON records (journey);
    CREATE INDEX records_open ON records (seq) WHERE ended IS NULL;
    CREATE VIRTUAL TABLE records_text USING fts5 (
        caller, caller_name, called, content='records', content_rowid='seq', tokenize='trigram');
    CREATE TABLE queue_visits (
        seq INTEGER PRIMARY KEY, call TEXT NOT NULL, queue TEXT NOT NULL, entered REAL NOT NULL, left REAL,
        waited REAL NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '');
    CREATE INDEX queue_visits_entered ON queue_visits (entered);
    CREATE INDEX queue_visits_open ON queue_visits (call) WHERE left IS NULL;
    CREATE TABLE agent_status (
        agent TEXT PRIMARY KEY, status TEXT NOT NULL, reason TEXT NOT NULL, extension TEXT NOT NULL,
        at REAL NOT NULL, by TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE recordings (
        id TEXT PRIMARY KEY, call TEXT NOT NULL, leg TEXT NOT NULL, path TEXT NOT NULL, started REAL NOT NULL,
        seconds REAL, reason TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
    CREATE INDEX recordings_call ON recordings (call);
    CREATE INDEX recordings_open ON recordings (id) WHERE seconds IS NULL;
    CREATE TABLE segments (
        recording TEXT NOT NULL, offset REAL NOT NULL, leg TEXT NOT NULL, agent TEXT NOT NULL);
    CREATE INDEX segments_recording ON segments (recording);
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    """,
    # pauses of recordings; `at` wall time, `seconds` of wall time, NULL while it goes on
    """
    CREATE TABLE pauses (
        recording TEXT NOT NULL, offset REAL NOT NULL, at REAL NOT NULL, seconds REAL, how TEXT NOT NULL,
        by TEXT NOT NULL);
    CREATE INDEX pauses_recording ON pauses (recording);
    """,
    # what a recording's file is: its rate, and whether it is still a WAV
    """
    ALTER TABLE recordings ADD COLUMN rate INTEGER NOT NULL DEFAULT 8000;
    ALTER TABLE recordings ADD COLUMN format TEXT NOT NULL DEFAULT 'wav';
    CREATE INDEX recordings_to_convert ON recordings (started) WHERE format = 'wav' AND seconds IS NOT NULL;
    CREATE INDEX recordings_started ON recordings (started);
    """,
    # who answered a call of ours, and whether a fax machine was heard
    """
    ALTER TABLE records ADD COLUMN answered_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE records ADD COLUMN fax INTEGER NOT NULL DEFAULT 0;
    """,
    # how the call sounded
    """
    ALTER TABLE records ADD COLUMN mos REAL;
    """,
)

STATE: Final = (
    # 1: what must survive the process, not the power
    """
    CREATE TABLE state (
        kind TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
    """,
)


def migrate(database: sqlite3.Connection, steps: tuple[str, ...]) -> int:
    """Runs the steps the database has not seen, each in its own transaction. Returns the number it is at now."""
    present: int = database.execute("PRAGMA user_version").fetchone()[0]
    for number, step in enumerate(steps, 1):
        if number > present:
            database.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
            present = number
    return present
