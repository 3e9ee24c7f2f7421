"""Opens SQLite files so that a power cut, a full disk or a damaged file never stops the box."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from appliance.store.migrations import migrate

QUICK_CHECK_BELOW: Final = 32 * 1024 * 1024
"""Files up to this size (bytes) are checked whole on opening; larger ones when a damaged page is met."""
KEEP_DAMAGED: Final = 2
"""How many damaged files are kept aside."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken (as against a full or failing disk)."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in _DAMAGE


def is_full(error: sqlite3.Error, path: Path) -> bool:
    """Whether there is no room: SQLite says so, or the disk has less than a megabyte left."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return True
    try:
        room = os.statvfs(path.parent)
    except OSError as failure:
        return failure.errno == errno.ENOSPC
    return room.f_bavail * room.f_frsize < 1_000_000


def connect(path: Path, synchronous: str, steps: tuple[str, ...]) -> sqlite3.Connection:
    """A writing connection in WAL mode, migrated. Raises sqlite3.Error; `is_damage`: whether the file is broken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    database = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        database.execute("PRAGMA journal_size_limit = 4000000")
        if path.stat().st_size < QUICK_CHECK_BELOW:
            found = database.execute("PRAGMA quick_check(1)").fetchone()
            if found is None or found[0] != "ok":
                raise _damaged(str(found and found[0]))
        migrate(database, steps)
    except UnicodeDecodeError as error:
        # The library's message quotes what the damaged file says of itself.
        database.close()
        raise _damaged(repr(error)) from None
    except BaseException:
        database.close()
        raise
    return database


def _damaged(message: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def move_aside(path: Path) -> Path:
    """Renames a damaged database with its companions; keeps the latest few. Returns the new name."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    old = sorted(
        (one for one in path.parent.glob(f"{path.name}.damaged-*") if not one.name.endswith(("-wal", "-shm"))),
        key=lambda one: one.stat().st_mtime,
    )
    for one in old[:-KEEP_DAMAGED]:
        for suffix in ("", "-wal", "-shm"):
            one.with_name(one.name + suffix).unlink(missing_ok=True)
    return aside


def read_only(path: Path) -> sqlite3.Connection:
    """A reading connection for use in any one thread at a time. Raises sqlite3.Error when there is no such file."""
    database = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None, check_same_thread=False
    )
    database.execute("PRAGMA query_only = 1")
    database.execute("PRAGMA cache_size = -2000")
    return database
