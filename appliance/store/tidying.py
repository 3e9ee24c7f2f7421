"""Work on the ledger's database that may wait: the text index of the records, and forgetting what is old."""

from __future__ import annotations

import sqlite3


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


def prune(database: sqlite3.Connection, before: float) -> None:
    """Deletes what is older, a thousand rows a transaction. Records that are open and what belongs to them stay."""
    row = database.execute("SELECT seq FROM events WHERE at >= ? ORDER BY seq LIMIT 1", (before,)).fetchone()
    newest = database.execute("SELECT max(seq) FROM events").fetchone()[0] or 0
    limit = row[0] if row else newest
    while database.execute(
        "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ? LIMIT 1000)", (limit,)
    ).rowcount:
        pass
    old = "SELECT seq FROM records WHERE started < ? AND ended IS NOT NULL"
    database.execute("BEGIN IMMEDIATE")
    done = database.execute("SELECT value FROM meta WHERE key = 'text-indexed'").fetchone()
    database.execute(
        "INSERT INTO records_text (records_text, rowid, caller, caller_name, called) "
        f"SELECT 'delete', seq, caller, caller_name, called FROM records WHERE seq IN ({old}) AND seq <= ?",
        (before, done[0] if done else 0),
    )
    database.execute(f"DELETE FROM records WHERE seq IN ({old})", (before,))
    database.execute("DELETE FROM queue_visits WHERE entered < ? AND left IS NOT NULL", (before,))
    for table in ("segments", "pauses"):
        database.execute(
            f"DELETE FROM {table} WHERE recording IN "
            "(SELECT id FROM recordings WHERE started < ? AND seconds IS NOT NULL)",
            (before,),
        )
    database.execute("DELETE FROM recordings WHERE started < ? AND seconds IS NOT NULL", (before,))
    database.execute("COMMIT")
